"""What became of each row, as far as it can be known by an instant.

A row counts only when its label can no longer change: its horizon lies before `as_of`. Among the
outcomes within the horizon the first one speaks. Rows whose outcome a decision prevented are
unknown, not negative; those let through to explore stand for the ones that were not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.importing.revisions import newest_revisions
from tidewheel.definitions import ir
from tidewheel.errors import CorruptError, DefinitionError
from tidewheel.features.planning.nodes import Leaf, place_inputs, to_node
from tidewheel.features.replay.shown import REQUEST
from tidewheel.features.words import to_words
from tidewheel.kernel.programs.expressions import compile_program, evaluate
from tidewheel.outcomes.later import later_values

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
PAIR = "_pair"
"""Of a row: its request and its item, together."""


@dataclass(frozen=True)
class Labels:
    """Labels of the rows that have one.

    Attributes
    ----------
    rows : int64 array
        Positions of the labelled rows in the table given, rising.
    y, weight : float64 arrays
        One value for each of `rows`.
    dropped : dict of str to int
        Why other rows have none: ``immature``, ``prevented``, ``no outcome``, ``null outcome``.
    known_at : int64 array, optional
        Of a label that weighs young rows: when an outcome was first known, the largest number where none was.
    """

    rows: Ints
    y: Floats
    weight: Floats
    dropped: dict[str, int]
    known_at: Ints | None = None

    def take(self, kept: Flags) -> Labels:
        """Return the labels of some of the rows."""
        known = None if self.known_at is None else self.known_at[kept]
        return Labels(self.rows[kept], self.y[kept], self.weight[kept], self.dropped, known)


class Decided(NamedTuple):
    """What decisions did to rows: arrays of one value for each row.

    Attributes
    ----------
    prevented : bool array
        The action kept the outcome from happening.
    weight : float64 array
        1 / propensity for an explored row, else 1.
    """

    prevented: Flags
    weight: Floats


def label_rows(
    label: ir.Label,
    sources: Mapping[str, ir.Source],
    rows: pa.Table,
    outcomes: Mapping[str, pa.Table],
    as_of: int,
    decided: Decided | None = None,
) -> Labels:
    """Give each row of `rows` its label as known at `as_of`.

    Parameters
    ----------
    label : ir.Label
    sources : mapping
        Declarations of the outcome events.
    rows : Table
        ``_id``, ``_at`` and the columns that the label's expression reads of the row; `with_key` where outcomes name
        the request and the item.
    outcomes : mapping of Table
        Outcome events by their name: ``_at``, ``_arrived``, ``_offset`` and columns; ``_id`` and ``revision`` too
        where they may be corrected: the newest revision known at `as_of` speaks.
    as_of : int
        Microseconds; what arrived at or after it is not seen.
    decided : Decided, optional
        Which rows a decision prevented or explored.

    Raises
    ------
    DefinitionError
        When the label's path or expression goes further than one reference.
    """
    outcomes = {name: _holding(sources[name], table, as_of) for name, table in outcomes.items()}
    at = _ints(rows["_at"])
    n = at.size
    mature = at + label.within < as_of  # what happens at the last instant is not seen at it
    has, y = _told(label, sources, rows, outcomes, as_of)
    unknown = mature & has & np.isnan(y)
    if label.kind == "outcome" and label.otherwise is not None:
        y[~has] = float(label.otherwise)
    prevented = np.zeros(n, dtype=np.bool_) if decided is None else decided.prevented
    kept = mature & ~np.isnan(y) & ~prevented
    reasons = {
        "immature": ~mature,
        "prevented": mature & prevented,
        "no outcome": mature & ~prevented & ~has & np.isnan(y),
        "null outcome": unknown & ~prevented,
    }
    weight = np.ones(n) if decided is None else decided.weight
    dropped = {reason: int(np.count_nonzero(where)) for reason, where in reasons.items() if where.any()}
    known = _known_at(label, rows, outcomes[label.source], as_of)[kept] if label.immature == "reweight" else None
    return Labels(np.flatnonzero(kept), y[kept], weight[kept], dropped, known)


def _known_at(label: ir.Label, rows: pa.Table, outcomes: pa.Table, as_of: int) -> Ints:
    """Return when the first outcome of each row arrived of those within its horizon; the largest number for none."""
    only = ir.Grade(label.source, 1.0, label.path, label.item)
    first = _first_outcomes(label, only, rows, outcomes, as_of, "_arrived")
    known = np.full(first.size, np.iinfo(np.int64).max)
    known[first >= 0] = _ints(outcomes["_arrived"])[first[first >= 0]]
    return known


def with_key(rows: pa.Table, view: ir.View) -> pa.Table:
    """Return rows with what an outcome names that tells of a request's item, and not of the row itself."""
    if view.each is None:
        return rows
    return rows.append_column(PAIR, pairs(rows[REQUEST], rows[view.each.key]))


def pairs(request: pa.ChunkedArray, item: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return what names a request and an item, together."""
    return pc.binary_join_element_wise(request.cast(pa.string()), item.cast(pa.string()), "\x1f")


def _holding(source: ir.Source, outcomes: pa.Table, as_of: int) -> pa.Table:
    """Return the outcomes as they were known, corrected ones left out."""
    return newest_revisions(outcomes.filter(pc.less(outcomes["_arrived"], as_of))) if source.revisable else outcomes


def _told(
    label: ir.Label,
    sources: Mapping[str, ir.Source],
    rows: pa.Table,
    outcomes: Mapping[str, pa.Table],
    as_of: int,
) -> tuple[Flags, Floats]:
    """Tell which rows something came for, and what that makes of each; NaN where nothing speaks of it."""
    if label.kind == "grade":
        y = np.zeros(rows.num_rows)
        for grade in label.grades:
            came = _first_outcomes(label, grade, rows, outcomes[grade.source], as_of) >= 0
            y[came] = np.maximum(y[came], grade.value)
        return y > 0.0, y
    if label.kind == "aggregate":
        name = label.source
        return np.ones(rows.num_rows, np.bool_), later_values(label, sources[name], rows, outcomes[name], as_of)
    only = ir.Grade(label.source, 1.0, label.path, label.item)
    first = _first_outcomes(label, only, rows, outcomes[label.source], as_of)
    has = first >= 0
    if label.kind == "happened":
        return has, has.astype(np.float64)
    y = np.full(rows.num_rows, np.nan)
    y[has] = _values(label, sources[label.source], rows, outcomes[label.source], np.flatnonzero(has), first[has])
    return has, y


def decided_rows(ids: pa.Array, decisions: pa.Table, prevents: frozenset[str]) -> Decided:
    """Return what `decisions` did to the rows called `ids`.

    Parameters
    ----------
    ids : Array of string
    decisions : Table
        ``event_id``, ``decision``, ``explored``, ``propensity``; one answered decision an event.
    prevents : frozenset of str
        Actions after which the outcome can't come.

    Raises
    ------
    CorruptError
        An explored decision tells no propensity.
    """
    place = pc.index_in(decisions["event_id"].combine_chunks(), value_set=ids).fill_null(-1)
    rows = place.to_numpy(zero_copy_only=False).astype(np.int64)
    explored = _flags(decisions["explored"])
    action = pc.is_in(decisions["decision"].combine_chunks(), value_set=pa.array(sorted(prevents), pa.string()))
    stopped = action.to_numpy(zero_copy_only=False) & ~explored
    prevented, weight = np.zeros(len(ids), dtype=np.bool_), np.ones(len(ids))
    prevented[rows[(rows >= 0) & stopped]] = True
    let_through = (rows >= 0) & explored
    propensity = decisions["propensity"].to_numpy()[let_through]
    if propensity.size and not np.all(propensity > 0.0):
        raise CorruptError("an explored decision has no propensity", where="decisions")
    weight[rows[let_through]] = 1.0 / propensity
    return Decided(prevented, weight)


def _first_outcomes(
    label: ir.Label, told: ir.Grade, rows: pa.Table, outcomes: pa.Table, as_of: int, order: str = "_at"
) -> Ints:
    """Return the position of each row's first outcome within its horizon, -1 for none."""
    if len(told.path) != 1:
        raise DefinitionError(
            f"label path {'.'.join(told.path)!r} of {told.source}: an outcome must refer to its row directly",
            remedy=f"give {told.source} a reference to the event it is the outcome of",
        )
    first = np.full(rows.num_rows, -1, dtype=np.int64)
    if not rows.num_rows or not outcomes.num_rows:
        return first
    named = outcomes[told.path[0]]
    ids = rows[PAIR if told.item else "_id"].combine_chunks()
    named = pairs(named, outcomes[told.item[0]]) if told.item else named
    place = pc.index_in(named.combine_chunks().cast(ids.type), value_set=ids)
    row = place.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    at, row_at = _ints(outcomes["_at"]), _ints(rows["_at"])
    since = at - row_at[row]
    counts = (row >= 0) & (since > 0) & (since <= label.within) & (_ints(outcomes["_arrived"]) < as_of)
    found = np.flatnonzero(counts)
    latest_first = np.lexsort((-_ints(outcomes["_offset"])[found], -_ints(outcomes[order])[found]))
    found = found[latest_first]
    first[row[found]] = found  # the earliest is written last, and stays
    return first


def _values(label: ir.Label, source: ir.Source, rows: pa.Table, outcomes: pa.Table, row: Ints, outcome: Ints) -> Floats:
    """Evaluate the label's expression over matched pairs of row and outcome."""
    assert label.value is not None
    paths: dict[ir.Path, int] = {}

    def leaf(expr: ir.Expr) -> Leaf:
        if not isinstance(expr, ir.Col):
            raise DefinitionError(f"a label reads columns of {label.source} only", where=label.source)
        paths.setdefault(expr.path, len(paths))
        return ("col", expr.path)

    node = to_node(label.value, leaf)
    node = place_inputs(node, {("col", path): position for path, position in paths.items()})
    words, texts = np.empty((outcome.size, len(paths))), []
    for path, position in paths.items():
        words[:, position], text = _column(label, source, rows, outcomes, row, outcome, path)
        texts.append(text)
    program = compile_program([node], tuple(texts))
    return np.ascontiguousarray(evaluate(program, words)[:, 0])


def _column(
    label: ir.Label, source: ir.Source, rows: pa.Table, outcomes: pa.Table, row: Ints, outcome: Ints, path: ir.Path
) -> tuple[Floats, bool]:
    if path == ("at",):
        return _ints(outcomes["_at"])[outcome].astype(np.float64), False
    if len(path) == 1:
        column = source.column(path[0])
        text = column is not None and column.kind in ir.TEXT_KINDS
        return to_words(outcomes[path[0]].take(pa.array(outcome)), text), text
    if path[:-1] != label.path or path[-1] not in rows.column_names:
        raise DefinitionError(f"a label can't read {'.'.join(path)!r}", where=label.source)
    values = rows[path[-1]].take(pa.array(row))
    text = pa.types.is_string(values.type) or pa.types.is_dictionary(values.type)
    return to_words(values, text), text


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _flags(column: pa.ChunkedArray) -> Flags:
    return np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.bool_)
