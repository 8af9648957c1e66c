"""``tidewheel ticks``."""

from __future__ import annotations

import click


@click.group()
def ticks() -> None:
    """List scheduled events, or make those of the past.

    \b
    Example:
      tidewheel ticks list
      tidewheel ticks make Nightly --since 2026-01-01T00:00:00Z
    """


@ticks.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """Show for which entities, when each is due next, and what came of it last.

    \b
    Example:
      tidewheel ticks list
    """
    from tidewheel.cli.output import opened, print_json, print_table, when

    with opened(context) as workspace:
        found = workspace.ticks()
    if as_json:
        print_json(found)
        return
    rows = [
        [
            t.name,
            t.each,
            t.schedule,
            when(t.next),
            when(t.last.due if t.last else None),
            t.last.detail if t.last else "",
        ]
        for t in found
    ]
    print_table(["tick", "each", "schedule", "next", "last", "what came of it"], rows)


@ticks.command("make")
@click.argument("tick")
@click.option("--since", required=True, metavar="TIME", help="Due instants from this one on (RFC 3339).")
@click.option("--until", metavar="TIME", help="Due instants before this one; default: now.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def make(context: click.Context, tick: str, since: str, until: str | None, as_json: bool) -> None:
    """Make the ticks of the past, as of when they were due: what a model on a tick is trained on.

    Do it before the first live tick: what is older than the newest tick can't be made any more. The same call again
    makes only what has become due since.

    \b
    Example:
      tidewheel ticks make Nightly --since 2026-01-01T00:00:00Z
    """
    from tidewheel.cli.output import opened, print_json, when

    with opened(context) as workspace:
        done = workspace.make_ticks(tick, since=since, until=until)
    if as_json:
        print_json(done)
        return
    click.echo(
        f"{done.made:,} of {done.tick} at {done.instants:,} due instants, from {when(done.first)} to {when(done.last)}"
    )
