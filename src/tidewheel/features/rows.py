"""Events as columns, and what a feed makes of them: keys, effective positions, slots.

The same few steps serve the stream (a micro-batch) and backfill (all history), so an event can't
mean one thing in one and another in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.checking.columns import with_default
from tidewheel.definitions import ir
from tidewheel.features.keys import key_array, part_array
from tidewheel.features.planning.group import AT, Feed
from tidewheel.features.words import Words, one_array, to_words
from tidewheel.kernel import evaluate

Ints = npt.NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
Made = TypeVar("Made")

ARROW_TYPES: dict[str, pa.DataType] = {
    "float": pa.float64(),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "time": pa.int64(),
}


def arrow_type(kind: ir.Kind) -> pa.DataType:
    """Return the Arrow type of a column's values; everything that is not a number, boolean or time is a string."""
    return ARROW_TYPES.get(kind, pa.string())


@dataclass(frozen=True, eq=False)
class Rows:
    """Events of one source, by rising offset, with the columns that were asked for."""

    at: Ints
    arrived: Ints
    offset: Ints
    columns: Mapping[str, pa.Array]
    _made: dict[Hashable, object] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.offset)

    def once(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """Return what `make` makes of these rows, made once: many feeds ask the same of one micro-batch."""
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]  # type: ignore[return-value]  # kept under a name of its own

    def take(self, index: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Rows:
        """Return the rows at `index` (positions, or a mask)."""
        chosen = pa.array(np.flatnonzero(index) if index.dtype == np.bool_ else index)
        columns = {name: column.take(chosen) for name, column in self.columns.items()}
        return Rows(self.at[index], self.arrived[index], self.offset[index], columns)

    def slice(self, first: int, end: int) -> Rows:
        """Return the rows from `first` up to `end`."""
        columns = {name: column.slice(first, end - first) for name, column in self.columns.items()}
        return Rows(self.at[first:end], self.arrived[first:end], self.offset[first:end], columns)

    def path(self, path: ir.Path, target: Rows | None) -> pa.Array:
        """Return the column a path leads to; `target` has what each row refers to, row by row."""
        rows, name = (self, path[0]) if len(path) == 1 else (target, path[1])
        assert rows is not None
        if name == AT and AT not in rows.columns:
            return pa.array(rows.at)
        return rows.columns[name]


def rows_of(table: pa.Table, source: ir.Source, columns: Sequence[str], *, ids: bool = False) -> Rows:
    """Return a table of events (`_at`, `_arrived`, `_offset`, declared columns) as rows.

    Columns come out in the types that `arrow_type` gives; a dictionary of texts stays one, and so do fractions in
    a column that was declared as one of whole numbers. A column the table does not have is null
    throughout, or its default: it was declared after these events came.
    """
    chosen = {name: _column(table, source, name) for name in columns}
    if ids:
        chosen["_id"] = one_array(table["_id"])
    return Rows(_ints(table["_at"]), _ints(table["_arrived"]), _ints(table["_offset"]), chosen)


def resolve(rows: Rows, ref: str, targets: Rows) -> tuple[Rows, Rows]:
    """Return the rows whose reference has a target, and beside them their targets, row by row, in fold order."""
    found = pc.index_in(part_array(rows.columns[ref]), value_set=targets.columns["_id"])
    known = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    positions = found.drop_null().to_numpy(zero_copy_only=False).astype(np.intp)
    order = _fold_order(rows.offset[known], targets.offset[positions])
    if order is not None:
        known, positions = known[order], positions[order]
    return rows.take(known), targets.take(positions)


class Gone(NamedTuple):
    """When each of some events is taken back, `NEVER` for one that stands: where what corrects it stands."""

    arrived: Ints
    offset: Ints

    def take(self, index: npt.NDArray[np.intp]) -> Gone:
        """Return those of the events at some places."""
        return Gone(self.arrived[index], self.offset[index])

    def after(self, offset: int) -> npt.NDArray[np.bool_]:
        """Tell which are taken back after an offset."""
        mask: npt.NDArray[np.bool_] = (self.offset > offset) & (self.offset != NEVER)
        return mask


@dataclass(frozen=True, eq=False)
class Fed:
    """A feed's events in fold order, at their effective positions.

    An event that goes through a reference takes effect when both it and its target are there: the
    later of the two offsets, the later of the two arrivals. Its own time stays its own.
    """

    feed: Feed
    rows: Rows
    targets: Rows | None
    arrived: Ints
    offset: Ints
    gone: Gone | None = None
    """When each is taken back; None when none is."""

    def __len__(self) -> int:
        return len(self.offset)

    @property
    def at(self) -> Ints:
        """When each event happened."""
        return self.rows.at

    @property
    def keys(self) -> pa.Array:
        """The state key of each event, null where a part is null."""
        return self.rows.once(
            ("keys", self.feed.keys), lambda: key_array([self.column(path) for path in self.feed.keys])
        )

    def take(self, index: npt.NDArray[np.intp]) -> Fed:
        """Return the events at some places."""
        targets = None if self.targets is None else self.targets.take(index)
        gone = None if self.gone is None else self.gone.take(index)
        return Fed(self.feed, self.rows.take(index), targets, self.arrived[index], self.offset[index], gone)

    def column(self, path: ir.Path) -> pa.Array:
        """Return the column that a path leads to."""
        return self.rows.path(path, self.targets)

    def slots(self, index: npt.NDArray[np.intp], width: int) -> Words:
        """Return the slots of the events at `index`; columns beyond the feed's own are null."""
        slots = np.full((len(index), width), np.nan)
        if self.feed.n_slots == 0:
            return slots
        everything = len(index) == len(self) and _is_range(index)
        words = np.empty((len(index), len(self.feed.inputs)))
        for position, (path, text) in enumerate(zip(self.feed.inputs, self.feed.texts, strict=True)):
            column = self._words(path, text)
            words[:, position] = column if everything else column[index]
        made = evaluate(self.feed.program, words)
        if made.shape[1] == width:
            return made
        slots[:, : made.shape[1]] = made
        return slots

    def _words(self, path: ir.Path, text: bool) -> Words:
        return self.rows.once(("words", path), lambda: to_words(self.column(path), text))


def feed_rows(feed: Feed, rows: Rows, targets: Rows | None = None) -> Fed:
    """Return what `feed` makes of `rows`; `targets` holds their targets row by row when it goes through a reference."""
    if targets is None:
        return Fed(feed, rows, None, rows.arrived, rows.offset)
    order = _fold_order(rows.offset, targets.offset)
    if order is not None:
        rows, targets = rows.take(order), targets.take(order)
    return Fed(feed, rows, targets, np.maximum(rows.arrived, targets.arrived), np.maximum(rows.offset, targets.offset))


def _fold_order(rows: Ints, targets: Ints) -> npt.NDArray[np.intp] | None:
    """Return the order by the offset at which a row and its target are both there; None when they stand so already."""
    offset = np.maximum(rows, targets)
    if len(offset) < 2 or bool(np.all(offset[1:] > offset[:-1])):
        return None
    return np.lexsort((rows, offset))


def _column(table: pa.Table, source: ir.Source, name: str) -> pa.Array:
    column = source.column(name)
    wanted = arrow_type(column.kind) if column else pa.string()
    if name not in table.column_names:
        return with_default(pa.nulls(table.num_rows, wanted), column)
    array = with_default(one_array(table[name]), column)
    if array.type == wanted or (pa.types.is_dictionary(array.type) and array.type.value_type == wanted):
        return array
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", tz=array.type.tz))
    if pa.types.is_integer(wanted) and pa.types.is_floating(array.type) and not _is_whole(array):
        return array  # widened since `source` was declared; what was decided by it saw only what came before
    return array.cast(wanted)


def _is_whole(array: pa.Array) -> bool:
    return pc.all(pc.equal(pc.floor(array), array)).as_py() is not False


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.ascontiguousarray(column.to_numpy(), dtype=np.int64)


def _is_range(index: npt.NDArray[np.intp]) -> bool:
    return len(index) == 0 or (index[0] == 0 and index[-1] == len(index) - 1 and bool(np.all(np.diff(index) == 1)))
