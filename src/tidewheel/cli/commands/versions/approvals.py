"""``tidewheel approve`` and ``approvals``."""

from __future__ import annotations

import click


@click.command()
@click.argument("version")
@click.option("--as", "who", metavar="NAME", help="Who answers, as the gate names them; default: the system's user.")
@click.option("--reject", is_flag=True, help="Say no.")
@click.option("--note", default="", help="Why, for the record.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def approve(context: click.Context, version: str, who: str | None, reject: bool, note: str, as_json: bool) -> None:
    """Answer for a version that waits for a person. An answer stands: it can't be given twice, or after its time.

    \b
    Example:
      tidewheel approve Fraud@3 --as risk@bank --note "seen in the committee of 3 May"
      tidewheel approve Fraud@3 --as risk@bank --reject --note "SE is worse"
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.approval import print_approvals

    with opened(context, declarations=False) as workspace:
        found = workspace.approve(version, who=who or "", reject=reject, note=note)
        now = workspace.stores.clock.now()
    print_json(found) if as_json else print_approvals(found, now)


@click.command()
@click.argument("version", default="")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def approvals(context: click.Context, version: str, as_json: bool) -> None:
    """List what people are asked about versions, with the evidence, and what they answered.

    \b
    Example:
      tidewheel approvals
      tidewheel approvals Fraud@3 --json
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.approval import print_approvals

    with opened(context, declarations=False) as workspace:
        found = workspace.approvals(version)
        now = workspace.stores.clock.now()
    print_json(found) if as_json else print_approvals(found, now)
