"""``tidewheel report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidewheel.monitoring.build import By


@click.command()
@click.argument("service")
@click.option(
    "--by", type=click.Choice(["week", "month"]), default="week", show_default=True, help="Length of a period."
)
@click.option("--since", metavar="TIME", help="Only decisions from this instant on (RFC 3339).")
@click.option("--html", "page", type=click.Path(path_type=Path), help="Also write one self-contained page with plots.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def report(context: click.Context, service: str, by: By, since: str | None, page: Path | None, as_json: bool) -> None:
    """Traffic, scores, quality on known outcomes, calibration, drift, fallbacks, latency; per version and period.

    \b
    Example:
      tidewheel report Score
      tidewheel report Score --by month --html score.html
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.report_view import print_report

    with opened(context) as workspace:
        found = workspace.report(service, by=by, since=since)
    if page is not None:
        from tidewheel.monitoring.page import render

        page.write_text(render(found))
    if as_json:
        print_json(found)
    else:
        print_report(found)
        if page is not None:
            click.echo(f"wrote {page}")
