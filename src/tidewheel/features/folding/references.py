"""Events that refer to other events, as the stream meets them.

What feeds need of an event that others refer to is kept by its id. An event whose target has not
come waits, per feed, and takes effect at the offset at which the target arrives. Everything is
written in the transaction of the micro-batch, beside the state.

The rules stand here once, whichever form a micro-batch's events have: columns, or a few records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import msgspec
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.folding.corrections import gone_of
from tidewheel.features.folding.forms import Form, Happened, Held
from tidewheel.features.keys import part_array
from tidewheel.features.planning.group import AT, Feed
from tidewheel.features.rows import Rows
from tidewheel.storage.protocols import StateBatch
from tidewheel.storage.state.partition import Reference

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
        self.revisable: set[str] = set()
        for feed in feeds:
            if feed.via is not None:
                self.revisable.update({feed.via.target} & {*feed.corrected})
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

    def meet(
        self, batch: StateBatch, form: Form[Held], rows: Mapping[str, Held], below: int, targets: Collection[str]
    ) -> Meeting[Held]:
        """Keep what is needed of a micro-batch's events of some types; return what resolves its references."""
        for target in targets:
            if target in rows and len(rows[target]):
                _keep(batch, form, target, rows[target], self.columns[target], target in self.revisable)
        return Meeting(self, batch, form, rows, below)


@dataclass(frozen=True, eq=False)
class _Resolved(Generic[Held]):
    """A source's events by one reference column: those with their targets, and those without."""

    ready: Held
    targets: Held
    without: Held
    wanted: list[str]


class Meeting(Generic[Held]):
    """The events of one micro-batch (offsets under `below`) and the targets they refer to.

    A source's references are looked up once, whatever number of groups go through them.
    """

    def __init__(
        self, index: ReferenceIndex, batch: StateBatch, form: Form[Held], rows: Mapping[str, Held], below: int
    ) -> None:
        self._index = index
        self._batch = batch
        self._form = form
        self._rows = rows
        self._below = below
        self._resolved: dict[tuple[str, str], _Resolved[Held]] = {}
        self._ids: dict[str, list[str]] = {}

    def effective(self, name: str, feed: Feed) -> tuple[Held, Held] | None:
        """Return a feed's events that take effect in this micro-batch, and beside them their targets.

        Those of the batch whose target has come, and those that waited for a target in the batch; the
        rest of the batch's are put to wait under the feed's `name`. None when there is nothing.
        """
        assert feed.via is not None
        released = self._released(name, feed)
        if feed.source not in self._rows:
            return released
        resolved = self._resolve(feed.source, feed.via.ref, feed.via.target)
        self._wait(name, feed, resolved)
        if released is None:
            return resolved.ready, resolved.targets
        joined = self._form.joined
        return joined(resolved.ready, released[0]), joined(resolved.targets, released[1])

    def _resolve(self, source: str, ref: str, target: str) -> _Resolved[Held]:
        if (source, ref) not in self._resolved:
            rows, take = self._rows[source], self._form.take
            refs = [(place, id) for place, id in enumerate(self._form.refs(rows, ref)) if id is not None]
            ready: list[int] = []
            kept: list[Reference] = []
            without: list[tuple[int, str]] = []
            found = self._batch.references(target, [id for _, id in refs])
            for (place, id), reference in zip(refs, found, strict=True):
                if reference is not None and reference.offset < self._below:
                    ready.append(place)
                    kept.append(reference)
                else:
                    without.append((place, id))
            self._resolved[source, ref] = _Resolved(
                ready=take(rows, ready),
                targets=self._targets(target, kept),
                without=take(rows, [place for place, _ in without]),
                wanted=[id for _, id in without],
            )
        return self._resolved[source, ref]

    def _wait(self, name: str, feed: Feed, resolved: _Resolved[Held]) -> None:
        if not resolved.wanted:
            return
        events = self._form.events(resolved.without, feed.columns)
        for target, event in zip(resolved.wanted, events, strict=True):
            entry = _encode(_Waiting(event.at, event.arrived, event.columns))
            self._batch.wait(name, target, event.offset, entry)

    def _released(self, name: str, feed: Feed) -> tuple[Held, Held] | None:
        assert feed.via is not None
        target = feed.via.target
        if target not in self._rows:
            return None
        if target not in self._ids:
            self._ids[target] = self._form.ids(self._rows[target])
        # One at an offset still to come will be met there; it was left behind by a fold that started over.
        taken = [entry for entry in self._batch.take_waiting(name, self._ids[target]) if entry[1] < self._below]
        if not taken:
            return None
        found = self._batch.references(target, [id for id, _, _ in taken])
        entries = [(offset, _decode(raw)) for _, offset, raw in taken]
        waited = [Happened(entry.at, entry.arrived, offset, entry.columns) for offset, entry in entries]
        source = self._index.sources[feed.source]
        return (
            self._form.made(source, feed.columns, waited),
            self._targets(target, [reference for reference in found if reference is not None]),
        )

    def _targets(self, target: str, kept: Sequence[Reference]) -> Held:
        events = [Happened(event.columns.get(AT, 0), event.arrived, event.offset, event.columns) for event in kept]
        return self._form.made(self._index.sources[target], self._index.stored_columns(target), events)


def forget_waiting(batch: StateBatch, name: str, ref: str, rows: Rows, after: int) -> None:
    """Let those of a feed's events that were corrected after an offset wait no longer for their targets."""
    corrected = gone_of(rows).after(after)
    targets: list[str] = part_array(rows.columns[ref]).filter(pa.array(corrected)).drop_null().to_pylist()
    gone = {*rows.offset[corrected].tolist()}
    for target, offset, entry in batch.take_waiting(name, targets):
        if offset not in gone:
            batch.wait(name, target, offset, entry)


def _keep(batch: StateBatch, form: Form[Held], target: str, rows: Held, names: Sequence[str], revisable: bool) -> None:
    """Keep events by id. Of two with one id the first holds, or the one with the highest revision."""
    ids = form.ids(rows)
    stored = batch.references(target, ids)
    new: dict[str, Reference] = {}
    events = form.events(rows, [name for name in names if name != AT])
    for id, before, event in zip(ids, stored, events, strict=True):
        before = new.get(id, before)
        corrects = revisable and before is not None and _revision(event.columns) > _revision(before.columns)
        if before is None or before.offset == event.offset or corrects:
            columns = {name: event.at if name == AT else event.columns[name] for name in names}
            new[id] = Reference(event.offset, event.arrived, columns)
    batch.put_references(target, new.items())


def _revision(columns: Mapping[str, Any]) -> int:
    return columns.get(ir.REVISION) or 0
