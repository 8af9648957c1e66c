"""``tidewheel score``."""

from __future__ import annotations

import click


@click.command()
@click.argument("what", metavar="EVENT|VIEW")
@click.option(
    "--with", "version", required=True, metavar="MODEL[@N]", help="Which version scores; default: the newest."
)
@click.option("--since", metavar="TIME", help="Rows that arrived from this instant on (RFC 3339).")
@click.option("--until", metavar="TIME", help="Rows that arrived before this instant; default: all.")
@click.option(
    "--rows", metavar="FILE", help="Rows of the event in a file (Parquet, CSV, Arrow), in place of history's."
)
@click.option("--by", default="", metavar="ENTITY", help="Keep the entity, or the column, that a row names beside it.")
@click.option("--online", is_flag=True, help="Keep each entity's newest score for serving to read.")
@click.option(
    "--top", type=click.IntRange(min=1), default=None, metavar="K", help="Of each list, keep the K best items."
)
@click.option("--service", default="", help="By whose thresholds a score becomes a decision.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def score(
    context: click.Context,
    what: str,
    version: str,
    since: str | None,
    until: str | None,
    rows: str | None,
    by: str,
    online: bool,
    service: str,
    top: int | None,
    as_json: bool,
) -> None:
    """Score a table in batch: the events of a range of time, or a file of rows, into the lake.

    Features are computed as in training, as of each row's instant, in bounded memory, on local cores or where
    `engine` in tidewheel.toml says. A run that was killed goes on where it was; the same run again does nothing.

    \b
    Example:
      tidewheel score Transaction --with Fraud@3 --since 2026-03-01T00:00:00Z
      tidewheel score Visit --with Churn@champion --by User --online
      tidewheel score Transaction --with Fraud --rows what-if.parquet --json
      tidewheel score Request --with Ranker --rows pairs.parquet --by User --top 100
    """
    from tidewheel.cli.output import opened, print_json, progress_bar, when

    with opened(context) as workspace, progress_bar() as progress:
        done = workspace.score_run(
            what,
            version,
            since=since,
            until=until,
            rows=rows,
            by=by,
            online=online,
            service=service,
            top=top or 0,
            progress=progress,
        )
    if as_json:
        print_json(done)
        return
    said = "scored before; nothing was done" if done.already else f"in {done.seconds:,.1f} s"
    click.echo(f"run {done.run}: {done.rows:,} {done.on} by {done.model} into {done.table}, {said}")
    click.echo(f"instants from {when(done.start)} to before {when(done.end)}")
    if done.refused:
        click.echo(f"{done.refused:,} rows of the file are no {done.on} and were left out")
    if online:
        click.echo(f"{done.online:,} scores by {done.by} are new in the online store")
