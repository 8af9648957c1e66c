"""``tidewheel report`` of a service, of a run, of two runs; ``tidewheel card``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidewheel.monitoring.build import By


class Reports(click.Group):
    """Takes what is no report of its own for a service's name: ``tidewheel report Score``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``service`` in front where it was left out."""
        if args and args[0] not in (*self.commands, "--help", "-h"):
            args = ["service", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Reports)
def report() -> None:
    """Write reports: of a service, of a training run, of two runs side by side.

    \b
    Example:
      tidewheel report Score --by month --html score.html
      tidewheel report run Fraud@3
      tidewheel report compare Fraud@2 Fraud@3
    """


@report.command()
@click.argument("service")
@click.option(
    "--by", type=click.Choice(["week", "month"]), default="week", show_default=True, help="Length of a period."
)
@click.option("--since", metavar="TIME", help="Only decisions from this instant on (RFC 3339).")
@click.option("--html", "page", type=click.Path(path_type=Path), help="Also write one self-contained page with plots.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def service(context: click.Context, service: str, by: By, since: str | None, page: Path | None, as_json: bool) -> None:
    """Traffic, scores, quality on known outcomes, calibration, drift, fallbacks, latency; per version and period.

    \b
    Example:
      tidewheel report Score
      tidewheel report Score --by month --html score.html
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.report import print_report

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


@report.command()
@click.argument("run")
@click.option("--html", "page", type=click.Path(path_type=Path), help="The file; RUN.html when not given.")
@click.pass_context
def run(context: click.Context, run: str, page: Path | None) -> None:
    """Write a page about a run, by its id or its version's name: one file with all plots in it.

    \b
    Example:
      tidewheel report run Fraud@3
      tidewheel report run 01JD8W --html fraud.html
    """
    from tidewheel.cli.output import opened

    with opened(context, declarations=False) as workspace:
        _write(page or Path(f"{run}.html"), workspace.run_page(run))


@report.command()
@click.argument("first")
@click.argument("second")
@click.option("--html", "page", type=click.Path(path_type=Path), help="The file; FIRST-SECOND.html when not given.")
@click.pass_context
def compare(context: click.Context, first: str, second: str, page: Path | None) -> None:
    """Write a page that puts two runs or versions side by side.

    \b
    Example:
      tidewheel report compare Fraud@champion Fraud@3
    """
    from tidewheel.cli.output import opened

    with opened(context, declarations=False) as workspace:
        _write(page or Path(f"{first}-{second}.html"), workspace.comparison_page(first, second))


@click.command()
@click.argument("version")
@click.option("--format", "form", type=click.Choice(["md", "html"]), default="md", show_default=True)
@click.option("--out", "file", type=click.Path(path_type=Path), help="Write it to a file instead of the terminal.")
@click.pass_context
def card(context: click.Context, version: str, form: str, file: Path | None) -> None:
    """Show a version's model card: what it is, its data, how good it is and for whom, what to mind.

    \b
    Example:
      tidewheel card Fraud@3
      tidewheel card Fraud@3 --format html --out fraud-3.html
    """
    from tidewheel.cli.output import opened

    with opened(context, declarations=False) as workspace:
        text = workspace.model_card(version, "html" if form == "html" else "md")
    if file is None:
        click.echo(text, nl=False)
    else:
        _write(file, text)


def _write(file: Path, text: str) -> None:
    file.write_text(text)
    click.echo(f"wrote {file}")
