"""Gates are pure: evidence in, verdict with its numbers out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tidewheel import metrics
from tidewheel.definitions import ir
from tidewheel.errors import GateError
from tidewheel.training.gates.evidence import Served
from tidewheel.training.gates.judge import Evidence, judge, title

RNG = np.random.default_rng(3)
Y = (RNG.random(2000) < 0.3).astype(float)
GOOD = np.clip(0.3 + 0.3 * (Y - 0.3) + RNG.normal(0, 0.1, 2000), 0, 1)
POOR = np.clip(0.3 + 0.05 * (Y - 0.3) + RNG.normal(0, 0.1, 2000), 0, 1)
ONE = np.ones(2000)


def seen(**more: object) -> Evidence:
    return Evidence(Y, ONE, GOOD, {"brier": metrics.interval("brier", Y, GOOD)}, **more)  # type: ignore[arg-type]  # test


def test_bounds_on_known_and_unknown_metrics() -> None:
    assert judge(ir.Gate("at_most", "brier", 0.25), seen()).passed
    verdict = judge(ir.Gate("at_least", "roc_auc", 0.999), seen())
    assert not verdict.passed
    assert "roc_auc is 0.9" in verdict.detail
    assert "at least 0.999 is asked" in verdict.detail
    assert "[" in judge(ir.Gate("at_most", "brier", 0.25), seen()).detail


def test_without_a_champion_the_gate_passes_and_says_why() -> None:
    verdict = judge(ir.Gate("beats_champion", "average_precision"), seen())
    assert verdict.passed
    assert "no champion" in verdict.detail


def test_a_champion_must_be_beaten_beyond_chance() -> None:
    gate = ir.Gate("beats_champion", "average_precision", confidence=0.95)
    assert judge(gate, seen(champion="F@1", champion_score=POOR)).passed
    assert not judge(gate, seen(champion="F@1", champion_score=GOOD)).passed
    even = np.clip(GOOD + RNG.normal(0, 0.001, 2000), 0, 1)
    assert not judge(gate, seen(champion="F@1", champion_score=even)).passed
    with pytest.raises(GateError, match="F@1 did not score"):
        judge(gate, seen(champion="F@1"))


def test_parity_needs_rows_and_no_difference() -> None:
    for checked, differences, passed in ((100, 0, True), (100, 1, False), (0, 0, False)):
        result = SimpleNamespace(checked=checked, differences=differences, way="decisions replayed", first="")
        assert judge(ir.Gate("parity"), seen(parity=lambda result=result: result)).passed is passed
    with pytest.raises(GateError):
        judge(ir.Gate("parity"), seen())


def test_latency_is_that_of_whole_decisions() -> None:
    took = np.append(np.full(1990, 40.0), np.full(10, 9_000.0))  # one of 200 is slow: the 99th percentile is not
    served = Served(took, answered=1990, memory=0, before=0)
    verdict = judge(ir.Gate("p99_below", value=100), seen(serve=lambda: served))
    assert verdict.passed
    assert "40 µs (p99) over 2000 calls, 1990 of them answered by the model" in verdict.detail
    assert not judge(ir.Gate("p99_below", value=40), seen(serve=lambda: served)).passed
    unanswered = Served(took, answered=0, memory=0, before=0)
    assert not judge(ir.Gate("p99_below", value=100), seen(serve=lambda: unanswered)).passed
    with pytest.raises(GateError, match="can't be served"):
        judge(ir.Gate("p99_below", value=100), seen())


def test_titles_are_written_as_declared() -> None:
    assert title(ir.Gate("p99_below", value=5000)) == "p99_below(5ms)"
    assert title(ir.Gate("parity")) == "parity()"
    assert title(ir.Gate("at_least", "precision_at(recall=0.95)", 0.2)) == "at_least(precision_at(recall=0.95), 0.2)"
