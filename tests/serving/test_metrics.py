"""Counters and histograms, of one worker and of all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.serving.observing.exposition import prometheus
from tidewheel.serving.observing.metrics import (
    BOUNDS_US,
    MOST_SETS,
    STAGES,
    Histogram,
    Metrics,
    read_snapshots,
    write_snapshot,
)


@given(st.lists(st.integers(0, 10**9), min_size=1), st.floats(0.01, 1.0))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(spent: list[int], q: float) -> None:
    histogram = Histogram()
    for ns in spent:
        histogram.observe(ns)
    true = float(np.quantile(spent, q, method="inverted_cdf")) / 1000
    edges = [0.0, *map(float, BOUNDS_US), float("inf")]
    found = histogram.quantile(q)
    assert edges[edges.index(found) - 1] <= true <= found
    assert histogram.count == len(spent)
    assert histogram.sum == sum(spent)


def test_any_worker_tells_the_numbers_of_all(tmp_path: Path) -> None:
    one, two = Metrics(0), Metrics(1)
    one.count("decisions", "Score", "Fraud@1", "allow")
    two.count("decisions", "Score", "Fraud@1", "allow", by=3)
    two.histogram("Score").observe(35_000)
    two.gauges["events_waiting"] = 2.0
    write_snapshot(tmp_path, one.snapshot())
    write_snapshot(tmp_path, two.snapshot())
    (tmp_path / "metrics-9.json").write_text("torn")
    one.count("decisions", "Score", "Fraud@1", "allow")
    text = prometheus(read_snapshots(tmp_path, one.snapshot())).decode()
    assert 'tidewheel_decisions_total{service="Score",model="Fraud@1",decision="allow",worker="0"} 2' in text
    assert 'tidewheel_decisions_total{service="Score",model="Fraud@1",decision="allow",worker="1"} 3' in text
    assert 'tidewheel_decide_seconds_bucket{service="Score",le="4e-05",worker="1"} 1' in text
    assert 'tidewheel_decide_seconds_bucket{service="Score",le="3e-05",worker="1"} 0' in text
    assert 'tidewheel_events_waiting{worker="1"} 2' in text
    types = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))


def test_labels_are_escaped() -> None:
    metrics = Metrics(0)
    metrics.count("refused", 'a"b\\c\nd', "SchemaError")
    assert 'service="a\\"b\\\\c\\nd"' in prometheus([metrics.snapshot()]).decode()


@given(
    st.lists(
        st.tuples(st.sampled_from(["Fraud@1", "Fraud@2", ""]), st.lists(st.integers(0, 10**8), min_size=6, max_size=6))
    )
)
def test_notes_are_counted_as_one_by_one(decided: list[tuple[str, list[int]]]) -> None:
    metrics, expected = Metrics(0), Histogram()
    stages = {name: Histogram() for name in STAGES}
    for model, spent in decided:
        metrics.decided("Score", model, "allow", sum(spent), spent[:-1])
        expected.observe(sum(spent))
        for name, ns in zip(STAGES, spent, strict=True):
            stages[name].observe(ns)
    snapshot = metrics.snapshot()
    assert metrics.histogram("Score") == expected
    assert snapshot.stages.get("Score", {name: Histogram() for name in STAGES}) == stages
    for model in ("Fraud@1", "Fraud@2"):
        mine = [spent for name, spent in decided if name == model]
        times = snapshot.models.get(model)
        assert (times.count if times else 0) == len(mine) == metrics.total("decisions", "Score", model)
        if times:
            assert times.total == sum(map(sum, mine)) == times.features + times.model + times.rest
            assert (times.features, times.model) == (sum(s[1] for s in mine), sum(s[3] for s in mine))
    assert "" not in snapshot.models


def test_no_caller_makes_labels_without_end() -> None:
    metrics = Metrics(0)
    for number in range(3 * MOST_SETS):
        metrics.count("refused", f"service {number}", "NotFoundError")
    (counted,) = [values for name, values in metrics.snapshot().counters.items() if name == "refused"]
    assert len(counted) == MOST_SETS + 1
    assert sum(count for _, count in counted) == 3 * MOST_SETS
