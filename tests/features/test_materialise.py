"""Batch work in slices and buckets gives what replay in memory gives, to the bit, however it is cut or killed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import feature_more
import pyarrow as pa
import pytest
from feature_oracle import Happening
from feature_shop import BUY, GRAPH, VIEW
from feature_world import START, ListHistory, event_table, worlds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidewheel.definitions import ir
from tidewheel.engine import LocalEngine
from tidewheel.features.planning.group import plan_group
from tidewheel.features.replay import batch as batch_module
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.replay.backfilled import reach
from tidewheel.features.replay.batch import Batch, Job
from tidewheel.features.replay.batch_files import JobFiles
from tidewheel.features.replay.materialise import materialise
from tidewheel.storage.lake.delta import Lake

TABLE = "features/BuyView"


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power loss would leave is not what is tested here, and flushing takes most of the time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def expected_rows(events: list[Happening], history: ListHistory, start: int, end: int) -> pa.Table:
    buys = [event for event in events if event.type == "Buy" and start <= event.arrived < end]
    return read_view(history, GRAPH, VIEW, event_table(buys, BUY))


def stored_rows(lake: Lake, names: list[str]) -> pa.Table:
    return lake.scan(TABLE, [*names, "_offset"]).sort_by("_offset").select(names)


def assert_same(found: pa.Table, expected: pa.Table) -> None:
    for name in expected.column_names:
        left, right = found[name].to_pylist(), expected[name].to_pylist()
        assert [repr(value) for value in left] == [repr(value) for value in right], name


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.integers(1, 9), st.integers(1, 4), st.data())
def test_slices_and_buckets_change_no_bit(
    events: list[Happening], rows: int, buckets: int, data: st.DataObject
) -> None:
    last = events[-1].arrived
    start = data.draw(st.sampled_from([0, START, (START + last) // 2]))
    end = data.draw(st.sampled_from([last + 1, last, (START + last) // 2 + 1]))
    history = ListHistory(events)
    expected = expected_rows(events, history, start, end)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_module, "SPAN_ROWS", data.draw(st.integers(1, 20)))
        lake = Lake.open(Path(folder) / "lake")
        batch = Batch(Job(GRAPH, VIEW, start, end, history.head(), buckets, rows), Path(folder) / "job")
        assert materialise(batch, history, lake, TABLE, engine=LocalEngine(1)) == len(expected)
        assert materialise(batch, history, lake, TABLE) == len(expected), "a second time changes nothing"
        if len(expected):
            assert_same(stored_rows(lake, expected.column_names), expected)
        else:
            assert not lake.exists(TABLE)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(20), st.integers(1, 9), st.integers(1, 3))
def test_every_aggregate_is_the_same_in_slices(events: list[Happening], rows: int, buckets: int) -> None:
    history = ListHistory(events)
    buys = [event for event in events if event.type == "Buy"]
    expected = read_view(history, feature_more.GRAPH, feature_more.VIEW, event_table(buys, BUY))
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.open(Path(folder) / "lake")
        job = Job(feature_more.GRAPH, feature_more.VIEW, 0, events[-1].arrived + 1, history.head(), buckets, rows)
        assert materialise(Batch(job, Path(folder) / "job"), history, lake, TABLE, engine=LocalEngine(1)) == len(buys)
        if buys:
            assert_same(stored_rows(lake, expected.column_names), expected)


def test_how_far_back_features_look() -> None:
    hour, five = 3_600_000_000, 300_000_000

    def found(**options: int | bool) -> int | None:
        aggregate = ir.Aggregate("count", "Buy", (("user",),), None, None, text=False, **options)
        return reach([plan_group(GRAPH, ir.Group("Buys", ("User",), (ir.FeatureColumn("buys", aggregate),)))])

    exact = {"window": hour, "hop": five, "cap": 2}
    assert found(window=hour, hop=five, delay=five) == hour + 2 * five
    assert found(**exact) == hour + five
    assert found(**exact, past_cap=True) is None, "it counts what was lost since ever"
    assert found() is None


class Killed(BaseException):
    """Stands for the end of a process: nothing in the code catches it."""


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.lists(st.integers(0, 25), min_size=1, max_size=4))
def test_a_job_that_dies_at_any_write_goes_on(events: list[Happening], deaths: list[int]) -> None:
    history = ListHistory(events)
    expected = expected_rows(events, history, 0, events[-1].arrived + 1)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.open(Path(folder) / "lake")
        job = Job(GRAPH, VIEW, 0, events[-1].arrived + 1, history.head(), 2, 5)
        for steps in deaths:
            with pytest.MonkeyPatch.context() as patch:
                die_after(patch, steps)
                try:
                    materialise(Batch(job, Path(folder) / "job"), history, lake, TABLE, engine=LocalEngine(1))
                except Killed:
                    continue
        made = materialise(Batch(job, Path(folder) / "job"), history, lake, TABLE, engine=LocalEngine(1))
        assert made == len(expected)
        if made:
            assert_same(stored_rows(lake, expected.column_names), expected)


def die_after(patch: pytest.MonkeyPatch, steps: int, *more: tuple[object, str]) -> None:
    """Let the process end at the `steps`-th write of any kind, or at that of `more` of them."""
    left = [steps]

    def dying(write):
        def instead(*args, **named):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return write(*args, **named)

        return instead

    for owner, name in (
        (JobFiles, "write_pieces"),
        (JobFiles, "write_cut"),
        (JobFiles, "write_rows"),
        (JobFiles, "write_answers"),
        (JobFiles, "write_carried"),
        (JobFiles, "finish"),
        (Lake, "append"),
        *more,
    ):
        patch.setattr(owner, name, dying(getattr(owner, name)))
