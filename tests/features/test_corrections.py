"""Corrections: after one arrives, every path agrees to the bit with a history in which only it stands."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from feature_oracle import Happening
from feature_shop import AMOUNT, BUY, BY_USER, DAY, HOUR, MINUTE, USER, USER_HISTORY, USER_KIND, aggregate, feature
from feature_world import START, ListHistory, amounts, gaps, kinds, lateness, shops, users
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

REVISED = replace(BUY, columns=(*BUY.columns, ir.Column("revision", "int", nullable=True)), revisable=DAY)


def revised(group: ir.Group) -> ir.Group:
    """Return the group with aggregates that take back what is corrected."""
    return replace(
        group,
        features=tuple(
            replace(f, value=replace(f.value, revisable=True)) if isinstance(f.value, ir.Aggregate) else f
            for f in group.features
        ),
    )


GRAPH = ir.Graph(sources=(REVISED, USER), groups=(revised(USER_HISTORY), revised(USER_KIND)))
PLANS = [plan_group(GRAPH, group) for group in GRAPH.groups]


@st.composite
def revised_worlds(draw, most: int = 30):
    """Buys in offset order; some of them correct earlier ones, of whatever user, time and amount."""
    arrived, events = START, []
    newest: dict[str, int] = {}
    for offset in range(1, draw(st.integers(1, most)) + 1):
        arrived += draw(gaps)
        id = draw(st.sampled_from(sorted(newest))) if newest and draw(st.integers(0, 2)) == 0 else f"b{offset}"
        revision = newest[id] + draw(st.integers(1, 2)) if id in newest else draw(st.sampled_from([None, None, 1]))
        newest[id] = revision or 0
        columns = {
            "id": id,
            "user": draw(users),
            "shop": draw(shops),
            "amount": draw(amounts),
            "kind": draw(kinds),
            "gift": draw(st.sampled_from([True, False, None])),
            "revision": revision,
        }
        events.append(Happening("Buy", id, arrived - draw(lateness), arrived, offset, columns))
    return events


def standing(events: list[Happening]) -> list[Happening]:
    """The naive oracle: of the events known, those of an id that came last."""
    return [event for n, event in enumerate(events) if event.id not in {later.id for later in events[n + 1 :]}]


def plain(events: list[Happening], group: ir.Group, keys: dict, instants: list[int], **options) -> pa.Table:
    """Read by definitions that know of no corrections."""
    graph = ir.Graph(sources=(BUY, USER), groups=(USER_HISTORY, USER_KIND))
    same = next(other for other in graph.groups if other.name == group.name)
    return read_group(ListHistory(events, graph), graph, same, keys, instants, **options)


SUMS = revised(
    ir.Group("Sums", ("User",), (feature("sum", aggregate("sum", "Buy", BY_USER, AMOUNT, HOUR, 5 * MINUTE)),))
)
NOON = START // HOUR * HOUR
"""The start of an hour: on the edge of a tile."""


def buy(id: str, at: int, arrived: int, amount: float | None, revision: int | None = None, user: str = "u") -> dict:
    return {"id": id, "at": at, "arrived": arrived, "amount": amount, "revision": revision, "user": user}


FIRST = buy("a", NOON, NOON, 5.0)
SECOND = buy("a", NOON, NOON + 20 * MINUTE, 7.0, 1)


@pytest.mark.parametrize(
    ("rows", "instant", "by_arrival", "by_event"),
    [
        ([FIRST, SECOND], NOON, None, None),  # never the instant itself
        ([FIRST, SECOND], NOON + 1, 5.0, 7.0),  # the idealised history knows better
        ([FIRST, SECOND], NOON + 20 * MINUTE, 5.0, 7.0),  # arrived at the instant: not yet
        ([FIRST, SECOND], NOON + 20 * MINUTE + 1, 7.0, 7.0),
        ([FIRST, SECOND], NOON + 65 * MINUTE - 1, 7.0, 7.0),  # the tail's tile is still the noon's
        ([FIRST, SECOND], NOON + 65 * MINUTE, None, None),
        ([FIRST, buy("a", NOON - 30 * MINUTE, NOON + 1, 7.0, 1)], NOON + 2, 7.0, 7.0),  # moved to another tile,
        ([FIRST, buy("a", NOON - 30 * MINUTE, NOON + 1, 7.0, 1)], NOON + 35 * MINUTE, None, None),  # which goes sooner
        ([FIRST, buy("a", NOON, NOON + 1, 7.0, 1, user="v")], NOON + 2, None, None),  # moved to another user
        ([FIRST, buy("a", NOON, NOON + 1, None, 1)], NOON + 2, None, None),  # corrected to nothing
        ([FIRST, buy("b", NOON, NOON, 0.5), SECOND], NOON + 20 * MINUTE + 1, 7.5, 7.5),  # others stay
        ([FIRST, SECOND, buy("a", NOON, NOON + 21 * MINUTE, 9.0, 4)], NOON + 30 * MINUTE, 9.0, 9.0),  # twice
        ([FIRST, buy("a", NOON - 3 * HOUR, NOON + 1, 7.0, 1)], NOON + 2, None, None),  # to before the window
        ([SECOND], NOON + 20 * MINUTE + 1, 7.0, 7.0),  # what it corrects never came
    ],
)
def test_truth_table(rows: list[dict], instant: int, by_arrival: float | None, by_event: float | None) -> None:
    events = [
        Happening("Buy", row["id"], row.pop("at"), row.pop("arrived"), offset, row)
        for offset, row in enumerate(map(dict, rows), 1)
    ]
    for visibility, expected in (("arrival", by_arrival), ("event", by_event)):
        found = read_group(ListHistory(events, GRAPH), GRAPH, SUMS, {"User": ["u"]}, [instant], visibility=visibility)
        assert found["sum"].to_pylist() == [expected], visibility


def keys_of(group: ir.Group, n: int) -> dict:
    found = {"User": ["u1", "u2", "u3"] * n}
    return found | {"Buy.kind": ["food", "toys", "none"] * n} if len(group.by) > 1 else found


@settings(max_examples=25, deadline=None)
@given(revised_worlds(), st.data())
def test_a_read_sees_what_stood_at_its_instant(events, data) -> None:
    picked = data.draw(st.lists(st.sampled_from(sorted({e.arrived for e in events})), min_size=1, max_size=4))
    instants = [t + d for t in picked for d in (0, 1, 3 * MINUTE)]
    history = ListHistory(events, GRAPH)
    for group in GRAPH.groups:
        keys = keys_of(group, len(instants))
        asked = [t for t in instants for _ in range(3)]
        found = read_group(history, GRAPH, group, keys, asked)
        for place, t in enumerate(asked):
            known = standing([event for event in events if event.arrived < t])
            one = {part: [values[place]] for part, values in keys.items()}
            assert plain(known, group, one, [t]).equals(found.slice(place, 1)), (group.name, t)
        idealised = read_group(history, GRAPH, group, keys, asked, visibility="event")
        assert plain(standing(events), group, keys, asked, visibility="event").equals(idealised)


def logged(log: EventLog, events: list[Happening]) -> None:
    for event in events:
        new = NewEvent(event.type, event.id, event.at, event.columns, arrived=event.arrived, revisable=100 * DAY)
        assert log.append([new], now=event.arrived)[0].status == "logged"


@settings(max_examples=12, deadline=None)
@given(revised_worlds(), st.data())
def test_the_stream_agrees_whatever_the_batches(events, data) -> None:
    few, batch = data.draw(st.sampled_from([(64, 50), (0, 50), (0, 1), (2, 3), (64, 4)]))
    history = ListHistory(events, GRAPH)
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog.open(Path(folder) / "log", sync="second")
        store = StateStore.open(Path(folder) / "state", 2)
        with closing(log), closing(store):
            folders = [
                Folder(log, history, store, partition, GRAPH, PLANS, batch=batch, few=few) for partition in range(2)
            ]
            cut = data.draw(st.integers(0, len(events)))
            for part in (events[:cut], events[cut:]):
                logged(log, part)
                for each in folders:
                    each.catch_up()
            for each in folders:
                each.close()
            now = events[-1].arrived + MINUTE
            for group in GRAPH.groups:
                reader = OnlineReader(store, [plan_group_alone(GRAPH, group)])
                keys = keys_of(group, 1)
                expected = plain(standing(events), group, keys, [now] * 3)
                for place in range(3):
                    parts = {part: values[place] for part, values in keys.items()}
                    row = reader.read(parts, now)
                    words = expected.slice(place, 1).to_pylist()[0]
                    for name, text, word in zip(reader_names(group), reader_texts(group), row.words[0], strict=True):
                        found = row.texts[0].get(name) if text else None if np.isnan(word) else word
                        assert found == words[name] or (found != found and words[name] is None), name


def reader_names(group: ir.Group) -> tuple[str, ...]:
    return tuple(feature.name for feature in group.features)


def reader_texts(group: ir.Group) -> tuple[bool, ...]:
    plan = plan_group(GRAPH, group)
    return tuple(plan.is_text(feature.name) for feature in group.features)
