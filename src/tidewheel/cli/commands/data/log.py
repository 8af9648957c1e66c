"""``tidewheel log``: what the event log holds and how far its readers are; moving it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidewheel.workspace.events.moving import LogMove


@click.group("log")
def log() -> None:
    """Show the event log: its head, its lag, its counters; move it to a broker or back.

    \b
    Example:
      tidewheel log status
      tidewheel log move --dry-run
    """


@log.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def log_status(context: click.Context, as_json: bool) -> None:
    """Show how far the log, the lake and the feature states are.

    \b
    Example:
      tidewheel log status --json
    """
    from tidewheel.cli.output import opened, print_json, print_table, when

    with opened(context, declarations=False) as workspace:
        status = workspace.log_status()
    if as_json:
        print_json(status)
        return
    kept = max(0, status.head - status.first)
    click.echo(f"log: {status.head - 1:,} offsets given, the last {kept:,} not trimmed yet, {status.bytes:,} bytes")
    lag = [[name, position, max(0, status.head - 1 - position)] for name, position in status.positions.items()]
    print_table(["reader", "has", "behind by"], lag)
    if status.counters:
        counters = list(next(iter(status.counters.values())))
        rows = [
            [event, *(counts.get(name, 0) for name in counters), when(status.watermarks[event])]
            for event, counts in status.counters.items()
        ]
        print_table(["event", *counters, "watermark"], rows)


@log.command("move")
@click.option(
    "--from",
    "origin",
    metavar="URL",
    envvar="TIDEWHEEL_MOVE_FROM",
    default="",
    help="Where the log is now, when it is on a broker. Also read from TIDEWHEEL_MOVE_FROM.",
)
@click.option("--dry-run", is_flag=True, help="Only show what there is to move.")
@click.option("--delete-old", is_flag=True, help="Delete the old log: after this move, or after one done before.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def log_move(context: click.Context, origin: str, dry_run: bool, delete_old: bool, as_json: bool) -> None:
    """Bring the event log to where the setting `log` wants it: onto a broker, or back into the data folder.

    Change the setting, stop what runs, then give this command. All moves with its offsets, so that features, decision
    records, the lake and the ids of events known go on as they are. Killed half way, it goes on when it is given again.
    The old log stays until `--delete-old`.

    \b
    Example:
      tidewheel log move --dry-run
      tidewheel log move
      tidewheel log move --from kafka://broker:9092 --delete-old
    """
    from tidewheel.cli.output import opened, print_json, progress_bar
    from tidewheel.workspace.events.moving import move_log

    with opened(context, declarations=False) as workspace, progress_bar() as progress:
        found = move_log(workspace.stores, progress, origin=origin, dry_run=dry_run, delete_old=delete_old)
    if as_json:
        print_json(found)
    else:
        _show_move(found)


def _show_move(found: LogMove) -> None:
    from tidewheel.cli.output import print_table

    rows = [[name, of.entries, of.bytes, of.hash] for name, of in found.databases.items()]
    print_table(["part", "entries", "bytes", "hash"], rows)
    click.echo(f"{found.offsets:,} offsets given")
    if not found.done:
        click.echo(f"would move from {found.origin} to {found.destination}; without --dry-run it does")
        return
    click.echo(f"moved from {found.origin} to {found.destination}; the same entries are in both")
    if found.old:
        click.echo(f"the old log stays in {found.old}, until: tidewheel log move --delete-old")
