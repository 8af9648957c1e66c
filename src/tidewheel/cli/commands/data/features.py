"""``tidewheel features``."""

from __future__ import annotations

import click

from tidewheel.cli.commands.watching.catalog import list_all, search_all, show_one
from tidewheel.errors import FeatureError


@click.group()
def features() -> None:
    """Read features and check that what was served is what replay gives.

    \b
    Example:
      tidewheel features check --sample 10000
    """


for _command in (list_all, search_all, show_one):
    features.add_command(_command)


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
    from tidewheel.cli.output import opened, print_json, print_table, progress_bar

    with opened(context) as workspace, progress_bar() as progress:
        report = workspace.check_features(service, sample=sample, progress=progress)
    if as_json:
        print_json(report)
    else:
        click.echo(
            f"{report.checked:,} decisions replayed, {report.features:,} values compared, "
            f"{report.differences:,} differences" + (f", {report.skipped:,} skipped" if report.skipped else "")
        )
        odd = [[f.view, f.feature, f.mismatch, f.missing, f.extra] for f in report.by_feature if f.differences]
        if odd:
            print_table(["view", "feature", "mismatch", "missing", "extra"], odd)
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


@features.command("diff")
@click.argument("before")
@click.argument("after", default=".")
@click.option("--view", default="", help="Which view; default: the version's, or every view that changed.")
@click.option(
    "--sample", default=1000, show_default=True, help="How many events, spread evenly over history; 0 for all."
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def diff(context: click.Context, before: str, after: str, view: str, sample: int, as_json: bool) -> None:
    """Compute a view by two definitions for the same events, and compare every column.

    BEFORE and AFTER are a version (Fraud@2), live, or . for the working tree.

    \b
    Example:
      tidewheel features diff Fraud@2 Fraud@3
      tidewheel features diff live . --view PaymentView --sample 0
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.difference import print_differences

    with opened(context) as workspace:
        found = workspace.diff_features(before, after, view=view, sample=sample)
    if as_json:
        print_json(found)
    else:
        print_differences(found)


@features.command("visibility")
@click.argument("view")
@click.option("--serving-delay", metavar="DURATION", help="How much later than they arrive serving sees events.")
@click.option("--sample", default=0, show_default=True, help="How many events, spread evenly over history; 0 for all.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def visibility(context: click.Context, view: str, serving_delay: str | None, sample: int, as_json: bool) -> None:
    """Show what training would see wrongly if it went by when things happened, not by when they were known.

    Computes a view for its events both ways, and tells on which share of rows, and in which columns, the two differ.

    \b
    Example:
      tidewheel features visibility PaymentView
      tidewheel features visibility PaymentView --serving-delay 5s --sample 10000
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.difference import print_differences

    with opened(context) as workspace:
        found = workspace.compare_visibility(view, serving_delay=serving_delay, sample=sample)
    if as_json:
        print_json(found)
    else:
        print_differences([found])


@features.command("backfill")
@click.argument("view")
@click.option("--on", default="", metavar="EVENT", help="Of a feature set: for each of which event.")
@click.option("--from", "start", metavar="TIME", help="Rows that arrived from this instant on (RFC 3339).")
@click.option("--to", "end", metavar="TIME", help="Rows that arrived before this instant; default: all.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def backfill(context: click.Context, view: str, on: str, start: str | None, end: str | None, as_json: bool) -> None:
    """Compute the rows of a view, or of a feature set alone, for a range of time, and keep them in the lake.

    What is stored already is not computed again: a second call does nothing, a new column is computed by
    itself, a longer range is filled up. A call that was killed goes on where it was.

    \b
    Example:
      tidewheel features backfill PaymentView --from 2026-01-01T00:00:00Z --to 2026-03-01T00:00:00Z
      tidewheel features backfill CardHistory --on Payment
    """
    from tidewheel.cli.output import opened, print_json, progress_bar, when

    with opened(context) as workspace, progress_bar() as progress:
        done = workspace.backfill(view, on=on, start=start, end=end, progress=progress)
    if as_json:
        print_json(done)
        return
    if not done.computed:
        click.echo(f"{done.view} is stored already up to {when(done.end)}")
        return
    click.echo(f"{done.rows:,} rows of {', '.join(done.computed)}, up to {when(done.end)}")
    if done.kept:
        click.echo(f"stored already: {', '.join(done.kept)}")


@features.command("freshness")
@click.argument("view", default="")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def freshness(context: click.Context, view: str, as_json: bool) -> None:
    """Show how far the features of views are behind the log.

    \b
    Example:
      tidewheel features freshness PaymentView
    """
    from tidewheel.cli.output import opened, print_json, print_table, when

    with opened(context) as workspace:
        found = workspace.freshness(view)
    if as_json:
        print_json(found)
        return
    rows = [[f.view, f.age / 1e6, f.target / 1e6 or None, f.when_stale, f.stale, when(f.watermark)] for f in found]
    print_table(["view", "seconds behind", "allowed", "when stale", "stale", "complete up to"], rows)


@features.command("versions")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def versions(context: click.Context, as_json: bool) -> None:
    """List the states that are kept, side by side, and who needs each.

    \b
    Example:
      tidewheel features versions
    """
    from tidewheel.cli.output import opened, print_json, print_table

    with opened(context) as workspace:
        found = workspace.state_versions()
    if as_json:
        print_json(found)
        return
    rows = [
        (it.name, it.state_id, it.status, it.entities, it.size, it.offset, ", ".join(it.pinned_by) or "-")
        for it in found
    ]
    print_table(["features", "state", "status", "entities", "bytes", "offset", "needed by"], rows)
