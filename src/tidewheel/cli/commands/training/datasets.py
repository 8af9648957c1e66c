"""``tidewheel datasets list``, ``show`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidewheel.registry.runs.datasets import Dataset
    from tidewheel.workspace.models.snapshots import DatasetCard


@click.group()
def datasets() -> None:
    """List, show or export the data sets that models were trained on.

    \b
    Example:
      tidewheel datasets list Fraud
      tidewheel datasets export Fraud@3 rows.parquet
    """


@datasets.command("list")
@click.argument("model", default="")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def list_all(context: click.Context, model: str, as_json: bool) -> None:
    """List data sets, newest first.

    \b
    Example:
      tidewheel datasets list Fraud
    """
    from tidewheel.cli.output import opened, print_json

    with opened(context, declarations=False) as workspace:
        found = workspace.datasets(model)
    if as_json:
        print_json(found)
    elif found:
        _print_list(found)
    else:
        click.echo("no data sets yet: `tidewheel train` makes one")


@datasets.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def show_one(context: click.Context, name: str, as_json: bool) -> None:
    """Show a data set: its rows, columns and files, and what it shares with others.

    NAME is its hash or the beginning of it, a run's id, or a version.

    \b
    Example:
      tidewheel datasets show 4f2a
      tidewheel datasets show Fraud@3 --json
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.workspace.models.snapshots import dataset_card

    with opened(context, declarations=False) as workspace:
        card = dataset_card(workspace.stores, name)
    if as_json:
        print_json(card)
    else:
        _print_card(card)


@datasets.command("export")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def export(context: click.Context, name: str, file: Path) -> None:
    """Write a data set's rows to a file: .parquet, .csv, .arrow or .jsonl.

    \b
    Example:
      tidewheel datasets export Fraud@3 rows.parquet
    """
    from tidewheel.cli.output import opened
    from tidewheel.workspace.models.snapshots import export_rows

    with opened(context, declarations=False) as workspace:
        table = workspace.dataset(name)
    export_rows(table, file)
    click.echo(f"{table.num_rows:,} rows and {table.num_columns} columns written to {file}")


def _print_list(found: list[Dataset]) -> None:
    from tidewheel.cli.output import print_table, when

    rows = [
        [one.digest[:16], one.model, one.rows, len(one.detail.get("columns", ())), when(one.as_of), when(one.created)]
        for one in found
    ]
    print_table(["data set", "model", "rows", "columns", "as of", "made"], rows)


def _print_card(card: DatasetCard) -> None:
    from tidewheel.cli.output import print_table, when

    one, snapshot = card.dataset, card.snapshot
    click.secho(f"data set {one.digest}", bold=True)
    counts = ", ".join(f"{count:,} {what}" for what, count in one.detail.get("counts", {}).items())
    click.echo(f"  {one.rows:,} rows of {one.model}, as of {when(one.as_of)}, made {when(one.created)}")
    click.echo(f"  {counts}\n  trained on by {', '.join(card.runs) or 'no run'}")
    if snapshot is None:
        click.echo("  its rows were not kept, only its hash")
        return
    share = card.shared / max(1, snapshot.bytes)
    files = f"{len(snapshot.partitions)} files, {snapshot.bytes:,} bytes"
    click.echo(f"  {files}, {share:.1%} of them shared with other data sets")
    print_table(["column", "type"], [list(column) for column in snapshot.columns])
    parts = [
        [part.artifact[:16], part.rows, part.bytes, when(part.since), when(part.until)] for part in snapshot.partitions
    ]
    print_table(["file", "rows", "bytes", "from", "to"], parts)
