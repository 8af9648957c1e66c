"""Verdicts on a candidate: pure functions of evidence, each saying what it saw."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import GateError
from tidewheel.metrics import Interval, difference, metric
from tidewheel.registry.runs import Verdict

Floats = npt.NDArray[np.float64]
WARM_CALLS = 100
TIMED_CALLS = 2_000


class ParityResult(Protocol):
    """What a parity check reports (see `tidewheel.training.parity`)."""

    @property
    def way(self) -> str:
        """How rows were compared: "decisions replayed"."""
        ...

    @property
    def first(self) -> str:
        """The first feature that differs; "" for none."""
        ...

    @property
    def checked(self) -> int:
        """Rows replayed."""
        ...

    @property
    def differences(self) -> int:
        """Rows in which a feature's bits differ."""
        ...


@dataclass(frozen=True)
class Evidence:
    """All that gates may look at.

    Attributes
    ----------
    y, weight, score : float64 arrays
        Test rows and the candidate's scores.
    intervals : mapping of str to Interval
        Metrics already computed on them.
    champion : str
        ``Fraud@2``, or "" when nothing is deployed.
    champion_score : float64 array, optional
        The champion's scores of the same rows.
    parity : callable, optional
        Replays served or streamed features and counts differences.
    predict_one : callable, optional
        Scores row `i` of the test rows as serving does.
    seed : int
    """

    y: Floats
    weight: Floats
    score: Floats
    intervals: Mapping[str, Interval]
    champion: str = ""
    champion_score: Floats | None = None
    parity: Callable[[], ParityResult] | None = None
    predict_one: Callable[[int], object] | None = None
    seed: int = 0
    resamples: int = field(default=1000)


def judge(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Return the verdict of one gate.

    Raises
    ------
    GateError
        When the evidence it needs is not there.

    Examples
    --------
    >>> y = np.array([0.0, 1.0] * 20)
    >>> seen = Evidence(y, np.ones(40), y * 0.8 + 0.1, {})
    >>> judge(ir.Gate("at_most", "brier", 0.2), seen).passed
    True
    """
    return _JUDGES[gate.kind](gate, evidence)


def title(gate: ir.Gate) -> str:
    """Return a gate as people write it.

    Examples
    --------
    >>> title(ir.Gate("beats_champion", "brier"))
    'beats_champion(brier, confidence=0.95)'
    """
    if gate.kind == "beats_champion":
        return f"beats_champion({gate.metric}, confidence={gate.confidence:g})"
    if gate.kind == "p99_below":
        return f"p99_below({gate.value / 1000:g}ms)"
    return "parity()" if gate.kind == "parity" else f"{gate.kind}({gate.metric}, {gate.value:g})"


def _bound(gate: ir.Gate, evidence: Evidence) -> Verdict:
    measure = metric(gate.metric)
    known = evidence.intervals.get(measure.name)
    value = measure(evidence.y, evidence.score, evidence.weight) if known is None else known.value
    passed = value >= gate.value if gate.kind == "at_least" else value <= gate.value
    ends = f" [{known.low:.4g}, {known.high:.4g}]" if known else ""
    asked = "at least" if gate.kind == "at_least" else "at most"
    sentence = f"{measure.name} is {value:.4g}{ends} on {evidence.y.size} test rows; {asked} {gate.value:g} is asked"
    return Verdict(title(gate), bool(passed), sentence, {"value": value})


def _beats_champion(gate: ir.Gate, evidence: Evidence) -> Verdict:
    if not evidence.champion:
        return Verdict(title(gate), True, "there is no champion to beat: no version of this model is deployed")
    if evidence.champion_score is None:
        raise GateError(f"{evidence.champion} did not score the test rows", where=title(gate))
    gain = difference(
        gate.metric, evidence.y, evidence.score, evidence.champion_score, evidence.weight,
        resamples=evidence.resamples, seed=evidence.seed,
    )  # fmt: skip
    sentence = (
        f"{gate.metric} is {gain.value:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}] against {evidence.champion} "
        f"on the same {evidence.y.size} test rows (positive is better); "
        f"better in {gain.better:.1%} of {gain.resamples} resamples"
    )
    seen = {"champion": evidence.champion, "difference": gain.value, "low": gain.low, "high": gain.high}
    return Verdict(title(gate), gain.better >= gate.confidence, sentence, seen | {"better": gain.better})


def _parity(gate: ir.Gate, evidence: Evidence) -> Verdict:
    if evidence.parity is None:
        raise GateError("nothing here can replay features", where=title(gate))
    result = evidence.parity()
    first = f", first {result.first}" if result.first else ""
    sentence = f"{result.checked} {result.way}, {result.differences} with a feature that differs{first}"
    passed = result.checked > 0 and result.differences == 0
    return Verdict(title(gate), passed, sentence, {"checked": result.checked, "differences": result.differences})


def _p99_below(gate: ir.Gate, evidence: Evidence) -> Verdict:
    if evidence.predict_one is None:
        raise GateError("this version has no predictor to time", where=title(gate))
    n = evidence.y.size
    nanoseconds = np.empty(TIMED_CALLS)
    for call in range(WARM_CALLS + TIMED_CALLS):
        started = time.perf_counter_ns()
        evidence.predict_one(call % n)
        nanoseconds[max(0, call - WARM_CALLS)] = time.perf_counter_ns() - started
    p50, p99 = np.quantile(nanoseconds, [0.5, 0.99]) / 1000.0
    sentence = f"one row's score takes {p50:.0f} µs (p50) and {p99:.0f} µs (p99) over {TIMED_CALLS} calls"
    return Verdict(title(gate), bool(p99 < gate.value), sentence, {"p50_us": float(p50), "p99_us": float(p99)})


_JUDGES: dict[str, Callable[[ir.Gate, Evidence], Verdict]] = {
    "at_least": _bound,
    "at_most": _bound,
    "beats_champion": _beats_champion,
    "parity": _parity,
    "p99_below": _p99_below,
}
