"""``tidewheel deploy``, ``rollouts``, ``rollback``, ``status`` and ``thresholds``."""

from __future__ import annotations

from typing import Any

import click

from tidewheel.errors import InputError


@click.command()
@click.argument("version")
@click.option("--service", help="Only this service; default: every service of the model.")
@click.option("--canary", metavar="SHARE", help="Let it answer a share of the units, such as 5%; again to ramp it.")
@click.option("--ramp", metavar="SHARES", help="Ramp the canary by itself, as in 1%,5%,25%,100%, then promote it.")
@click.option("--hold", metavar="TIME", default="1h", help="How long it stays at each step of the ramp (default: 1h).")
@click.option(
    "--shadow", metavar="[SHARE]", is_flag=False, flag_value="100%", help="Have it score what others answer, unheard."
)
@click.option("--ab", metavar="WEIGHTS", help="Champion and challenger side by side until you decide, as in 50/50.")
@click.option("--blue-green", is_flag=True, help="Make it ready in every worker first, then move all traffic.")
@click.option("--force", is_flag=True, help="Deploy a version that did not pass its gates; recorded with your name.")
@click.option("--why", "cause", default="", help="The reason, for the history.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def deploy(context: click.Context, /, version: str, ramp: str | None, as_json: bool, **options: Any) -> None:
    """Point services at a version. Running workers follow within a second; nothing restarts.

    \b
    Example:
      tidewheel deploy Fraud@1
      tidewheel deploy Fraud@2 --shadow
      tidewheel deploy Fraud@2 --canary 5%
      tidewheel deploy Fraud@2 --ramp 1%,5%,25%,100% --hold 4h
      tidewheel deploy Fraud@2 --ab 50/50
      tidewheel deploy Fraud@2 --blue-green
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.deployment import print_deployments

    options["shadow"] = options["shadow"] or False
    with opened(context) as workspace:
        moved = workspace.deploy(version, ramp=ramp.split(",") if ramp else (), **options)
    print_json(moved) if as_json else print_deployments(moved)


@click.command()
@click.argument("service", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def rollouts(context: click.Context, service: str | None, as_json: bool) -> None:
    """Show what is rolled out, what its guards say now, and who moved what, when and why.

    \b
    Example:
      tidewheel rollouts Score
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.deployment import print_rollouts

    with opened(context) as workspace:
        found = workspace.rollouts(service)
    print_json(found) if as_json else print_rollouts(found)


@click.command()
@click.argument("name")
@click.option("--why", "cause", default="", help="The reason, for the history.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def rollback(context: click.Context, name: str, cause: str, as_json: bool) -> None:
    """Go back: end a canary when one runs, else return to the version before.

    NAME is a service, or a model whose services are all moved.

    \b
    Example:
      tidewheel rollback Fraud
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.deployment import print_deployments

    with opened(context) as workspace:
        moved = workspace.rollback(name, cause=cause)
    print_json(moved) if as_json else print_deployments(moved)


@click.command()
@click.option("--history", "past", is_flag=True, help="Also what was moved, when, by whom and why.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def status(context: click.Context, past: bool, as_json: bool) -> None:
    """Show what each service serves, open alerts, and who runs the workspace.

    \b
    Example:
      tidewheel status --history
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.deployment import print_status

    with opened(context, declarations=False) as workspace:
        found = workspace.status(history=past)
    print_json(found) if as_json else print_status(found)


@click.command()
@click.argument("service")
@click.argument("levels", nargs=-1, metavar="[ACTION=SCORE...]")
@click.option("--declared", is_flag=True, help="Go back to the declared thresholds.")
@click.option("--why", "cause", default="", help="The reason, for the history.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def thresholds(
    context: click.Context, service: str, levels: tuple[str, ...], declared: bool, cause: str, as_json: bool
) -> None:
    """Show a service's thresholds, or turn some of them, without a deploy.

    \b
    Example:
      tidewheel thresholds Score
      tidewheel thresholds Score review=0.55 block=0.9 --why "queue is short"
    """
    from tidewheel.cli.output import opened, print_json, print_table

    try:
        wanted = {action: float(score) for action, _, score in (level.partition("=") for level in levels)}
    except ValueError:
        raise InputError(f"can't read {' '.join(levels)!r}", remedy="write action=score, such as review=0.55") from None
    with opened(context) as workspace:
        if wanted or declared:
            workspace.set_thresholds(service, wanted, cause=cause)
        now = workspace.thresholds(service)
    print_json(dict(now)) if as_json else print_table(["action", "from score"], [list(level) for level in now])
