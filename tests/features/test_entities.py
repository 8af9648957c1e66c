"""Reading many entities at once gives what reading each by itself gives, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from feature_oracle import Happening
from feature_shop import GRAPH
from feature_world import START
from test_online import fold

from tidewheel.definitions import ir
from tidewheel.errors import FeatureError
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.reading.entities import EntityReader, key_texts
from tidewheel.features.reading.online import OnlineReader
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.state.lmdb_state import StateStore

USERS = [None, "u1", "u2", "nobody", "u1", "u3"]


def logged(log: EventLog, events: list[Happening]) -> None:
    for event in events:
        log.append([NewEvent(event.type, event.id, event.at, event.columns)], now=event.arrived)


def shopping() -> list[Happening]:
    kinds = ["food", "toys", None]
    return [
        Happening(
            "Buy", f"b{i}", START + i, START + i, i + 1,
            {"id": f"b{i}", "user": f"u{i % 3}", "shop": "s1", "amount": i / 7,
             "kind": kinds[i % 2], "gift": i % 5 == 0},
        )
        for i in range(50)
    ]  # fmt: skip


@pytest.mark.parametrize("group", [group for group in GRAPH.groups if len(group.by) == 1], ids=lambda group: group.name)
def test_as_each_by_itself(group: ir.Group, log: EventLog, store: StateStore) -> None:
    logged(log, shopping())
    fold(log, store)
    now = START + 10
    plan = plan_group_alone(GRAPH, group)
    alone = OnlineReader(store, [plan])
    keys = USERS if group.by == ("User",) else ["s1", "nowhere", None]
    found = EntityReader(store, GRAPH, group).read(keys, now)
    for place, key in enumerate(keys):
        row = alone.read({group.by[0]: key}, now)
        assert found.words[place].tobytes() == row.words[0].tobytes()
        assert {name: column[place] for name, column in found.texts.items() if column[place]} == row.texts[0]
        assert found.offsets[place] == (row.states[0][2] if row.states else 0)
        one = EntityReader(store, GRAPH, group).read([key], now)
        assert one.words.tobytes() == found.words[place].tobytes()
        assert (one.instants[0], one.offsets[0]) == (found.instants[place], found.offsets[place])
    assert np.all(found.instants >= now)


def test_keys_by_column() -> None:
    group = ir.Group("Taste", ("User", "Buy.kind"), ())
    assert key_texts(group, {"user": ["u1", "u2"], "kind": ["a", None]}) == ["u1\x1fa", None]
    assert key_texts(group, {"user": "u1", "kind": "a"}) == ["u1\x1fa"]
    with pytest.raises(FeatureError, match="differ in length"):
        key_texts(group, {"user": ["u1", "u2"], "kind": "a"})
    with pytest.raises(FeatureError, match="no value for the key 'kind'"):
        key_texts(group, {"user": "u1"})
