"""Finding every row that belongs to an entity, before anything is blanked.

What is found is written down first, in the file of the erasure that is under way: once a reference is blanked,
nobody could find again what it led to.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.history import History, events_table
from tidewheel.collect.keeping.redactions import Touched
from tidewheel.definitions import ir, state_id
from tidewheel.features.planning.group import Feed, GroupPlan, plan_group
from tidewheel.features.replay.history import Past
from tidewheel.governance.subject import Subject
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog

LEAST_SEARCHED = 4
"""Personal texts shorter than this are blanked in their columns, and not searched for anywhere else."""


class Found(msgspec.Struct, kw_only=True):
    """An entity's rows.

    Attributes
    ----------
    rows : dict
        Per event type: the ids of its rows.
    offsets : dict
        Per event type: their offsets.
    values : list of str
        Texts of its personal columns that no other row has.
    touched : list of Touched
        Other entities' states that folded a column that will be blanked.
    """

    rows: dict[str, list[str]] = {}
    offsets: dict[str, list[int]] = {}
    values: list[str] = []
    touched: list[Touched] = []


def find(subject: Subject, lake: Lake, log: EventLog) -> Found:
    """Find an entity's rows: those that name it, and those that refer to them, however far."""
    found = Found()
    history = History(lake, log, list(subject.sources.values()))
    tables = {name: source for name, source in subject.sources.items() if lake.exists(events_table(name))}
    while sum(_grow(subject, source, history, found) for source in tables.values()):
        pass  # until no source has rows that refer to what was found
    found.values = sorted(
        {text for source in tables.values() for text in _personal_texts(subject, source, lake, found)}
    )
    found.touched = _touched(subject, history, found)
    return found


def _grow(subject: Subject, source: ir.Source, history: History, found: Found) -> bool:
    """Add a source's rows to what was found; return whether there were any new ones."""
    direct = subject.names(source)
    refs = {c.name: found.rows.get(c.target or "", []) for c in source.columns if c.kind == "ref"}
    refs = {name: ids for name, ids in refs.items() if ids and name not in direct}
    if not direct and not refs:
        return False
    table = history.scan(source.name, [*direct, *refs])
    mask = pa.array(np.zeros(len(table), np.bool_))
    for name in direct:
        mask = pc.or_(mask, pc.fill_null(pc.equal(table[name], subject.key), False))
    for name, ids in refs.items():
        mask = pc.or_(mask, pc.is_in(table[name], value_set=pa.array(ids, pa.string())))
    rows = table.filter(mask)
    known = found.rows.get(source.name, [])
    if len(rows) <= len(known):
        return False
    found.rows[source.name] = rows["_id"].to_pylist()
    found.offsets[source.name] = rows["_offset"].to_pylist()
    return True


def _personal_texts(subject: Subject, source: ir.Source, lake: Lake, found: Found) -> Iterator[str]:
    """Yield the texts of personal columns that only the entity's rows have."""
    texts = [name for name in subject.personal(source) if _is_text(source, name)]
    if not texts or source.name not in found.rows:
        return
    table = lake.scan(events_table(source.name), [*texts, "_id"])
    own = pc.is_in(table["_id"], value_set=pa.array(found.rows[source.name], pa.string()))
    for name in texts:
        mine = pc.unique(table[name].filter(own).cast(pa.string()).drop_null())
        others = pc.unique(table[name].filter(pc.invert(own)).cast(pa.string()).drop_null())
        for text in mine.filter(pc.invert(pc.is_in(mine, value_set=others))).to_pylist():
            if len(text) >= LEAST_SEARCHED:
                yield text


def _is_text(source: ir.Source, name: str) -> bool:
    column = source.column(name)
    return column is not None and column.kind in ir.TEXT_KINDS


def _touched(subject: Subject, history: History, found: Found) -> list[Touched]:
    """Return which states of other entities folded what will be blanked, and from which offset on."""
    first: dict[tuple[str, str], int] = {}
    blanked = {
        name: {*subject.names(source), *subject.personal(source)}
        for name, source in subject.sources.items()
        if name in found.rows
    }
    seen: set[str] = set()
    for graph in subject.graphs:
        for plan in _plans(graph, seen):
            feeds = [feed for feed in plan.feeds if _reads(feed, blanked)]
            if not feeds:
                continue
            past = Past(history, graph, [plan])
            for feed in feeds:
                for key, offset in _fed_keys(past, feed, found):
                    place = (plan.state_id, key)
                    first[place] = min(offset, first.get(place, offset))
    return [Touched(state, key, offset) for (state, key), offset in sorted(first.items())]


def _plans(graph: ir.Graph, seen: set[str]) -> Iterator[GroupPlan]:
    for group in graph.groups:
        if state_id(group) not in seen:
            seen.add(state_id(group))
            yield plan_group(graph, group)


def _reads(feed: Feed, blanked: dict[str, set[str]]) -> bool:
    """Whether a feed's program reads a blanked column, and its key none: whose key is blanked is the entity itself."""

    def is_blanked(path: ir.Path) -> bool:
        owner = feed.source if len(path) == 1 or feed.via is None else feed.via.target
        return path[-1] in blanked.get(owner, ())

    return any(map(is_blanked, feed.inputs)) and not any(map(is_blanked, feed.keys))


def _fed_keys(past: Past, feed: Feed, found: Found) -> Iterator[tuple[str, int]]:
    fed = past.feed(feed)
    mask = np.isin(fed.rows.offset, found.offsets.get(feed.source, []))
    if fed.targets is not None and feed.via is not None:
        mask |= np.isin(fed.targets.offset, found.offsets.get(feed.via.target, []))
    keys = fed.keys.filter(pa.array(mask)).to_pylist()
    for key, offset in zip(keys, fed.offset[mask].tolist(), strict=True):
        if key is not None:
            yield key, offset
