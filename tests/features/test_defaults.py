"""A column with a default: replay, stream and online read agree with a history in which every row brought its value."""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
from feature_oracle import Happening
from feature_shop import BUY, GRAPH, MINUTE
from feature_world import ListHistory, worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tidewheel.definitions import ir
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.reading.online import OnlineReader
from tidewheel.features.replay.asof import read_group
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.state.lmdb_state import StateStore

DEFAULTS = {"amount": 2.5, "kind": "toys", "gift": True}
"""Amounts are read in themselves, through returns, and in conditions; kinds are texts, categories and keys."""


def with_default(column: ir.Column) -> ir.Column:
    if column.name not in DEFAULTS:
        return column
    return replace(column, nullable=False, default=DEFAULTS[column.name])


DECLARED = replace(BUY, columns=tuple(with_default(column) for column in BUY.columns))
HISTORIES = tuple(group for group in GRAPH.groups if not group.attributes)
FILLING = ir.Graph(sources=tuple(DECLARED if source is BUY else source for source in GRAPH.sources), groups=HISTORIES)
KEYS = {"User": ["u1", "u2", "u3"], "Shop": ["s1", "s2", "s1"], "Buy.kind": ["toys", "food", "none"]}


def brought(events: list[Happening]) -> list[Happening]:
    """Return the events as if each had brought a value where it has none."""
    return [
        dataclasses.replace(
            event, columns=event.columns | {n: v for n, v in DEFAULTS.items() if event.columns.get(n) is None}
        )
        if event.type == "Buy"
        else event
        for event in events
    ]


def keys_of(group: ir.Group) -> dict[str, list[str]]:
    return {part: KEYS[part] for part in group.by}


def expected(events: list[Happening], group: ir.Group, instants: list[int]):
    return read_group(ListHistory(brought(events)), GRAPH, group, keys_of(group), instants)


@settings(max_examples=20, deadline=None)
@given(worlds(), st.data())
def test_replay_reads_a_missing_value_as_the_default(events: list[Happening], data) -> None:
    instants = data.draw(st.lists(st.sampled_from([e.arrived + 1 for e in events]), min_size=3, max_size=3))
    for group in HISTORIES:
        found = read_group(ListHistory(events, FILLING), FILLING, group, keys_of(group), instants)
        assert found.equals(expected(events, group, instants)), group.name


@settings(max_examples=15, deadline=None)
@given(worlds(), st.data())
def test_the_stream_folds_a_missing_value_as_the_default(events: list[Happening], data) -> None:
    few, batch = data.draw(st.sampled_from([(64, 50), (0, 50), (0, 1), (2, 3), (64, 4)]))
    plans = [plan_group(FILLING, group) for group in HISTORIES]
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog.open(Path(folder) / "log", sync="second")
        store = StateStore.open(Path(folder) / "state", 1)
        with closing(log), closing(store):
            for event in events:
                kept = {n: v for n, v in event.columns.items() if v is not None or data.draw(st.booleans())}
                log.append([NewEvent(event.type, event.id, event.at, kept, event.arrived)], now=event.arrived)
            history = ListHistory(events, FILLING)
            with closing(Folder(log, history, store, 0, FILLING, plans, batch=batch, few=few)) as each:
                each.catch_up()
            now = events[-1].arrived + MINUTE
            for group in HISTORIES:
                wanted = expected(events, group, [now] * 3).to_pylist()
                reader = OnlineReader(store, [plan_group_alone(FILLING, group)])
                for place, row in enumerate(wanted):
                    parts = {part: values[place] for part, values in keys_of(group).items()}
                    found = reader.read(parts, now)
                    for feature, word in zip(group.features, found.words[0].tolist(), strict=True):
                        value = found.texts[0].get(feature.name) if feature.text else None if np.isnan(word) else word
                        assert value == row[feature.name], (group.name, feature.name)
