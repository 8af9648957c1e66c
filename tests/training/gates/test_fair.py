"""Bounds between groups hold beyond chance, are broken beyond chance, or can't be told yet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tidewheel.definitions import ir
from tidewheel.errors import GateError
from tidewheel.metrics import metric
from tidewheel.metrics.agreement import rank_correlation
from tidewheel.registry.runs.runs import Verdict
from tidewheel.training.evaluation.churn import churn
from tidewheel.training.evaluation.groups import fairness
from tidewheel.training.evaluation.material import Material, Rival
from tidewheel.training.gates.judge import Evidence, judge

RNG = np.random.default_rng(4)
FOUR_FIFTHS = ir.Gate("fair", "selected", 0.5, by=("band",), low=0.8, rows=10)


def verdict(gate: ir.Gate, rates: dict[str, float], rows: int, blocks: int = 0, scale: float = 1.0) -> Verdict:
    """Judge groups of so many rows, of each of which a share is selected; rows of a block are all alike."""
    band = np.repeat(list(rates), rows)
    taken = np.concatenate([np.arange(rows) < round(rate * rows) for rate in rates.values()])
    score = scale * np.where(taken, 0.9, 0.1)
    block = np.arange(band.size) // blocks if blocks else None
    y, one = (RNG.random(band.size) < 0.5).astype(float), np.ones(band.size)
    found = Material(
        "M", [metric("brier")], True, y, one, score, pa.table({"band": band}), ("band",), one * 0.5, {}, block
    )
    return judge(gate, Evidence(y, one, score, {}, material=found))


@pytest.mark.parametrize(
    ("rates", "rows", "standing"),
    [
        ({"a": 0.50, "b": 0.45}, 10_000, "holds"),
        ({"a": 0.50, "b": 0.45}, 100, "not enough data"),
        ({"a": 0.50, "b": 0.30}, 10_000, "broken"),
        ({"a": 0.50, "b": 0.49, "c": 0.30}, 10_000, "broken"),
        ({"a": 0.0, "b": 0.0}, 100, "not enough data"),
        ({"a": 1.0, "b": 1.0}, 1_000, "holds"),
    ],
)
def test_a_ratio_is_kept_beyond_chance(rates: dict[str, float], rows: int, standing: str) -> None:
    found = verdict(FOUR_FIFTHS, rates, rows)
    assert found.evidence["bounds"] == {"ratio at least 0.8": standing}
    assert found.passed is (standing == "holds")
    assert f"{standing}, with 95% confidence" in found.detail
    for name, (low, high) in found.evidence["intervals"].items():
        assert low <= rates[name] <= high


def test_rows_that_are_alike_tell_less() -> None:
    assert verdict(FOUR_FIFTHS, {"a": 0.50, "b": 0.45}, 10_000).passed
    found = verdict(FOUR_FIFTHS, {"a": 0.50, "b": 0.45}, 10_000, blocks=500)
    assert not found.passed
    assert "not enough data" in found.detail


def test_a_difference_is_bounded_also_where_nobody_is_selected() -> None:
    gate = ir.Gate("fair", "selected", 0.5, by=("band",), high=0.05, rows=10)
    assert verdict(gate, {"a": 0.0, "b": 0.0}, 1_000).passed
    assert "not enough data" in verdict(gate, {"a": 0.0, "b": 0.0}, 20).detail
    both = ir.Gate("fair", "selected", 0.5, by=("band",), low=0.8, high=0.05, rows=10)
    assert verdict(both, {"a": 0.5, "b": 0.48}, 10_000).passed


def test_too_few_rows_and_scores_that_are_no_probabilities_are_said() -> None:
    with pytest.raises(GateError, match="fewer than two groups of band have 10 rows"):
        verdict(FOUR_FIFTHS, {"a": 0.5}, 100)
    with pytest.raises(GateError, match="no probabilities"):
        verdict(ir.Gate("fair", "mean_score", 0.5, by=("band",), low=0.8), {"a": 0.5, "b": 0.5}, 100, scale=9.0)


def weighed(weight: list[float]) -> Material:
    """Return two groups of 1,000 rows, half of each selected: of the second, those that weigh `weight[1]`."""
    band, taken = np.repeat(["a", "b"], 1000), np.tile(np.repeat([0.9, 0.1], 500), 2)
    mass = np.repeat([1.0, 1.0, weight[1], weight[0]], 500)
    y = np.tile([0.0, 1.0], 1000)
    return Material(
        "M", [metric("brier")], True, y, mass, taken, pa.table({"band": band}), ("band",), y * 0.5, {},
        champion=Rival("M@1", taken), thresholds={"allow": 0.0, "block": 0.5},
    )  # fmt: skip


def test_rows_count_by_their_weight() -> None:
    found = weighed([10.0, 1.0])
    broken = judge(FOUR_FIFTHS, Evidence(found.y, found.weight, found.score, {}, material=found))
    assert not broken.passed
    assert broken.evidence["groups"] == pytest.approx({"a": 0.5, "b": 1 / 11})
    told = fairness(found, "band")
    assert [group.selected for group in told.groups] == pytest.approx([0.5, 1 / 11])
    assert [group.rows for group in told.groups] == [1000, 1000]
    assert told.ratio["selected"] == pytest.approx(2 / 11)
    assert told.groups[1].selected_low < 1 / 11 < told.groups[1].selected_high
    even = weighed([1.0, 1.0])
    assert judge(FOUR_FIFTHS, Evidence(even.y, even.weight, even.score, {}, material=even)).passed


def test_churn_counts_rows_by_their_weight() -> None:
    part = weighed([10.0, 1.0])
    other = part.score.copy()
    other[1000:1500] = 0.1
    found = churn(replace(part, champion=Rival("M@1", other)))
    assert found is not None
    assert (found.changed, found.moves) == (pytest.approx(500 / 6500), {"allow -> block": 500})
    assert found.mean_change == pytest.approx(0.8 * 500 / 6500)
    assert found.rank_correlation is not None
    assert found.rank_correlation > rank_correlation(other, part.score)
