"""``tidewheel tune-thresholds``."""

from __future__ import annotations

from typing import Any

import click

from tidewheel.errors import InputError


def _costs(text: str) -> dict[str, float]:
    """Read ``fp=1,fn=20``."""
    try:
        found = {name.strip(): float(value) for name, _, value in (part.partition("=") for part in text.split(","))}
    except ValueError:
        found = {}
    if set(found) != {"fp", "fn"}:
        raise InputError(f"can't read the costs {text!r}", remedy="write them as fp=1,fn=20")
    return found


@click.command("tune-thresholds")
@click.argument("service")
@click.option("--cost", metavar="fp=N,fn=N", help="Least mean cost: of a row flagged in vain, of a positive let go.")
@click.option("--precision", type=float, help="Most recall at this precision.")
@click.option("--recall", type=float, help="Fewest rows flagged at this recall.")
@click.option("--action", default="", help="Whose threshold; default: the action with the highest.")
@click.option(
    "--version", default="", metavar="MODEL@N", help="Whose test rows; default: what the service answers with."
)
@click.option("--set", "store", is_flag=True, help="Turn the service's threshold to it; recorded, nothing is deployed.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def tune_thresholds(
    context: click.Context,
    service: str,
    cost: str | None,
    precision: float | None,
    recall: float | None,
    action: str,
    version: str,
    store: bool,
    as_json: bool,
) -> None:
    """Choose the score from which a service takes an action, by the held-out scores of a version.

    \b
    Example:
      tidewheel tune-thresholds Score --cost fp=1,fn=20
      tidewheel tune-thresholds Score --action review --precision 0.5 --set
    """
    from tidewheel.cli.output import opened, print_json, print_table
    from tidewheel.workspace.rollouts.operating import Goal, choose_threshold

    if sum(goal is not None for goal in (cost, precision, recall)) != 1:
        raise InputError("one goal is needed", remedy="give --cost, --precision or --recall")
    goal = Goal(**(_costs(cost) if cost is not None else {}), precision=precision, recall=recall)
    with opened(context) as workspace:
        chosen = choose_threshold(
            workspace.stores, workspace.project.graph, service, goal, action=action, version=version, store=store
        )
    sure = None if chosen.precision is None else (chosen.precision.low, chosen.precision.high)
    told: dict[str, Any] = {"action": chosen.action, "version": chosen.version, "rows": chosen.rows}
    told |= {**chosen.found._asdict(), "precision_interval": sure, "set": store}
    print_json(told) if as_json else print_table(["what", "value"], [[name, _said(v)] for name, v in told.items()])


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{value[0]:.4g} to {value[1]:.4g}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
