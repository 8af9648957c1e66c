"""Rows of many items in one read: to the bit what one event's reader reads, item by item."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples.movies import project
from feature_world import START, ListHistory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tidewheel as tw
from tidewheel.definitions import attributes_of, compile_declarations, compile_module
from tidewheel.errors import DefinitionError
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.features.planning.view import plan_view
from tidewheel.features.reading.items import ItemReader
from tidewheel.features.reading.online import OnlineReader
from tidewheel.kernel.words.vectors import pack_vector
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.state.lmdb_state import StateStore

GRAPH = compile_module(project)
VIEW = plan_view(GRAPH, next(view for view in GRAPH.views if view.name == "RowView"))
SERVICE = next(service for service in GRAPH.services if service.name == "Recommend")
assert SERVICE.item_view is not None
ITEMS = plan_view(GRAPH, SERVICE.item_view)
HOUR = 3_600_000_000
GENRES = st.sampled_from(["drama", "crime"])
NAMES = st.sampled_from([f"m{i}" for i in range(6)])
USERS = st.sampled_from(["u0", "u1", None])


@st.composite
def happenings(draw: st.DrawFn) -> list[NewEvent]:
    """Return movies of which some change, users, and plays, in order of arrival."""
    vector = st.lists(st.floats(-1, 1, width=32), min_size=8, max_size=8).map(pack_vector)
    movie = st.fixed_dictionaries(
        {"id": NAMES, "title": st.just("x"), "genre": GENRES, "year": st.integers(1900, 2025), "embedding": vector}
    )
    user = st.fixed_dictionaries({"id": st.just("u0"), "taste": vector})
    play = st.fixed_dictionaries(
        {"request": st.just("r"), "movie": NAMES, "user": USERS, "genre": GENRES, "minutes": st.floats(0, 100)}
    )
    kinds = st.one_of(
        *(st.tuples(st.just(name), of) for name, of in (("Movie", movie), ("User", user), ("Play", play)))
    )
    found: list[tuple[str, dict[str, Any]]] = draw(st.lists(kinds, max_size=25))
    steps = draw(st.lists(st.integers(0, 40 * HOUR), min_size=len(found), max_size=len(found)))
    times = (START + np.cumsum([1, *steps])[1:]).tolist()
    return [
        NewEvent(kind, f"e{i}", at, columns, at)
        for i, ((kind, columns), at) in enumerate(zip(found, times, strict=True))
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(happenings(), st.lists(NAMES, min_size=1, max_size=6, unique=True), USERS, st.integers(0, 30))
def test_equal_to_reading_each_item_alone(
    events: list[NewEvent], items: list[str], user: str | None, days: int
) -> None:
    plans = {read.plan.state_id: read.plan for plan in (VIEW, ITEMS) for read in plan.reads}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        log = stack.enter_context(closing(EventLog.open(Path(folder) / "log", sync="second")))
        store = stack.enter_context(closing(StateStore.open(Path(folder) / "state", 2)))
        for event in events:
            log.append([event], now=event.arrived)
        for partition in range(2):
            with closing(Folder(log, ListHistory([]), store, partition, GRAPH, list(plans.values()))) as fold:
                fold.catch_up()
        asked = {"id": "r", "user": user, "movie": None, "words": ""}
        now = START + days * 24 * HOUR
        rows = ItemReader(store, GRAPH, [VIEW, ITEMS]).read(asked, [*items, "unknown"], now)
        alone = OnlineReader(store, [VIEW, ITEMS])
        for place, own in enumerate(map(rows.inputs, range(len(rows.words[0])))):
            row = alone.read(asked | own, rows.instant)
            assert row.instant == rows.instant
            for ours, theirs in zip(rows.words, row.words, strict=True):
                assert ours[place].tobytes() == theirs.tobytes()
            assert set(row.states) == set(rows.states([place]))


def test_the_event_itself_is_not_counted() -> None:
    class Asked(tw.Features, by=project.User):
        asked = tw.distinct(project.Request.movie, "1d", include_request=True)

    class Row(tw.View, on=project.Request, each=project.Shown.movie):
        asked = Asked.asked
        genre = project.Shown.movie.genre

    graph = compile_declarations(Row)
    plan = plan_view(graph, graph.views[0])
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(StateStore.open(Path(folder), 1)) as store,
        pytest.raises(DefinitionError, match="include_request"),
    ):
        ItemReader(store, graph, [plan])


def test_an_attribute_stands_for_a_column_as_what_it_was_declared() -> None:
    class Film(tw.Entity):
        id: tw.Id
        year: int
        short: bool

    class Ask(tw.Event):
        id: tw.Id

    class Seen(tw.Event):
        request: tw.Ref[Ask]
        film: tw.Ref[Film]
        year: int
        short: bool

    class Watch(tw.Event):
        id: tw.Id
        year: int

    class ByYear(tw.Features, by=Watch.year):
        watched = tw.count(Watch)

    class Row(tw.View, on=Ask, each=Seen.film):
        watched = tw.lookup(ByYear, tw.served_as(Seen.year, Seen.film.year))
        short = tw.served_as(Seen.short, Seen.film.short)

    graph = compile_declarations(Row)
    plan = plan_view(graph, graph.views[0])
    groups = {read.plan.state_id: read.plan for read in plan.reads}
    attributes = plan_group(graph, attributes_of(graph, "Film"))
    films = [NewEvent("Film", "f", START, {"id": "f1", "year": 1999, "short": True}, START)]
    watched = [NewEvent("Watch", "w", START, {"id": "w", "year": 1999}, START)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        log = stack.enter_context(closing(EventLog.open(Path(folder) / "log", sync="second")))
        store = stack.enter_context(closing(StateStore.open(Path(folder) / "state", 1)))
        log.append([*films, *watched], now=START)
        with closing(Folder(log, ListHistory([]), store, 0, graph, [*groups.values(), attributes])) as fold:
            fold.catch_up()
        rows = ItemReader(store, graph, [plan]).read({"id": "q"}, ["f1", "unknown"], START + HOUR)
    assert rows.words[0][0].tolist() == [1.0, 1.0]
    told = rows.inputs(0)
    assert (told["Seen.year"], told["Seen.short"]) == (1999, True)
    assert (type(told["Seen.year"]), type(told["Seen.short"])) == (int, bool)
    assert rows.inputs(1) == {"Seen.film": "unknown", "Seen.year": None, "Seen.short": None}
