"""The catalog: what is declared, whose it is, what it looks like, how fresh it is, who uses it."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest, ir, state_id
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.projects.graphs import nodes_of
from tidewheel.errors import NotFoundError
from tidewheel.governance.lineage import LineageGraph, leaves


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration, in a line."""

    name: str
    what: str
    owner: str
    description: str
    columns: list[str]
    used_by: list[str]


class ColumnStatistics(msgspec.Struct, frozen=True):
    """What history holds of one column; least, greatest and mean are those of numbers."""

    rows: int
    nulls: int
    distinct: int
    least: float | None = None
    greatest: float | None = None
    mean: float | None = None


class ColumnEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One column or feature of a declaration."""

    name: str
    type: str
    description: str = ""
    personal: bool = False
    statistics: ColumnStatistics | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """All about one declaration.

    Attributes
    ----------
    digest, state : str
        Its content hash, and the id of its state when it has one.
    place : str
        File and line.
    rows : int
        Rows in history, for an event or entity.
    folded, behind : int or None
        For features: the last offset folded into every partition, and how many the log is ahead.
    newest : int
        When the newest row arrived, microseconds UTC; 0 when there is none.
    """

    name: str
    what: str
    owner: str
    description: str
    place: str
    digest: str
    columns: list[ColumnEntry]
    used_by: list[str]
    state: str = ""
    keep: int = 0
    rows: int = 0
    newest: int = 0
    folded: int | None = None
    behind: int | None = None


def entries(graph: ir.Graph, lineage: LineageGraph) -> list[Entry]:
    """Return every declaration, in the order in which data flows."""
    return [
        Entry(
            name=node.name,
            what=what,
            owner=getattr(node, "owner", ""),
            description=node.doc.partition("\n")[0],
            columns=[name for name, _ in columns_of(node)],
            used_by=lineage.users_of(node.name),
        )
        for what, node in nodes_of(graph)
        if what != "attributes"
    ]


def search(found: list[Entry], text: str, docs: Mapping[str, str]) -> list[Entry]:
    """Return the entries that have a text in their name, owner, description or columns."""
    wanted = text.lower()
    return [
        entry
        for entry in found
        if any(wanted in told.lower() for told in (entry.name, entry.owner, docs.get(entry.name, ""), *entry.columns))
    ]


def card_of(
    graph: ir.Graph, name: str, history: History, offsets: list[dict[str, int]], lineage: LineageGraph, folder: Path
) -> Card:
    """Return all about one declaration.

    Raises
    ------
    NotFoundError
    """
    nodes = {node.name: (what, node) for what, node in nodes_of(graph) if what != "attributes"}
    if name not in nodes:
        raise NotFoundError(f"the project declares no '{name}'", remedy=likely(name, nodes))
    what, node = nodes[name]
    comments = comments_in(folder / node.file, name) if node.file else {}
    personal = {column.name for column in node.columns if column.personal} if isinstance(node, ir.Source) else set()
    statistics = _statistics(history, node, personal) if isinstance(node, ir.Source) else {}
    columns = [
        ColumnEntry(
            name=column,
            type=kind,
            description=comments.get(column, ""),
            personal=column in personal,
            statistics=statistics.get(column),
        )
        for column, kind in columns_of(node)
    ]
    card = Card(
        name=name,
        what=what,
        owner=getattr(node, "owner", ""),
        description=node.doc,
        place=f"{node.file}:{node.line}" if node.file else "",
        digest=digest(node),
        columns=columns,
        used_by=lineage.users_of(name),
    )
    if isinstance(node, ir.Source):
        arrived = history.scan(name, [])["_arrived"]
        newest = int(pc.max(arrived).as_py() or 0)
        return msgspec.structs.replace(card, keep=node.keep, rows=len(arrived), newest=newest)
    if isinstance(node, ir.Group):
        state = state_id(node)
        folded = min((part.get(state, 0) for part in offsets), default=0)
        return msgspec.structs.replace(card, state=state, folded=folded, behind=max(0, history.head() - 1 - folded))
    return card


def columns_of(node: Any) -> Iterator[tuple[str, str]]:
    """Yield the columns of a declaration, each with its type."""
    if isinstance(node, ir.Source):
        for column in node.columns:
            kind = f"{column.kind} {column.target}" if column.target else column.kind
            if column.default is not None:
                kind = f"{kind} = {column.default!r}"
            yield column.name, f"{kind} or null" if column.nullable else kind
    elif isinstance(node, ir.Group):
        for feature in node.features:
            kind = feature.value.op if isinstance(feature.value, ir.Aggregate) else "expression"
            yield feature.name, f"{kind}, text" if feature.text else kind
    elif isinstance(node, ir.View):
        for view_column in node.columns:
            made = "derived" if isinstance(view_column.value, ir.Derived) else _made_of(view_column.value)
            yield view_column.name, f"{made}, text" if view_column.text else made


def comments_in(file: Path, name: str) -> dict[str, str]:
    """Return the comments that stand behind the attributes of a class, by attribute."""
    if not file.is_file():
        return {}
    found: dict[str, str] = {}
    inside, attribute = False, ""
    for token in tokenize.generate_tokens(io.StringIO(file.read_text(encoding="utf-8")).readline):
        words = token.line.split()
        if token.type == tokenize.NAME and words[:1] == ["class"] and token.start[1] == 0:
            inside = token.line.partition("class ")[2].startswith((f"{name}(", f"{name}:"))
        elif inside and token.type == tokenize.NAME and token.start[1] == 4 and token.line.startswith("    "):
            attribute = token.string
        elif inside and token.type == tokenize.COMMENT and attribute and token.start[1] > 4:
            found.setdefault(attribute, token.string.lstrip("#: ").strip())
    return found


def _made_of(value: ir.Expr) -> str:
    names = [".".join(leaf.path) for leaf in leaves(value) if isinstance(leaf, ir.Col)]
    return ", ".join(dict.fromkeys(names)) or "features"


def _statistics(history: History, source: ir.Source, personal: set[str]) -> dict[str, ColumnStatistics]:
    table = history.scan(source.name, [column.name for column in source.columns])
    kinds = {column.name: column.kind for column in source.columns}
    return {name: _column_statistics(table[name], kinds[name], name in personal) for name in kinds}


def _column_statistics(column: pa.ChunkedArray, kind: str, personal: bool) -> ColumnStatistics:
    rows, nulls = len(column), column.null_count
    filled = column.drop_null()
    if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        return ColumnStatistics(rows, nulls, 0)
    distinct = int(pc.count_distinct(filled).as_py()) if len(filled) else 0
    if personal or kind not in ("float", "int") or not len(filled):
        return ColumnStatistics(rows, nulls, distinct)
    numbers = filled.to_numpy().astype(np.float64)
    return ColumnStatistics(
        rows, nulls, distinct, float(np.nanmin(numbers)), float(np.nanmax(numbers)), float(np.nanmean(numbers))
    )
