"""Events that refer to other events, as the stream meets them.

What feeds need of an event that others refer to is kept by its id. An event whose target has not
come waits, per feed, and takes effect at the offset at which the target arrives. Everything is
written in the transaction of the micro-batch, beside the state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.keys import part_array, plain
from tidewheel.features.plan_group import AT, Feed
from tidewheel.features.rows import Rows, arrow_type
from tidewheel.storage.state_partition import Reference, StateBatch

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
    """Which columns a partition keeps of events that some feeds go through."""

    def __init__(self, graph: ir.Graph, feeds: Iterable[Feed]) -> None:
        self.sources = {source.name: source for source in graph.sources}
        self.columns: dict[str, list[str]] = {}
        for feed in feeds:
            if feed.via is not None:
                known = self.columns.setdefault(feed.via.target, [])
                known += [name for name in feed.via.columns if name not in known]

    def widen(self, batch: StateBatch) -> None:
        """Keep every column that was ever kept, so that what is stored of an event never shrinks.

        A feed that needs a column not kept so far is new: it reads the log from its beginning, and
        events are kept anew, with that column, as it passes them.
        """
        for target, names in self.columns.items():
            stored = batch.references(COLUMNS, [target])[0]
            before = stored.columns["names"] if stored else []
            names += [name for name in before if name not in names]
            if set(names) != set(before):
                batch.put_references(COLUMNS, [(target, Reference(0, 0, {"names": names}))])

    def stored_columns(self, target: str) -> list[str]:
        """Return the columns kept of a type that its rows must bring."""
        return [name for name in self.columns[target] if name != AT]

    def meet(self, batch: StateBatch, rows: Mapping[str, Rows], below: int, targets: Collection[str]) -> Meeting:
        """Keep what is needed of a micro-batch's events of some types; return what resolves its references."""
        for target in targets:
            if target in rows and len(rows[target]):
                _keep(batch, target, rows[target], self.columns[target])
        return Meeting(self, batch, rows, below)


@dataclass(frozen=True, eq=False)
class _Resolved:
    """A source's rows by one reference column: those with their targets, and those without."""

    ready: Rows
    targets: Rows
    without: Rows
    wanted: list[str]


class Meeting:
    """The events of one micro-batch (offsets under `below`) and the targets they refer to.

    A source's references are looked up once, whatever number of groups go through them.
    """

    def __init__(self, index: ReferenceIndex, batch: StateBatch, rows: Mapping[str, Rows], below: int) -> None:
        self._index = index
        self._batch = batch
        self._rows = rows
        self._below = below
        self._resolved: dict[tuple[str, str], _Resolved] = {}

    def effective(self, name: str, feed: Feed) -> tuple[Rows, Rows]:
        """Return a feed's events that take effect in this micro-batch, and beside them their targets.

        Those of the batch whose target has come, and those that waited for a target in the batch; the
        rest of the batch's are put to wait under the feed's `name`.
        """
        assert feed.via is not None
        ready, targets = self._released(name, feed)
        if feed.source not in self._rows:
            return ready, targets
        resolved = self._resolve(feed.source, feed.via.ref, feed.via.target)
        self._wait(name, feed, resolved)
        if not len(ready):
            return resolved.ready, resolved.targets
        return _joined(resolved.ready, ready), _joined(resolved.targets, targets)

    def _resolve(self, source: str, ref: str, target: str) -> _Resolved:
        if (source, ref) not in self._resolved:
            rows = self._rows[source]
            refs = part_array(rows.columns[ref])
            rows = rows.take(refs.is_valid().to_numpy(zero_copy_only=False))
            ids = refs.drop_null().to_pylist()
            found = self._batch.references(target, ids)
            come = np.array([kept is not None and kept.offset < self._below for kept in found], np.bool_)
            self._resolved[source, ref] = _Resolved(
                ready=rows.take(come),
                targets=self._targets(target, [kept for kept, here in zip(found, come, strict=True) if here and kept]),
                without=rows.take(~come),
                wanted=[id for id, here in zip(ids, come, strict=True) if not here],
            )
        return self._resolved[source, ref]

    def _wait(self, name: str, feed: Feed, resolved: _Resolved) -> None:
        rows = resolved.without
        for position, target in enumerate(resolved.wanted):
            columns = {column: rows.columns[column][position].as_py() for column in feed.columns}
            entry = _encode(_Waiting(int(rows.at[position]), int(rows.arrived[position]), columns))
            self._batch.wait(name, target, int(rows.offset[position]), entry)

    def _released(self, name: str, feed: Feed) -> tuple[Rows, Rows]:
        assert feed.via is not None
        came = self._rows.get(feed.via.target)
        if came is None:
            return NO_ROWS, NO_ROWS
        ids = came.once("ids", lambda: came.columns["_id"].to_pylist())
        # One at an offset still to come will be met there; it was left behind by a fold that started over.
        taken = [entry for entry in self._batch.take_waiting(name, ids) if entry[1] < self._below]
        if not taken:
            return NO_ROWS, NO_ROWS
        found = self._batch.references(feed.via.target, [target for target, _, _ in taken])
        entries = [(offset, _decode(raw)) for _, offset, raw in taken]
        source = self._index.sources[feed.source]
        waited = Rows(
            at=_ints(entry.at for _, entry in entries),
            arrived=_ints(entry.arrived for _, entry in entries),
            offset=_ints(offset for offset, _ in entries),
            columns={
                column: pa.array([entry.columns.get(column) for _, entry in entries], _type_of(source, column))
                for column in feed.columns
            },
        )
        return waited, self._targets(feed.via.target, [target for target in found if target is not None])

    def _targets(self, target: str, kept: Sequence[Reference]) -> Rows:
        source, names = self._index.sources[target], self._index.columns[target]
        return Rows(
            at=_ints(event.columns.get(AT, 0) for event in kept),
            arrived=_ints(event.arrived for event in kept),
            offset=_ints(event.offset for event in kept),
            columns={
                name: pa.array([event.columns.get(name) for event in kept], _type_of(source, name))
                for name in names
                if name != AT
            },
        )


NO_ROWS = Rows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), {})


def _keep(batch: StateBatch, target: str, rows: Rows, names: Sequence[str]) -> None:
    """Keep events by id. Of two with one id the first holds."""
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


def _joined(first: Rows, second: Rows) -> Rows:
    columns = {name: pa.concat_arrays([plain(first.columns[name]), column]) for name, column in second.columns.items()}
    return Rows(
        np.concatenate([first.at, second.at]),
        np.concatenate([first.arrived, second.arrived]),
        np.concatenate([first.offset, second.offset]),
        columns,
    )


def _type_of(source: ir.Source, name: str) -> pa.DataType:
    column = source.column(name)
    return arrow_type(column.kind) if column else pa.string()


def _ints(values: Iterable[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.fromiter(values, np.int64)
