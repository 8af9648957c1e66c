"""``quality``."""

from __future__ import annotations

import click


@click.command()
@click.argument("event", default="")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def quality(context: click.Context, event: str, as_json: bool) -> None:
    """Show how events do against what is declared to be expected of them.

    \b
    Example:
      tidewheel quality
      tidewheel quality Payment --json
    """
    from tidewheel.cli.output import opened, print_json, print_table, when

    with opened(context) as workspace:
        found = workspace.quality(event)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("nothing is expected of any event: declare a tw.expect.Suite (docs/quality.md)")
    else:
        headers = ["event", "expectation", "expected", "policy", "rows", "failing", "quarantined", "alert", "last", ""]
        rows = [
            [s.event, s.expectation, s.expected, s.policy, s.rows, s.failing, s.quarantined, s.alert]
            + ([when(s.last.at), s.last.detail] if s.last else ["-", "nothing seen yet"])
            for s in found
        ]
        print_table(headers, rows)
