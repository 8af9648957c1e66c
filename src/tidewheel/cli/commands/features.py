"""``tidewheel features``."""

from __future__ import annotations

import click

from tidewheel.errors import FeatureError


@click.group()
def features() -> None:
    """Read features and check that what was served is what replay gives.

    \b
    Example:
      tidewheel features check --sample 10000
    """


@features.command("check")
@click.option("--service", help="Only decisions of this service.")
@click.option(
    "--sample", default=1000, show_default=True, help="How many decisions, spread evenly over all; 0 for all."
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def check(context: click.Context, service: str | None, sample: int, as_json: bool) -> None:
    """Replay served decisions from history and compare every feature bit for bit.

    Ends with status 1 when anything differs, after printing the first difference.

    \b
    Example:
      tidewheel features check --service Score --sample 0
    """
    from tidewheel.cli.output import opened, print_json, progress_bar

    with opened(context) as workspace, progress_bar() as progress:
        report = workspace.check_features(service, sample=sample, progress=progress)
    if as_json:
        print_json(report)
    else:
        click.echo(
            f"{report.checked:,} decisions replayed, {report.features:,} values compared, "
            f"{report.differences:,} differences" + (f", {report.skipped:,} skipped" if report.skipped else "")
        )
    if report.first_difference is not None:
        raise FeatureError(f"first difference: {report.first_difference}")


@features.command("read")
@click.argument("group")
@click.argument("keys", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--at", metavar="TIME", help="As of this instant (RFC 3339); default: now.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def read(context: click.Context, group: str, keys: tuple[str, ...], at: str | None, as_json: bool) -> None:
    """Read one entity's features, now or as of an instant.

    \b
    Example:
      tidewheel features read CardHistory card=c42 --at 2026-03-01T12:00:00Z
    """
    from tidewheel.cli.output import opened, print_json, print_table

    pairs = dict(pair.partition("=")[::2] for pair in keys)
    with opened(context) as workspace:
        row = workspace.read(group, at=at, **pairs)
    if as_json:
        print_json(row.as_dict())
    else:
        print_table(["feature", "value"], list(row.as_dict().items()))
