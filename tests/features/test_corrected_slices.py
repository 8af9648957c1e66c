"""Corrections that land in another slice: batch work gives what replay in memory gives, however it is cut or killed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from feature_oracle import Happening
from feature_shop import BUY, DAY, GROUPS, RETURN, SHOP, USER, VIEW
from feature_world import ListHistory, event_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_corrected_references import REVISION, corrected_worlds
from test_corrections import revised
from test_materialise import TABLE, Killed, assert_same, die_after, stored_rows

from tidewheel.collect.importing.revisions import first_revisions
from tidewheel.definitions import ir
from tidewheel.engine import LocalEngine
from tidewheel.features.replay import batch as batch_module
from tidewheel.features.replay import batch_files
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.replay.batch import Batch, Job
from tidewheel.features.replay.materialise import materialise
from tidewheel.storage.lake.delta import Lake


def graph_of(*corrected: str) -> ir.Graph:
    """The shop with all its groups, and events of some types corrected."""

    def source(plain: ir.Source) -> ir.Source:
        return replace(plain, columns=(*plain.columns, REVISION), revisable=DAY) if plain.name in corrected else plain

    return ir.Graph(sources=(source(BUY), source(RETURN), SHOP, USER), groups=tuple(map(revised, GROUPS)))


GRAPHS = [graph_of("Buy", "Return"), graph_of("Buy"), graph_of("Return")]


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power loss would leave is not what is tested here, and flushing takes most of the time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@st.composite
def graphs_and_worlds(draw: st.DrawFn) -> tuple[ir.Graph, list[Happening]]:
    graph = GRAPHS[draw(st.integers(0, len(GRAPHS) - 1))]
    return graph, draw(corrected_worlds(graph, 30))


def expected_rows(graph: ir.Graph, events: list[Happening], start: int, end: int):
    """Return the view's rows as replay in memory makes them: of each buy as it first became known."""
    buys = event_table([event for event in events if event.type == "Buy"], graph.sources[0])
    if graph.sources[0].revisable:
        buys = first_revisions(buys)
    arrived = buys["_arrived"].to_numpy()
    return read_view(ListHistory(events, graph), graph, VIEW, buys.filter((arrived >= start) & (arrived < end)))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs_and_worlds(), st.integers(1, 9), st.integers(1, 3), st.data())
def test_slices_and_buckets_change_no_bit(
    world: tuple[ir.Graph, list[Happening]], rows: int, buckets: int, data: st.DataObject
) -> None:
    graph, events = world
    history, last = ListHistory(events, graph), events[-1].arrived
    start = data.draw(st.sampled_from([0, (events[0].arrived + last) // 2]))
    end = data.draw(st.sampled_from([last + 1, last]))
    expected = expected_rows(graph, events, start, end)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_module, "SPAN_ROWS", data.draw(st.integers(1, 12)))
        lake = Lake.open(Path(folder) / "lake")
        batch = Batch(Job(graph, VIEW, start, end, history.head(), buckets, rows), Path(folder) / "job")
        assert materialise(batch, history, lake, TABLE, engine=LocalEngine(1)) == len(expected)
        if len(expected):
            assert_same(stored_rows(lake, expected.column_names), expected)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(corrected_worlds(GRAPHS[0], 30), st.lists(st.integers(0, 40), min_size=1, max_size=4))
def test_a_job_that_dies_at_any_write_goes_on(events: list[Happening], deaths: list[int]) -> None:
    history = ListHistory(events, GRAPHS[0])
    job = Job(GRAPHS[0], VIEW, 0, events[-1].arrived + 1, history.head(), 2, 4)
    expected = expected_rows(GRAPHS[0], events, 0, job.end)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as small:
        small.setattr(batch_module, "SPAN_ROWS", 3)
        lake = Lake.open(Path(folder) / "lake")
        for steps in deaths:
            with pytest.MonkeyPatch.context() as patch:
                die_after(patch, steps, (batch_files, "write_batches"))
                try:
                    materialise(Batch(job, Path(folder) / "job"), history, lake, TABLE, engine=LocalEngine(1))
                except Killed:
                    continue
        made = materialise(Batch(job, Path(folder) / "job"), history, lake, TABLE, engine=LocalEngine(1))
        assert made == len(expected)
        if made:
            assert_same(stored_rows(lake, expected.column_names), expected)
