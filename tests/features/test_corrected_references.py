"""Corrections of events that refer to others, and of those referred to: every path agrees with the naive oracle.

What is visible is, of each id, the row that came last; a row and what it refers to count once both are there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from feature_oracle import Effective, Happening, group_row
from feature_shop import (
    AMOUNT,
    BUY,
    BY_USER,
    DAY,
    MINUTE,
    RETURN,
    SHOP,
    SHOP_RETURNS,
    SHOP_RISK,
    USER,
    aggregate,
    feature,
)
from feature_world import REFS, START, ListHistory, amounts, gaps, kinds, lateness, shops, users
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_corrections import logged, revised, standing

from tidewheel.definitions import ir
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.reading.online import OnlineReader
from tidewheel.features.replay.asof import read_group
from tidewheel.features.replay.history import Past
from tidewheel.features.replay.replay import Reads, replay_group
from tidewheel.features.words import Texts
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.state.lmdb_state import StateStore

REVISION = ir.Column("revision", "int", nullable=True)
USER_LOSSES = ir.Group(
    "UserLosses",
    ("User",),
    (
        feature("bought", aggregate("sum", "Buy", BY_USER, AMOUNT)),
        feature("lost", aggregate("sum", "Return", (("buy", "user"),), ir.Col(("buy", "amount")))),
        feature("fees", aggregate("max", "Return", (("buy", "user"),), ir.Col(("fee",)), DAY, DAY // 24)),
    ),
)
GROUPS = (SHOP_RETURNS, SHOP_RISK, USER_LOSSES)


def graph_of(*corrected: str) -> ir.Graph:
    """The shop, with events of some types corrected."""

    def source(plain: ir.Source) -> ir.Source:
        return replace(plain, columns=(*plain.columns, REVISION), revisable=DAY) if plain.name in corrected else plain

    return ir.Graph(sources=(source(BUY), source(RETURN), SHOP, USER), groups=tuple(map(revised, GROUPS)))


GRAPHS = [graph_of("Buy", "Return"), graph_of("Buy"), graph_of("Return")]


@st.composite
def corrected_worlds(draw, graph: ir.Graph, most: int = 24):
    """Buys and returns in offset order; some correct earlier ones, and some return what comes later or never."""
    arrived, events = START, []
    newest: dict[str, int] = {}
    for offset in range(1, draw(st.integers(1, most)) + 1):
        arrived += draw(gaps)
        type = draw(st.sampled_from(["Buy", "Return"]))
        known = [id for id in newest if id[0] == type[0]]
        corrected = next(source.revisable for source in graph.sources if source.name == type)
        id = f"{type[0]}{draw(st.integers(1, 6))}"
        if id in newest and not corrected:
            id = f"{type[0]}{10 + offset}"
        elif known and corrected and draw(st.booleans()):
            id = draw(st.sampled_from(known))
        revision = newest[id] + draw(st.integers(1, 2)) if id in newest else draw(st.sampled_from([None, None, 1]))
        newest[id] = revision or 0
        columns: dict[str, object] = {"revision": revision}
        if type == "Buy":
            columns |= {"id": id, "user": draw(users), "shop": draw(shops), "amount": draw(amounts)}
            columns |= {"kind": draw(kinds), "gift": None}
        else:
            bought = draw(st.one_of(st.integers(1, 6).map(lambda n: f"B{n}"), st.none()))
            columns |= {"buy": bought, "fee": draw(amounts), "why": draw(kinds)}
        events.append(Happening(type, id, arrived - draw(lateness), arrived, offset, columns))
    return events


@st.composite
def graphs_and_worlds(draw):
    number = draw(st.integers(0, len(GRAPHS) - 1))
    return number, draw(corrected_worlds(GRAPHS[number]))


def expected(
    group: ir.Group, events: list[Happening], key: str, t: int, visible: Callable[[Effective], bool] = lambda _: True
) -> list[object]:
    return list(group_row(group, standing(events), REFS, (key,), t, visible).values())


def assert_same(found: list[object], oracle: list[object], *where: object) -> None:
    for one, other in zip(found, oracle, strict=True):
        assert (one is None and other is None) or one == other, (where, found, oracle)


KEYS = {"ShopReturns": ["s1", "s2"], "ShopRisk": ["s1", "s2"], "UserLosses": ["u1", "u2", "u3"]}


@settings(max_examples=60, deadline=None)
@given(graphs_and_worlds(), st.data())
def test_a_read_sees_what_stood_at_its_instant(world, data) -> None:
    graph, events = GRAPHS[world[0]], world[1]
    picked = data.draw(st.lists(st.sampled_from(sorted({e.arrived for e in events})), min_size=1, max_size=4))
    instants = [t + d for t in picked for d in (0, 1, 3 * MINUTE)]
    history = ListHistory(events, graph)
    for group in graph.groups:
        asked = [(key, t) for t in instants for key in KEYS[group.name]]
        keys = {group.by[0]: [key for key, _ in asked]}
        times = [t for _, t in asked]
        by_arrival = read_group(history, graph, group, keys, times).to_pylist()
        by_event = read_group(history, graph, group, keys, times, visibility="event").to_pylist()
        for (key, t), row, ideal in zip(asked, by_arrival, by_event, strict=True):
            known = [event for event in events if event.arrived < t]
            assert_same([*row.values()], expected(group, known, key, t), group.name, key, t)
            happened = expected(group, events, key, t, lambda e, t=t: e.own.at < t)
            assert_same([*ideal.values()], happened, group.name, key, t, "event")


@settings(max_examples=60, deadline=None)
@given(graphs_and_worlds(), st.data())
def test_the_replay_of_a_decision_sees_what_stood_at_its_offset(world, data) -> None:
    graph, events = GRAPHS[world[0]], world[1]
    offset = data.draw(st.integers(0, len(events)))
    now = events[-1].arrived + MINUTE
    for group in graph.groups:
        plan = plan_group(graph, group)
        past = Past(ListHistory(events, graph), graph, [plan])
        keys = KEYS[group.name]
        reads = Reads(pa.array(keys), np.full(len(keys), now), np.full(len(keys), offset))
        words, _ = replay_group(plan, [past.feed(feed) for feed in plan.feeds], reads, "offset")
        reader = plan_group_alone(graph, group)
        for key, row in zip(keys, words, strict=True):
            oracle = expected(group, events[:offset], key, now)
            assert_same(in_order(past, reader, plan, row), oracle, group.name, key, offset)


def in_order(past: Past, view, plan, words) -> list[object]:
    """A replayed row's values in the order in which the group declares them."""
    texts = Texts()
    past.learn(texts)
    found: list[object] = []
    for feature_ in plan.group.features:
        place = plan.aggregates.index(feature_.value)
        word = words[place : place + 1]
        found.append(texts.strings(word.view(np.int64))[0] if plan.texts[place] else nothing(word[0]))
    return found


def nothing(word: float) -> float | None:
    return None if word != word else float(word)


@settings(max_examples=12, deadline=None)
@given(graphs_and_worlds(), st.data())
def test_the_stream_agrees_whatever_the_batches(world, data) -> None:
    graph, events = GRAPHS[world[0]], world[1]
    plans = [plan_group(graph, group) for group in graph.groups]
    few, batch = data.draw(st.sampled_from([(64, 50), (0, 50), (0, 1), (2, 3), (64, 4)]))
    born = plans[slice(*data.draw(st.sampled_from([(0, 3), (0, 1), (1, 3)]), label="groups from the beginning"))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=3)))
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog.open(Path(folder) / "log", sync="second")
        store = StateStore.open(Path(folder) / "state", 2)
        with closing(log), closing(store):
            folders = [
                Folder(log, ListHistory(events, graph), store, partition, graph, born, batch=batch, few=few)
                for partition in range(2)
            ]
            for first, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
                logged(log, events[first:end])
                for each in folders:
                    each.catch_up()
            for each in folders:
                each.plan(graph, plans)
                each.catch_up()
                each.close()
            now = events[-1].arrived + MINUTE
            for group in graph.groups:
                reader = OnlineReader(store, [plan_group_alone(graph, group)])
                for key in KEYS[group.name]:
                    row = reader.read({group.by[0]: key}, now)
                    found = [
                        row.texts[0].get(f.name) if plan_group(graph, group).is_text(f.name) else nothing(word)
                        for f, word in zip(group.features, row.words[0], strict=True)
                    ]
                    assert_same(found, expected(group, events, key, now), group.name, key)


def buy(offset: int, id: str, shop: str, amount: float, arrived: int, revision: int | None = None) -> Happening:
    columns = {"id": id, "user": "u1", "shop": shop, "amount": amount, "revision": revision}
    return Happening("Buy", id, START, START + arrived, offset, columns)


def back(offset: int, id: str, bought: str, fee: float, arrived: int, revision: int | None = None) -> Happening:
    return Happening("Return", id, START, START + arrived, offset, {"buy": bought, "fee": fee, "revision": revision})


@pytest.mark.parametrize(
    ("events", "read_at", "s1", "s2"),
    [
        # what is referred to is corrected: another amount, another shop
        ([buy(1, "b", "s1", 5, 0), back(2, "r", "b", 1, 1), buy(3, "b", "s1", 7, 2, 1)], 2, (5, 1), (None, None)),
        ([buy(1, "b", "s1", 5, 0), back(2, "r", "b", 1, 1), buy(3, "b", "s1", 7, 2, 1)], 3, (7, 1), (None, None)),
        ([buy(1, "b", "s1", 5, 0), back(2, "r", "b", 1, 1), buy(3, "b", "s2", 7, 2, 1)], 3, (None, None), (7, 1)),
        # what refers is corrected: another fee, another buy
        ([buy(1, "b", "s1", 5, 0), back(2, "r", "b", 1, 1), back(3, "r", "b", 2, 2, 1)], 3, (5, 2), (None, None)),
        (
            [buy(1, "b", "s1", 5, 0), buy(2, "c", "s2", 6, 0), back(3, "r", "b", 1, 1), back(4, "r", "c", 1, 2, 1)],
            3,
            (None, None),
            (6, 1),
        ),
        # both, while it waits
        ([back(1, "r", "b", 1, 0), back(2, "r", "b", 2, 1, 1), buy(3, "b", "s1", 5, 2)], 3, (5, 2), (None, None)),
        ([back(1, "r", "b", 1, 0), back(2, "r", "c", 2, 1, 1), buy(3, "b", "s1", 5, 2)], 3, (None, None), (None, None)),
        ([back(1, "r", "b", 1, 0), buy(2, "b", "s1", 5, 1, 1), buy(3, "b", "s2", 6, 2, 2)], 2, (5, 1), (None, None)),
        ([back(1, "r", "b", 1, 0), buy(2, "b", "s1", 5, 1, 1), buy(3, "b", "s2", 6, 2, 2)], 3, (None, None), (6, 1)),
        # logged in one order and arrived in the other: two imports of history
        ([buy(1, "b", "s1", 5, 0), buy(2, "b", "s2", 7, 9, 1), back(3, "r", "b", 1, 4)], 5, (5, 1), (None, None)),
        ([buy(1, "b", "s1", 5, 0), buy(2, "b", "s2", 7, 9, 1), back(3, "r", "b", 1, 4)], 10, (None, None), (7, 1)),
    ],
)
def test_truth_table(events: list[Happening], read_at: int, s1: tuple, s2: tuple) -> None:
    """What each shop's returns are worth, and their fees, at an instant (microseconds after the start)."""
    graph, by_shop = GRAPHS[0], (("buy", "shop"),)
    group = ir.Group(
        "Losses",
        ("Shop",),
        (
            feature("worth", aggregate("sum", "Return", by_shop, ir.Col(("buy", "amount")), revisable=True)),
            feature("fees", aggregate("sum", "Return", by_shop, ir.Col(("fee",)), revisable=True)),
        ),
    )
    found = read_group(ListHistory(events, graph), graph, group, {"Shop": ["s1", "s2"]}, [START + read_at] * 2)
    assert [tuple(row.values()) for row in found.to_pylist()] == [s1, s2]
