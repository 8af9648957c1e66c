"""The stream: the log folded into one partition of the state, micro-batch by micro-batch.

Each group has an offset of its own, stored with its states in one transaction, so a killed folder
goes on where it was and a new group catches up from the log's beginning while the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.errors import ConflictError
from tidewheel.features.folding.corrections import may_correct, touched
from tidewheel.features.folding.dealt import PLACE, DealtSource, Inbox
from tidewheel.features.folding.forms import ColumnForm, Records
from tidewheel.features.folding.handful import Handful
from tidewheel.features.folding.references import Meeting, ReferenceIndex, forget_waiting
from tidewheel.features.folding.sources import BATCH, FEW, LogSource, Source, Together
from tidewheel.features.keys import plain
from tidewheel.features.planning.group import GroupPlan
from tidewheel.features.replay.history import Needs, Past
from tidewheel.features.replay.replay import group_events
from tidewheel.features.rows import Fed, Rows, feed_rows
from tidewheel.features.words import hashes_of
from tidewheel.kernel import KERNEL_VERSION, LAYOUT_VERSION, Blobs, Events, empty, fold, group_rows, partition_of

if TYPE_CHECKING:
    from tidewheel.collect import History
    from tidewheel.storage.log.reader import LogReader
    from tidewheel.storage.protocols import State, StateBatch

_log = logging.getLogger("tidewheel.stream")

MOST_STRINGS = 200_000
COLUMNS = ColumnForm()
Codes = npt.NDArray[np.int64]
LAYOUT = "_layout"
"""Name under which a partition notes, in place of an offset, which kernel its blobs are of."""
_LAYOUT_NUMBER = 1000 * KERNEL_VERSION + LAYOUT_VERSION


class Folder:
    """Folds events into one partition of the state. One at a time per partition, under a lease.

    Parameters
    ----------
    log : LogReader
    history : History
        Asked for imports, and for what the log has trimmed.
    store : State
    partition : int
        Which of the store's partitions.
    graph : ir.Graph
    plans : sequence of GroupPlan
        The groups to keep up to date.
    token : int
        The lease's fencing token.
    batch : int
        At most so many live events in one micro-batch, and `BULK` times as many of history, of which no more
        are held of any source.
    few : int
        Up to so many are folded as records, more as columns; what they become is the same.
    inbox : Inbox, optional
        What this partition is dealt of the log. The log is read only for what is not there.
    """

    def __init__(
        self,
        log: LogReader,
        history: History,
        store: State,
        partition: int,
        graph: ir.Graph,
        plans: Sequence[GroupPlan],
        *,
        token: int = 0,
        batch: int = BATCH,
        few: int = FEW,
        inbox: Inbox | None = None,
    ) -> None:
        self._log = log
        self._history = history
        self._partition = partition
        self._partitions = store.partitions
        self._writer = store.writer(partition, token)
        self._batch = batch
        self._few = few
        self._inbox = inbox
        self._known: set[int] = set()
        self._together: dict[tuple[str, ...], Together] = {}
        self.plan(graph, plans)

    def plan(self, graph: ir.Graph, plans: Sequence[GroupPlan]) -> None:
        """Keep these groups up to date from now on; new ones begin at the log's beginning."""
        self._sure = False
        self._graph = graph
        self._plans = {plan.state_id: plan for plan in plans}
        self._source = self._source_of({source.name: source for source in graph.sources})
        self._index = ReferenceIndex(graph, [feed for plan in self._plans.values() for feed in plan.feeds])
        self._together.clear()
        self._forget_other_layouts()
        with self._writer.batch() as batch:
            self._index.widen(batch)
            self._offsets = {state_id: batch.offset(state_id) for state_id in self._plans}
        self._known.clear()
        self._sure = True

    def _source_of(self, sources: Mapping[str, ir.Source]) -> Source:
        source = LogSource(self._log, self._history, sources, batch=self._batch, few=self._few)
        return source if self._inbox is None else DealtSource(self._inbox, source, sources, batch=self._batch)

    def drop(self, state_id: str) -> int:
        """Delete a state that nothing needs any more; return how many entities it had here."""
        self._plans.pop(state_id, None)
        self._offsets.pop(state_id, None)
        self._together.clear()
        return self._writer.drop(state_id)

    def _forget_other_layouts(self) -> None:
        """Empty the partition when its blobs are of another kernel's making: they are folded again from history."""
        with self._writer.batch() as batch:
            written = batch.offset(LAYOUT)
            batch.set_offset(LAYOUT, _LAYOUT_NUMBER)
        if written not in (0, _LAYOUT_NUMBER):
            self._writer.reset()
            with self._writer.batch() as batch:
                batch.set_offset(LAYOUT, _LAYOUT_NUMBER)

    def position(self) -> int:
        """Return the offset up to which every group has been folded."""
        return min(self._offsets.values(), default=self._log.head() - 1)

    def step(self) -> int:
        """Fold one micro-batch, and one more for groups that are behind the others.

        Returns
        -------
        int
            How many offsets of the log were passed; 0 when all groups are at its head.

        Raises
        ------
        UnreachableError
            The store does not answer. A later step looks where the store stands, and goes on from there.
        """
        if not self._sure:
            self.plan(self._graph, list(self._plans.values()))
        try:
            return self._step()
        except ConflictError as error:
            _log.warning("%s; it is folded on from there", error)
            return 1

    def _step(self) -> int:
        offsets = sorted(set(self._offsets.values()), reverse=True)
        if not offsets:
            return 0
        passed = self._advance(offsets[0], None)
        if len(offsets) > 1:
            passed += self._advance(offsets[1], offsets[0])
        return passed

    def catch_up(self) -> int:
        """Fold until every group is at the log's head; return how many offsets were passed."""
        total = 0
        while passed := self.step():
            total += passed
        return total

    def sync(self) -> None:
        """Flush the state to the disk. Call it each second or so; it need not be in `step`'s thread."""
        self._writer.sync()

    def close(self) -> None:
        """Flush, and give the partition back."""
        self._writer.close()

    def _advance(self, offset: int, until: int | None) -> int:
        """Fold what comes after `offset` for the groups that are there, not beyond offset `until`."""
        group = self._standing_at(offset)
        piece = self._source.next(group, offset + 1, until)
        if piece.last > offset:
            if piece.records is not None:
                self._fold_few(group, piece.records, piece.last)
            else:
                self._fold(group, piece.rows, piece.last)
        return piece.last - offset

    def _standing_at(self, offset: int) -> Together:
        """Return the groups whose last folded offset is `offset`."""
        ids = tuple(state_id for state_id, folded in self._offsets.items() if folded == offset)
        if ids not in self._together:
            plans = tuple(self._plans[state_id] for state_id in ids)
            needs = Needs(feed for plan in plans for feed in plan.feeds)
            for target in needs.ids:
                needs.columns[target].update(dict.fromkeys(self._index.stored_columns(target)))
            handful = Handful(self._index, plans, needs, self._partition, self._partitions)
            self._together[ids] = Together(plans, needs, handful)
        return self._together[ids]

    def _fold_few(self, group: Together, rows: Mapping[str, Records], last: int) -> None:
        with self._micro_batch(group, last) as (batch, strings):
            strings.update(group.handful.fold(batch, rows, last + 1, self._known))

    def _fold(self, group: Together, rows: Mapping[str, Rows], last: int) -> None:
        with self._micro_batch(group, last) as (batch, strings):
            meeting = self._index.meet(batch, COLUMNS, rows, last + 1, group.needs.ids)
            for plan in group.plans:
                feds = feds_of(plan, rows, meeting)
                if may_correct(plan, rows):
                    feds = self._fold_again(batch, plan, last)
                elif feds:
                    fold_group(batch, plan, feds, self._partition, self._partitions)
                collect_strings(feds.values(), strings, self._known)

    def _fold_again(self, batch: StateBatch, plan: GroupPlan, last: int) -> dict[int, Fed]:
        """Fold the states that a micro-batch touches from their first event; return what it brought or took back."""
        past = Past(self._history, self._graph, [plan], below=last + 1)
        feds = [past.feed(feed) for feed in plan.feeds]
        after = self._offsets[plan.state_id]
        fresh = {number: fed.take(touched(fed, after)) for number, fed in enumerate(feds)}
        _, keys = _encode_keys([fed.keys for fed in fresh.values()], self._partition, self._partitions)
        if keys:
            entities = pa.array([key.decode() for key in keys], pa.string())
            events = group_events(plan, feds, entities, "offset", len(keys)).events
            folded = fold(plan.layout, empty(len(keys)), events)
            batch.put_blobs(plan.state_id, keys, folded.words, folded.starts)
        for number, feed in enumerate(plan.feeds):
            if feed.via is not None and feed.revisable:
                forget_waiting(batch, f"{plan.state_id}:{number}", feed.via.ref, past.rows[feed.source], after)
        return fresh

    @contextmanager
    def _micro_batch(self, group: Together, last: int) -> Iterator[tuple[StateBatch, dict[int, str]]]:
        """One transaction that takes some groups up to an offset; gives where to put strings, by hash."""
        strings: dict[int, str] = {}
        self._sure = False
        with self._writer.batch() as batch:
            self._check_standing(batch, group)
            yield batch, strings
            for plan in group.plans:
                batch.set_offset(plan.state_id, last)
            if (place := self._source.place(last)) is not None:
                batch.set_offset(PLACE, place)
            batch.put_strings(strings)
        self._sure = True
        self._offsets.update((plan.state_id, last) for plan in group.plans)
        if len(self._known) > MOST_STRINGS:
            self._known.clear()
        self._known.update(strings)

    def _check_standing(self, batch: StateBatch, group: Together) -> None:
        """See that the states are where this folder left them: a server may have come back as of an earlier instant."""
        for plan in group.plans:
            found, left = batch.offset(plan.state_id), self._offsets[plan.state_id]
            if found != left:
                raise ConflictError(
                    f"{plan.group.name} was left at offset {left} and stands at {found}",
                    where=f"state partition {self._partition}",
                )


def collect_strings(feds: Iterable[Fed], strings: dict[int, str], known: Container[int]) -> None:
    """Add the strings that the fed events' features may answer with, unless they are known."""
    for fed in feds:
        for path in fed.feed.spoken:
            texts = plain(fed.column(path)).unique().drop_null()
            for hash, text in zip(hashes_of(texts).tolist(), texts.to_pylist(), strict=True):
                if hash not in known:
                    strings[hash] = text


def feds_of(plan: GroupPlan, rows: Mapping[str, Rows], meeting: Meeting[Rows]) -> dict[int, Fed]:
    """Return what each feed of a group gets of a micro-batch."""
    feds = {}
    for number, feed in enumerate(plan.feeds):
        if feed.via is None:
            if feed.source in rows:
                feds[number] = feed_rows(feed, rows[feed.source])
        elif feed.source in rows or feed.via.target in rows:
            met = meeting.effective(f"{plan.state_id}:{number}", feed)
            if met is not None:
                feds[number] = feed_rows(feed, *met)
    return {number: fed for number, fed in feds.items() if len(fed)}


def fold_group(batch: StateBatch, plan: GroupPlan, feds: Mapping[int, Fed], partition: int, partitions: int) -> None:
    """Fold a micro-batch's events into the states of one group that live in this partition."""
    codes, keys = _encode_keys([fed.keys for fed in feds.values()], partition, partitions)
    if not keys:
        return
    events = _events(plan, feds, codes, len(keys))
    folded = fold(plan.layout, Blobs(*batch.blobs(plan.state_id, keys)), events)
    batch.put_blobs(plan.state_id, keys, folded.words, folded.starts)


def _encode_keys(columns: Sequence[pa.Array], partition: int, partitions: int) -> tuple[Codes, list[bytes]]:
    """Return a code for each key, -1 for one that is null or another partition's; and the keys by code, in order."""
    encoded = pa.concat_arrays([plain(column) for column in columns]).dictionary_encode()
    names = [name.encode() for name in encoded.dictionary.to_pylist()]
    keys = _ours(names, partition, partitions)
    rank = {key: code for code, key in enumerate(keys)}
    codes = np.array([*(rank.get(name, -1) for name in names), -1], np.int64)
    return codes[encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)], keys


def _ours(names: Iterable[bytes], partition: int, partitions: int) -> list[bytes]:
    return sorted(name for name in names if partition_of(name, partitions) == partition)


def _events(plan: GroupPlan, feds: Mapping[int, Fed], codes: Codes, entities: int) -> Events:
    """Return the events with a code, grouped by it, in fold order."""
    parts = []
    start = 0
    for number, fed in feds.items():
        mine = codes[start : start + len(fed)]
        start += len(fed)
        index = np.flatnonzero(mine >= 0)
        source = np.full(len(index), number, np.int8)
        slots = fed.slots(index, plan.layout.n_slots)
        parts.append((mine[index], source, fed.at[index], fed.arrived[index], fed.offset[index], slots))
    code, source, at, arrived, offset, slots = (
        parts[0] if len(parts) == 1 else tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))
    )
    order, starts = group_rows(code, offset, entities)
    return Events(starts, source[order], at[order], arrived[order], offset[order], slots[order])
