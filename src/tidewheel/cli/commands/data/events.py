"""``tidewheel ingest`` and ``quarantine``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tidewheel.errors import InputError

if TYPE_CHECKING:
    from tidewheel.storage.log.records import BadRow
    from tidewheel.workspace import Workspace


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        column, separator, source = pair.partition("=")
        if not separator or not column or not source:
            raise InputError(f"{pair!r} is no mapping", remedy="write --map event_column=file_column")
        mapping[column] = source
    return mapping


@click.command()
@click.argument("file")
@click.option("--as", "event", required=True, metavar="EVENT", help="The event or entity that the rows are.")
@click.option(
    "--format", "form", type=click.Choice(["parquet", "csv", "jsonl", "arrow"]), help="When the name does not say."
)
@click.option(
    "--map", "pairs", multiple=True, metavar="COLUMN=FILE_COLUMN", help="Where a column comes from; may be repeated."
)
@click.option("--timezone", metavar="ZONE", help="Zone of times that have none, such as America/New_York.")
@click.option(
    "--arrived", metavar="COLUMN|now", help="When rows became known: a column, or now. Default: when they happened."
)
@click.option("--null", "nulls", multiple=True, metavar="TEXT", help="CSV text that means null, beside the empty one.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def ingest(
    context: click.Context,
    file: str,
    event: str,
    form: str | None,
    pairs: tuple[str, ...],
    timezone: str | None,
    arrived: str | None,
    nulls: tuple[str, ...],
    as_json: bool,
) -> None:
    """Take a file of events in, exactly once: Parquet, CSV, JSON lines or Arrow; - is standard input.

    Rows that do not fit are quarantined with their reason; the others go on. Ingesting the same
    file again, or going on after an interruption, doubles nothing. A file of which every row is
    quarantined ends with 1.

    \b
    Example:
      tidewheel ingest payments.parquet --as Transaction
      tidewheel ingest old.csv --as Transaction --map id=payment_id --timezone Europe/Stockholm
    """
    from tidewheel.cli.output import opened, print_json, progress_bar

    with opened(context) as workspace, progress_bar() as progress:
        summary = workspace.ingest(
            file,
            event,
            format=form,
            mapping=_mapping(pairs),
            timezone=timezone,
            arrived=arrived,
            nulls=nulls,
            progress=lambda stage, rows, share: progress(f"{event}: {stage}", share, rows),
        )
    if as_json:
        print_json(summary)
    else:
        click.echo(str(summary))
        if summary.quarantined:
            click.echo(f"see what was refused and why: tidewheel quarantine list --event {event}")
    if summary.refused:
        raise SystemExit(1)


@click.group()
def quarantine() -> None:
    """List, show or retry rows that were refused.

    \b
    Example:
      tidewheel quarantine list --event Transaction
      tidewheel quarantine show 17
      tidewheel quarantine retry --event Transaction
    """


@quarantine.command("list")
@click.option("--event", help="Only of this event.")
@click.option("--most", default=50, show_default=True, help="How many rows.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def quarantine_list(context: click.Context, event: str | None, most: int, as_json: bool) -> None:
    """List refused rows with the reason of each.

    \b
    Example:
      tidewheel quarantine list --event Transaction
    """
    from tidewheel.cli.output import opened, print_json, print_table, when

    with opened(context, declarations=False) as workspace:
        rows = [_told(row, workspace) for row in workspace.stores.log.bad_rows(event, limit=most)]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(
            ["number", "event", "when", "from", "reason"],
            [[row["seq"], row["type"], when(row["at"]), row["source"], row["reason"]] for row in rows],
        )
    else:
        click.echo("the quarantine is empty")


@quarantine.command("show")
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def quarantine_show(context: click.Context, number: int, as_json: bool) -> None:
    """Show one refused row as it came, personal values masked.

    \b
    Example:
      tidewheel quarantine show 17
    """
    import msgspec

    from tidewheel.cli.output import opened, print_json, when

    with opened(context, declarations=False) as workspace:
        row = _told(workspace.stores.log.bad_row(number), workspace)
    if as_json:
        print_json(row)
    else:
        click.echo(f"{row['type']} from {row['source'] or 'a caller'} at {when(row['at'])}\nrefused: {row['reason']}")
        came = row["row"]
        click.echo(came if isinstance(came, str) else msgspec.json.encode(came).decode())


@quarantine.command("retry")
@click.option("--event", help="Only of this event.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def quarantine_retry(context: click.Context, event: str | None, as_json: bool) -> None:
    """Check refused rows again, after the declaration was mended; those that fit now are taken in.

    \b
    Example:
      tidewheel quarantine retry --event Transaction
    """
    from tidewheel.cli.output import opened, print_json

    with opened(context) as workspace:
        taken, left = workspace.retry_quarantine(event)
    if as_json:
        print_json({"taken": taken, "left": left})
    else:
        click.echo(f"{taken} rows taken in, {left} still refused")


def _told(row: BadRow, workspace: Workspace) -> dict[str, Any]:
    """Return a refused row for people: as an object where it is one, else as text; personal values masked."""
    import msgspec

    from tidewheel.governance.quarantined import shown
    from tidewheel.registry.graphs import live_graph

    live = live_graph(workspace.stores.catalog)
    reason, came = shown(row, live.graph if live is not None else None)
    return {**msgspec.structs.asdict(row), "reason": reason, "row": came}
