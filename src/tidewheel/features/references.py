"""Events that refer to other events, as the stream meets them.

What feeds need of an event that others refer to is kept by its id. An event whose target has not
come waits, per feed, and takes effect at the offset at which the target arrives. Everything is
written in the transaction of the micro-batch, beside the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.keys import part_array, plain
from tidewheel.features.plan_group import AT, Feed
from tidewheel.features.rows import Ints, Rows, arrow_type
from tidewheel.storage.state_partition import Reference, StateBatch

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = "_columns"
"""The type under which the index notes which columns it keeps of each type."""


class _Waiting(msgspec.Struct, array_like=True):
    """An event whose target has not come."""

    at: int
    arrived: int
    columns: dict[str, Any]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Waiting).decode


class ReferenceIndex:
    """What a partition keeps of events that some feeds go through."""

    def __init__(self, graph: ir.Graph, feeds: Iterable[Feed]) -> None:
        self._sources = {source.name: source for source in graph.sources}
        self._columns: dict[str, list[str]] = {}
        for feed in feeds:
            if feed.via is not None:
                known = self._columns.setdefault(feed.via.target, [])
                known += [name for name in feed.via.columns if name not in known]

    @property
    def columns(self) -> Mapping[str, list[str]]:
        """Columns kept, by type referred to."""
        return self._columns

    def widen(self, batch: StateBatch) -> None:
        """Keep every column that was ever kept, so that what is stored of an event never shrinks.

        A feed that needs a column not kept so far is new: it reads the log from its beginning, and
        events are kept anew, with that column, as it passes them.
        """
        for target, names in self._columns.items():
            stored = batch.references(COLUMNS, [target])[0]
            before = stored.columns["names"] if stored else []
            names += [name for name in before if name not in names]
            if set(names) != set(before):
                batch.put_references(COLUMNS, [(target, Reference(0, 0, {"names": names}))])

    def keep(self, batch: StateBatch, rows: Mapping[str, Rows]) -> None:
        """Keep what is needed of a micro-batch's events. Of two with one id the first holds."""
        for target, names in self._columns.items():
            if target in rows and len(rows[target]):
                self._keep(batch, target, rows[target], names)

    def _keep(self, batch: StateBatch, target: str, rows: Rows, names: Sequence[str]) -> None:
        ids = rows.columns["_id"].to_pylist()
        columns = [rows.at.tolist() if name == AT else rows.columns[name].to_pylist() for name in names]
        values = zip(*columns, strict=True) if columns else iter([()] * len(ids))
        stored = batch.references(target, ids)
        new: dict[str, Reference] = {}
        for id, before, offset, arrived, row in zip(
            ids, stored, rows.offset.tolist(), rows.arrived.tolist(), values, strict=True
        ):
            if id not in new and (before is None or before.offset == offset):
                new[id] = Reference(offset, arrived, dict(zip(names, row, strict=True)))
        batch.put_references(target, new.items())

    def effective(
        self, batch: StateBatch, state_id: str, number: int, feed: Feed, rows: Mapping[str, Rows], below: int
    ) -> tuple[Rows, Rows]:
        """Return a feed's events that take effect in this micro-batch, and beside them their targets.

        Those of the batch whose target came at an offset under `below`, and those that waited for a
        target in the batch; the rest of the batch's are put to wait.
        """
        name = f"{state_id}:{number}"
        own, targets = self._arrivals(batch, feed, name, rows.get(feed.source), below)
        released, released_targets = self._released(batch, feed, name, rows, below)
        return _joined(own, released), self._targets(feed, targets + released_targets)

    def _arrivals(
        self, batch: StateBatch, feed: Feed, name: str, rows: Rows | None, below: int
    ) -> tuple[Rows, list[Reference]]:
        assert feed.via is not None
        if rows is None:
            return self._waited(feed, []), []
        refs = part_array(rows.columns[feed.via.ref])
        rows = rows.take(refs.is_valid().to_numpy(zero_copy_only=False))
        ids = refs.drop_null().to_pylist()
        found = batch.references(feed.via.target, ids)
        ready = np.array([target is not None and target.offset < below for target in found], np.bool_)
        for position in np.flatnonzero(~ready).tolist():
            columns = {column: rows.columns[column][position].as_py() for column in feed.columns}
            entry = _encode(_Waiting(int(rows.at[position]), int(rows.arrived[position]), columns))
            batch.wait(name, ids[position], int(rows.offset[position]), entry)
        return rows.take(ready), [target for target, here in zip(found, ready, strict=True) if here and target]

    def _released(
        self, batch: StateBatch, feed: Feed, name: str, rows: Mapping[str, Rows], below: int
    ) -> tuple[Rows, list[Reference]]:
        assert feed.via is not None
        came = rows.get(feed.via.target)
        ids = came.columns["_id"].to_pylist() if came is not None else []
        # One at an offset still to come will be met there; it was left behind by a fold that started over.
        taken = [entry for entry in batch.take_waiting(name, ids) if entry[1] < below]
        found = batch.references(feed.via.target, [target for target, _, _ in taken])
        entries = [(offset, _decode(raw)) for _, offset, raw in taken]
        return self._waited(feed, entries), [target for target in found if target is not None]

    def _waited(self, feed: Feed, entries: Sequence[tuple[int, _Waiting]]) -> Rows:
        source = self._sources[feed.source]
        columns = {
            column: pa.array([entry.columns.get(column) for _, entry in entries], _type_of(source, column))
            for column in feed.columns
        }
        return Rows(
            at=_ints(entry.at for _, entry in entries),
            arrived=_ints(entry.arrived for _, entry in entries),
            offset=_ints(offset for offset, _ in entries),
            columns=columns,
        )

    def _targets(self, feed: Feed, targets: Sequence[Reference]) -> Rows:
        assert feed.via is not None
        source = self._sources[feed.via.target]
        columns = {
            name: pa.array([target.columns.get(name) for target in targets], _type_of(source, name))
            for name in feed.via.columns
            if name != AT
        }
        return Rows(
            at=_ints(target.columns.get(AT, 0) for target in targets),
            arrived=_ints(target.arrived for target in targets),
            offset=_ints(target.offset for target in targets),
            columns=columns,
        )


def _joined(first: Rows, second: Rows) -> Rows:
    if not len(second):
        return first
    columns = {
        name: pa.concat_arrays([plain(column), second.columns[name]])
        for name, column in first.columns.items()
        if name in second.columns
    }
    return Rows(
        np.concatenate([first.at, second.at]),
        np.concatenate([first.arrived, second.arrived]),
        np.concatenate([first.offset, second.offset]),
        columns,
    )


def _type_of(source: ir.Source, name: str) -> pa.DataType:
    column = source.column(name)
    return arrow_type(column.kind) if column else pa.string()


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)
