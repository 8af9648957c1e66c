"""``tidewheel up`` and ``why``."""

from __future__ import annotations

import click


@click.command()
@click.option("--workers", type=int, help="Serving processes, over the setting.")
@click.option("--port", type=int, help="Over the setting.")
@click.option("--role", type=click.Choice(["all", "serve", "work"]), help="What this host does, over the setting.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Over the setting.")
@click.pass_context
def up(context: click.Context, /, **options: int | str | None) -> None:
    """Start serving workers, stream workers, the keeper and the guards; stop them cleanly on Ctrl-C or SIGTERM.

    \b
    Example:
      tidewheel up
      tidewheel --env prod up --workers 4
      tidewheel --env prod up --role serve      # one of many hosts that answer, beside those that --role work
    """
    from tidewheel.workspace.processes.up import run_up

    folder, env = context.find_root().obj
    run_up(folder, env, **options)


@click.command()
@click.argument("decision_id")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def why(context: click.Context, decision_id: str, as_json: bool) -> None:
    """Explain one decision: version, features, rule, arm, timing; and replay it bit for bit.

    \b
    Example:
      tidewheel why 01JD3K5R8V2M4N6P7Q9S0T1W2X
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.decision import print_explanation

    with opened(context) as workspace:
        explanation = workspace.why(decision_id)
    print_json(explanation) if as_json else print_explanation(explanation)
