"""Rows of items as serving has them: what it puts in the place of columns that no candidate has (`tw.served_as`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from tidewheel.definitions import attributes_of, ir
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.rows import arrow_type

if TYPE_CHECKING:
    from tidewheel.collect import History


def as_served(history: History, graph: ir.Graph, view: ir.View, rows: pa.Table) -> pa.Table:
    """Return rows of items with what serving puts in the place of columns that no candidate has."""
    each = view.each
    assert each is not None
    entity = next(source for source in graph.sources if source.name == each.target)
    taken = {each.named(one.column): one.attribute for one in each.served if one.attribute}
    made = {each.named(one.column): pa.repeat(one.value, len(rows)) for one in each.served if not one.attribute}
    if taken:
        columns = tuple(
            ir.ViewColumn(name, ir.Col((each.key, attribute)), _kind(entity, attribute) == pa.string())
            for name, attribute in taken.items()
        )
        known = msgspec.structs.replace(graph, groups=(attributes_of(graph, each.target),))
        found = read_view(history, known, msgspec.structs.replace(view, lookups=(), columns=columns), rows)
        made |= {name: found[name].cast(_kind(entity, attribute)) for name, attribute in taken.items()}
    others = {name: rows[name] for name in rows.column_names if name not in made}
    return pa.table(others | made)


def _kind(entity: ir.Source, attribute: str) -> pa.DataType:
    column = entity.column(attribute)
    return arrow_type(column.kind if column else "text")
