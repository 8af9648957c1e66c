"""Two definitions of a view, side by side in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tidewheel.cli.output import cell, print_table, when

if TYPE_CHECKING:
    from tidewheel.features.proof.difference import ColumnDifference, ViewDifference


def print_differences(found: Sequence[ViewDifference]) -> None:
    """Print each view's columns that differ, with the row that differs most."""
    if not found:
        click.echo("no view that both have has changed")
    for view in found:
        odd = [column for column in view.columns if column.differing]
        same = len(view.columns) - len(odd)
        click.echo(
            f"{view.view}: {view.before} against {view.after} on {view.rows:,} events: {view.differing:,} differ, "
            f"{view.differing / max(1, view.rows):.1%}; {same} columns equal"
        )
        for sign, names in (("-", view.removed), ("+", view.added)):
            if names:
                click.echo(f"  {sign} {', '.join(names)}")
        if odd:
            rows = [[c.name, c.differing, c.share, c.most, _example(c)] for c in odd]
            print_table(["column", "differ", "share", "most", "such as"], rows)


def _example(column: ColumnDifference) -> str:
    first = column.examples[0]
    return f"{first.id} at {when(first.at)}: {cell(first.before)} -> {cell(first.after)}"
