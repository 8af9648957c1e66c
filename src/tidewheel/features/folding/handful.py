"""A few events folded as they are, without making columns of them.

Between two decisions come a handful of events. Making columns of each source, taking them apart by
key and putting them together by group costs the same for eight events as for a thousand; here each
event is met as a record. What a group's states become is the same to the byte.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tidewheel.definitions import ir
from tidewheel.features.folding.forms import RecordForm, Records
from tidewheel.features.folding.references import Meeting, ReferenceIndex
from tidewheel.features.keys import key_text, part_text
from tidewheel.features.planning.group import AT, Feed, GroupPlan
from tidewheel.features.replay.history import Needs
from tidewheel.features.words import Words
from tidewheel.kernel import Blobs, Events, evaluate, fold, hash_text, partition_of
from tidewheel.storage.log.records import ImportRecord, LogRecord

if TYPE_CHECKING:
    from tidewheel.storage.protocols import StateBatch

TYPES: dict[str, type] = {"float": float, "int": int, "time": int, "bool": bool}
"""What the log gives for a column of a kind; for every other kind it gives strings."""
EXACT = 1 << 53
"""Whole numbers up to this are exact as floats."""
FORM = RecordForm()
Pair = tuple[LogRecord, LogRecord]
"""An event and its target; without one, the event stands in for it."""
Getter = Callable[[LogRecord, LogRecord], object]


Line = tuple[bytes, int, int, int, int, int, int]
"""An event in a group, as they are sorted: key, offset, feed, own offset; then its row in the slots, arrival, time."""


class Handful:
    """Some groups that are folded together, ready to take single records.

    Parameters
    ----------
    index : ReferenceIndex
    plans : sequence of GroupPlan
    needs : Needs
        What these plans need of the log.
    partition, partitions : int
        Which partition of how many these groups' states are in.
    """

    def __init__(
        self, index: ReferenceIndex, plans: Sequence[GroupPlan], needs: Needs, partition: int, partitions: int
    ) -> None:
        self._index = index
        self._targets = needs.ids
        self._revisable = {source for plan in plans for feed in plan.feeds for source in feed.corrected}
        self._types = {
            source: tuple((name, *_type_of(index.sources[source], name)) for name in columns)
            for source, columns in needs.columns.items()
        }
        self._groups = [_Group(plan, index.sources) for plan in plans]
        self._partition = partition
        self._partitions = partitions

    def sort(self, records: Sequence[LogRecord | ImportRecord]) -> dict[str, Records] | None:
        """Return the records by source, those that no group needs left out.

        None when they are for columns after all: an import or a correction is among them, or a value is not
        of its column's type (an event older than the column's declaration) and has to be cast.
        """
        rows: dict[str, Records] = {}
        for record in records:
            if isinstance(record, ImportRecord):
                return None
            types = self._types.get(record.type)
            if types is not None:
                if not _fits(record.columns, types):
                    return None
                if record.type in self._revisable and record.columns.get(ir.REVISION):
                    return None
                rows.setdefault(record.type, []).append(record)
        return rows

    def fold(
        self, batch: StateBatch, rows: Mapping[str, Records], below: int, known: Collection[int]
    ) -> dict[int, str]:
        """Fold records (at offsets under `below`) into every group; return the strings to keep that are not `known`."""
        strings: dict[int, str] = {}
        meeting = self._index.meet(batch, FORM, rows, below, self._targets)
        keys = _Keys(self._partition, self._partitions)
        for group in self._groups:
            group.fold(batch, rows, meeting, keys, strings)
        return {hash: text for hash, text in strings.items() if hash not in known}


class _Keys(dict[str | None, bytes | None]):
    """Keys as they are stored; None for null and for one that lives in another partition."""

    def __init__(self, partition: int, partitions: int) -> None:
        super().__init__({None: None})
        self._partition = partition
        self._partitions = partitions

    def __missing__(self, text: str) -> bytes | None:
        key = text.encode()
        found = self[text] = key if partition_of(key, self._partitions) == self._partition else None
        return found


class _Group:
    """A group's feeds, ready for records."""

    def __init__(self, plan: GroupPlan, sources: Mapping[str, ir.Source]) -> None:
        self._plan = plan
        self._feeds = [
            _RecordFeed(feed, number, f"{plan.state_id}:{number}", sources[feed.source])
            for number, feed in enumerate(plan.feeds)
        ]

    def fold(
        self,
        batch: StateBatch,
        rows: Mapping[str, Records],
        meeting: Meeting[Records],
        keys: _Keys,
        strings: dict[int, str],
    ) -> None:
        """Fold what this group gets of some records into its states; add the strings it may answer with."""
        lines: list[Line] = []
        parts: list[tuple[int, Words]] = []
        for feed in self._feeds:
            pairs = feed.pairs(rows, meeting)
            if pairs:
                feed.speak(pairs, strings)
                first = len(lines)
                chosen = feed.place(pairs, keys, lines)
                if chosen and feed.feed.n_slots:
                    parts.append((first, feed.slots(chosen)))
        if not lines:
            return
        lines.sort()
        plan = self._plan
        ordered, offsets, feeds, _, places, arrivals, times = zip(*lines, strict=True)
        entities, starts = _entities(ordered)
        at, arrived, offset = np.array((times, arrivals, offsets), np.int64)
        events = Events(
            np.array(starts, np.int64),
            np.array(feeds, np.int8),
            at,
            arrived,
            offset,
            _slots(parts, list(places), plan.layout.n_slots),
        )
        folded = fold(plan.layout, Blobs(*batch.blobs(plan.state_id, entities)), events)
        batch.put_blobs(plan.state_id, entities, folded.words, folded.starts)


class _RecordFeed:
    """A feed, with the way to each value it reads."""

    def __init__(self, feed: Feed, number: int, name: str, source: ir.Source) -> None:
        self.feed = feed
        self._number = number
        self._name = name
        self._keys = [_getter(path, source) for path in feed.keys]
        self._inputs = [(_getter(path, source), text) for path, text in zip(feed.inputs, feed.texts, strict=True)]
        self._spoken = [_getter(path, source) for path in feed.spoken]
        self._row = "".join("q" if text else "d" for text in feed.texts)

    def pairs(self, rows: Mapping[str, Records], meeting: Meeting[Records]) -> list[Pair]:
        """Return the events that take effect, each with its target."""
        feed = self.feed
        if feed.via is None:
            own = rows.get(feed.source)
            return [(record, record) for record in own] if own else []
        if feed.source not in rows and feed.via.target not in rows:
            return []
        met = meeting.effective(self._name, feed)
        return list(zip(*met, strict=True)) if met else []

    def place(self, pairs: Sequence[Pair], keys: _Keys, lines: list[Line]) -> list[Pair]:
        """Add a line for each event of this partition's entities; return these events."""
        chosen = []
        number = self._number
        for pair in pairs:
            key = keys[self._key(pair)]
            if key is not None:
                record, target = pair
                offset, arrived = record.offset, record.arrived
                if target is not record:
                    offset, arrived = max(offset, target.offset), max(arrived, target.arrived)
                lines.append((key, offset, number, record.offset, len(lines), arrived, record.at))
                chosen.append(pair)
        return chosen

    def _key(self, pair: Pair) -> str | None:
        if len(self._keys) == 1:
            part = self._keys[0](*pair)
            return part if isinstance(part, str) else part_text(part)
        return key_text([get(*pair) for get in self._keys])

    def slots(self, pairs: Sequence[Pair]) -> Words:
        """Return the events' slots, row by row."""
        words = [_word(get(*pair), text) for pair in pairs for get, text in self._inputs]
        packed = bytearray(8 * len(words))
        struct.pack_into(f"<{self._row * len(pairs)}", packed, 0, *words)
        return evaluate(self.feed.program, np.frombuffer(packed).reshape(len(pairs), len(self._inputs)))

    def speak(self, pairs: Sequence[Pair], strings: dict[int, str]) -> None:
        """Add the strings that features may answer with, by their hash."""
        for get in self._spoken:
            for pair in pairs:
                text = get(*pair)
                if isinstance(text, str):
                    strings[hash_text(text)] = text


def _entities(keys: Sequence[bytes]) -> tuple[list[bytes], list[int]]:
    """Return sorted keys once each, and where the run of each begins, with the end of the last."""
    entities: list[bytes] = []
    starts: list[int] = []
    for position, key in enumerate(keys):
        if not entities or key != entities[-1]:
            entities.append(key)
            starts.append(position)
    return entities, [*starts, len(keys)]


def _slots(parts: Sequence[tuple[int, Words]], places: list[int], width: int) -> Words:
    """Return the slots of all feeds in the order of `places`; columns beyond a feed's own are null."""
    if len(parts) == 1 and parts[0][1].shape == (len(places), width):
        return parts[0][1] if len(places) == 1 else parts[0][1][places]
    slots = np.full((len(places), width), np.nan)
    for first, made in parts:
        slots[first : first + len(made), : made.shape[1]] = made
    return slots[places]


def _word(value: object, text: bool) -> object:
    """Return what `struct` packs for a value: a hash for a string, a number with one NaN for null."""
    if text:
        return hash_text(value)  # type: ignore[arg-type]  # strings and None only: checked as they were read
    return np.nan if value is None or value != value else value


def _getter(path: ir.Path, source: ir.Source) -> Getter:
    """Return the way to what a path leads to, from an event and its target."""
    name = path[-1]
    if len(path) == 1:
        if name == AT and source.column(AT) is None:
            return lambda record, _: record.at
        return lambda record, _: record.columns.get(name)
    if name == AT:
        return lambda _, target: target.at
    return lambda _, target: target.columns.get(name)


def _fits(columns: dict[str, object], types: Sequence[tuple[str, type, object]]) -> bool:
    """See that values are of their columns' types; a whole number in a column of floats is made one.

    A value that is missing becomes its column's default.
    """
    for name, wanted, default in types:
        value = columns.get(name)
        if value is None and default is not None:
            columns[name] = default
        elif value is None or type(value) is wanted:
            continue
        elif wanted is float and type(value) is int and -EXACT <= value <= EXACT:
            columns[name] = float(value)
        else:
            return False
    return True


def _type_of(source: ir.Source, name: str) -> tuple[type, object]:
    """Return the type of a column's values, and its default."""
    column = source.column(name)
    return (TYPES.get(column.kind, str), column.default) if column else (str, None)
