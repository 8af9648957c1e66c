"""Truth tables: which events a read sees, at the edges of windows and of visibility."""

from __future__ import annotations

import pytest
from feature_oracle import Happening
from feature_shop import AMOUNT, BUY, BY_USER, HOUR, MINUTE, aggregate, feature
from feature_world import ListHistory

from tidewheel.definitions import attribute_group, ir
from tidewheel.errors import DefinitionError, FeatureError
from tidewheel.features.replay.asof import read_group

T = 1_700_000_000_000_000 // HOUR * HOUR + 30 * MINUTE
"""Half past an hour: on a tile's edge for hops of 5 and 10 minutes."""
GRAPH = ir.Graph(sources=(BUY,))


def count(window: int = HOUR, hop: int = 5 * MINUTE, delay: int = 0) -> ir.Group:
    value = aggregate("count", "Buy", BY_USER, None, window, hop, delay=delay)
    return ir.Group("Counts", ("User",), (feature("n", value),))


def read(group: ir.Group, events: list[Happening], instant: int = T, **options):
    graph = ir.Graph(sources=(BUY,), groups=(group,))
    keys = {part: ["u"] for part in group.by}
    return read_group(ListHistory(events, GRAPH), graph, group, keys, [instant], **options).to_pylist()[0]


def buy(at: int, arrived: int | None = None, offset: int = 1, **columns) -> Happening:
    return Happening("Buy", f"b{offset}", at, at if arrived is None else arrived, offset, {"user": "u", **columns})


@pytest.mark.parametrize(
    ("instant", "at", "seen"),
    [
        (T, T - HOUR, 1),  # exactly W old: its tile is the tail's
        (T, T - HOUR - 1, 0),  # one tile further
        (T + 5 * MINUTE - 1, T - HOUR, 1),  # the tail is rounded down to a hop
        (T + 5 * MINUTE, T - HOUR, 0),
        (T, T - 1, 1),  # exact at the head
        (T, T, 0),  # an event at the instant is not before it
    ],
)
def test_window_edges(instant: int, at: int, seen: int) -> None:
    assert read(count(), [buy(at)], instant)["n"] == seen


@pytest.mark.parametrize(
    ("at", "seen"),
    [
        (T - 10 * MINUTE, 0),  # tile(t - D) is left out whole
        (T - 10 * MINUTE - 1, 1),
        (T - 10 * MINUTE - HOUR, 1),
        (T - 10 * MINUTE - HOUR - 1, 0),
    ],
)
def test_delay_rounds_both_edges(at: int, seen: int) -> None:
    assert read(count(delay=10 * MINUTE), [buy(at)])["n"] == seen


@pytest.mark.parametrize(
    ("arrived", "visibility", "seen"),
    [
        (T - 1, "arrival", 1),
        (T, "arrival", 0),  # arrived at the instant: not yet visible
        (T + MINUTE, "arrival", 0),  # came late
        (T + MINUTE, "event", 1),  # the idealised history sees it all the same
    ],
)
def test_late_events_are_seen_once_they_have_arrived(arrived: int, visibility: str, seen: int) -> None:
    assert read(count(), [buy(T - MINUTE, arrived)], visibility=visibility)["n"] == seen


def test_a_late_event_goes_into_the_tile_of_its_own_time() -> None:
    events = [buy(T - 2 * MINUTE, offset=1), buy(T - HOUR - 10 * MINUTE, T - MINUTE, offset=2)]
    assert read(count(), events)["n"] == 1


def test_empty_windows_and_nulls() -> None:
    ops = ("count", "sum", "mean", "min", "max", "std", "first", "last", "distinct", "time_since_last")
    features = tuple(
        feature(
            op,
            aggregate(
                op, "Buy", BY_USER, None if op in ("count", "time_since_last") else AMOUNT, HOUR, MINUTE, exact_to=256
            ),
        )
        for op in ops
    )
    group = ir.Group("All", ("User",), features)
    empty = dict.fromkeys(ops) | {"count": 0.0, "distinct": 0.0}
    assert read(group, []) == empty
    nulls = read(group, [buy(T - MINUTE, amount=None)])
    assert nulls == empty | {"count": 1.0, "time_since_last": 60.0}


def test_ties_go_by_offset() -> None:
    group = ir.Group(
        "Ties",
        ("User",),
        (
            feature("first", aggregate("first", "Buy", BY_USER, AMOUNT)),
            feature("last", aggregate("last", "Buy", BY_USER, AMOUNT)),
        ),
    )
    events = [buy(T - 1, offset=n, amount=float(n)) for n in (1, 2, 3)]
    assert read(group, events) == {"first": 1.0, "last": 3.0}


def test_attributes_hold_from_their_time_on() -> None:
    user = ir.Source("User", (ir.Column("id", "id"), ir.Column("tier", "category")), entity=True)
    group = attribute_group(user)
    graph = ir.Graph(sources=(user,))
    rows = [
        Happening("User", f"r{i}", at, at + late, i, {"id": "u", "tier": tier})
        for i, (at, late, tier) in enumerate([(T, 0, "gold"), (T + 5, 9, "new")])
    ]
    history = ListHistory(rows, graph)
    instants = [T - 1, T, T + 4, T + 5]
    found = read_group(history, graph, group, {"User": ["u"] * 4}, instants)["tier"].to_pylist()
    assert found == [None, "gold", "gold", "new"]


def test_a_key_that_nothing_happened_to_and_no_key() -> None:
    group = count()
    graph = ir.Graph(sources=(BUY,), groups=(group,))
    history = ListHistory([buy(T - 1)], GRAPH)
    table = read_group(history, graph, group, {"User": ["u", "stranger", None, "u"]}, [T] * 4)
    assert table["n"].to_pylist() == [1.0, 0.0, 0.0, 1.0]
    with pytest.raises(FeatureError, match="no value for the key User"):
        read_group(history, graph, group, {}, [T])


def test_paths_beyond_one_event_are_refused() -> None:
    parcel = ir.Source("Parcel", (ir.Column("id", "id"), ir.Column("buy", "ref", "Buy")))
    scan = ir.Source("Scan", (ir.Column("parcel", "ref", "Parcel"),))
    far = ir.Group("Far", ("User",), (feature("n", aggregate("count", "Scan", (("parcel", "buy", "user"),))),))
    graph = ir.Graph(sources=(BUY, parcel, scan))
    with pytest.raises(DefinitionError, match="more than one step"):
        read_group(ListHistory([], GRAPH), graph, far, {"User": ["u"]}, [T])
