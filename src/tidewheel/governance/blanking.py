"""Blanking an entity's rows in the lake: events, decisions, and texts that name it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.decisions import TABLE as DECISIONS
from tidewheel.collect.keeping.history import events_table
from tidewheel.definitions import ir
from tidewheel.features.keys import key_parts
from tidewheel.governance.finding import Found
from tidewheel.governance.subject import BLANK, Subject, whole_words
from tidewheel.storage.journal.decisions import DecisionRecord, Item, ItemScore, Stage
from tidewheel.storage.journal.rows import from_arrow, to_arrow
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.lake.upkeep import replace_day

TYPE_PREFIX = "events/"


def blank_events(lake: Lake, subject: Subject, found: Found) -> dict[str, int]:
    """Blank the entity's rows in every table of events, day by day; return how many rows, by table."""
    counts = {}
    for name, source in subject.sources.items():
        table = events_table(name)
        if lake.exists(table) and (name in found.rows or subject.names(source)):
            counts[table] = sum(_blank_day(lake, subject, source, found, day) for day in days_of(lake, table))
    for table in lake.tables():
        if table.startswith(TYPE_PREFIX) and table.removeprefix(TYPE_PREFIX) not in subject.sources:
            counts[table] = _scrub_table(lake, table, whole_words([subject.key, *found.values]))
    return {table: count for table, count in counts.items() if count}


def days_of(lake: Lake, table: str) -> list[str]:
    """Return the days that a table has rows of."""
    return sorted(pc.unique(lake.scan(table, ["_date"])["_date"]).to_pylist())


def own_rows(rows: pa.Table, subject: Subject, source: ir.Source, found: Found) -> pa.ChunkedArray:
    """Tell which rows of a source's table are the entity's and hold something that is to be blanked."""
    ids = pa.array(found.rows.get(source.name, []), pa.string())
    mine = pc.is_in(rows["_id"], value_set=ids)
    named = pc.and_(mine, False)
    for name in subject.names(source):
        if name in rows.column_names:
            named = pc.or_(named, pc.fill_null(pc.equal(rows[name].cast(pa.string()), subject.key), False))
    held = pc.and_(mine, False)
    for name in subject.personal(source):
        if name in rows.column_names:
            held = pc.or_(held, pc.is_valid(rows[name]))
    return pc.or_(named, pc.and_(mine, held))


def _blank_day(lake: Lake, subject: Subject, source: ir.Source, found: Found, day: str) -> int:
    table = events_table(source.name)
    rows = lake.day(table, day)
    mine = own_rows(rows, subject, source, found)
    count = int(pc.sum(mine).as_py() or 0)
    if not count:
        return 0
    for name in subject.personal(source):
        rows = _with_null(rows, name, mine)
    for name in subject.names(source):
        if name in rows.column_names:
            named = pc.fill_null(pc.equal(rows[name].cast(pa.string()), subject.key), False)
            rows = _with_null(rows, name, named)
    if source.name == subject.entity:
        names = zip(mine.to_pylist(), rows["_id"].to_pylist(), strict=True)
        new = [f"erased-{uuid4().hex}" if own else identity for own, identity in names]
        rows = rows.set_column(rows.schema.get_field_index("_id"), "_id", pa.array(new, pa.string()))
    replace_day(lake, table, day, rows)
    return count


def _with_null(rows: pa.Table, name: str, where: pa.ChunkedArray) -> pa.Table:
    if name not in rows.column_names:
        return rows
    column = rows[name]
    blanked = pc.if_else(where, pa.scalar(None, column.type), column)
    return rows.set_column(rows.schema.get_field_index(name), name, blanked)


def _scrub_table(lake: Lake, table: str, pattern: re.Pattern[str]) -> int:
    """Blank what a pattern finds in the texts of a table that no declaration tells about; return the rows changed."""
    changed = 0
    for day in days_of(lake, table):
        rows = lake.day(table, day)
        mask = [False] * len(rows)
        for position, field in enumerate(rows.schema):
            if not pa.types.is_string(field.type) or field.name.startswith("_"):
                continue
            texts = rows[field.name].to_pylist()
            new = [text if text is None else pattern.sub(BLANK, text) for text in texts]
            mask = [was or old != now for was, old, now in zip(mask, texts, new, strict=True)]
            rows = rows.set_column(position, field.name, pa.array(new, pa.string()))
        if any(mask):
            replace_day(lake, table, day, rows)
            changed += sum(mask)
    return changed


def blank_decisions(lake: Lake, subject: Subject, found: Found) -> int:
    """Blank the decisions on the entity's events, and those that read or show it; return how many."""
    if not lake.exists(DECISIONS):
        return 0
    blanked = 0
    redact = DecisionBlanker(subject, found)
    for day in days_of(lake, DECISIONS):
        rows = lake.day(DECISIONS, day)
        records = from_arrow(rows)
        new = [redact(record) for record in records]
        changed = sum(one is not other for one, other in zip(records, new, strict=True))
        if changed:
            replace_day(lake, DECISIONS, day, to_arrow(new).select(rows.column_names))
            blanked += changed
    return blanked


class DecisionBlanker:
    """Blanks decisions that tell something of the entity; returns others as they are."""

    def __init__(self, subject: Subject, found: Found) -> None:
        self._subject = subject
        self._events = {(type, id) for type, ids in found.rows.items() for id in ids}
        self._shown = {subject.key, *found.values}
        self._pattern = whole_words(self._shown)

    def __call__(self, record: DecisionRecord) -> DecisionRecord:
        """Return the record, blanked when it has to be."""
        own = (record.event_type, record.event_id) in self._events
        if not own and not any(self._tells(record)):
            return record
        blanked = msgspec.structs.replace(
            record,
            unit="" if self._is_key(record.unit) else record.unit,
            states=[(state[0], "", state[2]) if self._subject.holds(*state[:2]) else state for state in record.states],
            inputs=dict(self._inputs(record, own)),
            features=b"",
            texts={},
            stages=[self._stage(stage) for stage in record.stages],
            items=[self._item(item) for item in record.items],
            item_scores=[self._item_score(told) for told in record.item_scores],
            reason=self._blank(record.reason),
            caller=self._blank(record.caller),
        )
        return record if blanked == record else blanked

    def _stage(self, stage: Stage) -> Stage:
        return msgspec.structs.replace(stage, features=b"", texts={}, note=self._blank(stage.note))

    def _item(self, item: Item) -> Item:
        inputs = {name: None if value in self._shown else value for name, value in item.inputs.items()}
        return msgspec.structs.replace(item, id=self._item_id(item.id), features=b"", inputs=inputs)

    def _item_score(self, told: ItemScore) -> ItemScore:
        return msgspec.structs.replace(told, item=self._item_id(told.item), features=b"")

    def _item_id(self, id: str) -> str:
        return BLANK if id == self._subject.key else id

    def _blank(self, text: str) -> str:
        return self._pattern.sub(BLANK, text)

    def _tells(self, record: DecisionRecord) -> Iterator[bool]:
        yield any(self._subject.holds(state, key) for state, key, _ in record.states)
        for texts in (record.texts, *(stage.texts for stage in record.stages)):
            yield any(value in self._shown for value in texts.values())
        yield any(value == self._subject.key for _, value in self._named(record))
        told = (record.reason, record.caller, *(stage.note for stage in record.stages))
        yield any(self._pattern.search(text) for text in told)

    def _is_key(self, key: str) -> bool:
        return self._subject.key in key_parts(key)

    def _named(self, record: DecisionRecord) -> Iterator[tuple[str, object]]:
        source = self._subject.sources.get(record.event_type)
        for name in self._subject.names(source) if source is not None else ():
            yield name, record.inputs.get(name)

    def _inputs(self, record: DecisionRecord, own: bool) -> Iterator[tuple[str, object]]:
        source = self._subject.sources.get(record.event_type)
        personal = set(self._subject.personal(source)) if source is not None and own else set()
        keys = {name for name, value in self._named(record) if value == self._subject.key}
        for name, value in record.inputs.items():
            yield name, None if name in personal or name in keys else value
