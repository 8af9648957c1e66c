"""``tidewheel forget``, ``erasures`` and ``lake``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.errors import StorageError


@click.command()
@click.argument("subject", metavar="ENTITY=KEY")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the proof as JSON.")
@click.pass_context
def forget(context: click.Context, subject: str, yes: bool, as_json: bool) -> None:
    """Erase an entity from log, lake, states, decisions and artifacts, and print the proof.

    Its rows stay, with its key and their personal columns blanked. Nothing else may have the workspace open:
    stop `tidewheel up` first. Killed half way, it goes on with the next start or when it is given again.

    \b
    Example:
      tidewheel forget Card=c42
      tidewheel forget Card=c42 --yes --json
    """
    from tidewheel.cli.output import opened, print_json, progress_bar

    if not yes:
        click.confirm(f"Erase {subject} for good?", abort=True, err=True)
    with opened(context) as workspace, progress_bar() as progress:
        report = workspace.forget(subject, progress=progress)
    if as_json:
        print_json(report)
    else:
        click.echo(str(report))
    if not report.clean:
        raise StorageError("something of it remains", remedy="look at what is listed, and forget it again")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def erasures(context: click.Context, as_json: bool) -> None:
    """List what was erased: when, of what kind, how many rows; never whom it was about.

    \b
    Example:
      tidewheel erasures
    """
    from tidewheel.cli.output import opened, print_json, print_table, when

    with opened(context) as workspace:
        entries = workspace.erasures()
    if as_json:
        print_json(entries)
    else:
        rows = [[entry.id, entry.entity, when(entry.at), sum(entry.rows.values())] for entry in entries]
        print_table(["erasure", "of a", "at", "rows blanked"], rows)


@click.group()
def lake() -> None:
    """Show the lake's tables; drop, join and clean them up now.

    \b
    Example:
      tidewheel lake status
      tidewheel lake compact
    """


@lake.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def lake_status(context: click.Context, as_json: bool) -> None:
    """List the lake's tables: rows, version, files and bytes.

    \b
    Example:
      tidewheel lake status --json
    """
    from tidewheel.cli.output import opened, print_json, print_table

    with opened(context, declarations=False) as workspace:
        found = workspace.stores.lake
        tables = [
            {"table": name, "rows": found.count(name), "version": found.version(name), **_disk(found.folder / name)}
            for name in found.tables()
        ]
    if as_json:
        print_json(tables)
    else:
        print_table(["table", "rows", "version", "files", "bytes"], [list(table.values()) for table in tables])


@lake.command("compact")
@click.option("--keep-hours", type=click.IntRange(0), default=None, help="How long replaced files stay (168).")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def lake_compact(context: click.Context, keep_hours: int | None, as_json: bool) -> None:
    """Drop rows older than their type is kept, join small files, and delete files that nobody reads.

    The keeper of `tidewheel up` does it each night.

    \b
    Example:
      tidewheel lake compact
      tidewheel lake compact --keep-hours 1
    """
    from tidewheel.cli.output import opened, print_json, print_table

    with opened(context) as workspace:
        done = workspace.tend_lake(keep_hours=keep_hours)
    if as_json:
        print_json(done)
    else:
        rows = [[one.table, one.dropped, one.joined, one.deleted] for one in done]
        print_table(["table", "rows dropped", "files joined", "files deleted"], rows)


def _disk(folder: Path) -> dict[str, int]:
    files = [path for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts]
    return {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
