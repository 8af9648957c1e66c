"""Verdicts on a candidate: pure functions of evidence, each saying what it saw."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tidewheel.definitions import ir
from tidewheel.errors import GateError
from tidewheel.metrics import difference, metric
from tidewheel.registry.runs.runs import Verdict
from tidewheel.training.gates import quality, serving
from tidewheel.training.gates.evidence import Evidence
from tidewheel.training.gates.fair import fair
from tidewheel.training.gates.titles import SERVABLE, title

__all__ = ["Evidence", "judge", "judged_or_failed", "title"]


def judge(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Return the verdict of one gate.

    Raises
    ------
    GateError
        When the evidence it needs is not there.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([0.0, 1.0] * 20)
    >>> seen = Evidence(y, np.ones(40), y * 0.8 + 0.1, {})
    >>> judge(ir.Gate("at_most", "brier", 0.2), seen).passed
    True
    """
    return _blessed(gate, _JUDGES[gate.kind](gate, evidence))


def judged_or_failed(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Return the verdict of one gate; one that can't be judged does not pass, and says why."""
    try:
        return judge(gate, evidence)
    except GateError as error:
        return _blessed(gate, Verdict(title(gate), False, f"could not be judged: {error.message}"))


def _blessed(gate: ir.Gate, verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(
        verdict,
        blessing="servable" if gate.kind in SERVABLE else "good",
        approvers=list(gate.approvers),
        expires=gate.expires,
    )


def _bound(gate: ir.Gate, evidence: Evidence) -> Verdict:
    measure = metric(gate.metric)
    known = evidence.intervals.get(measure.name)
    value = measure(evidence.y, evidence.score, evidence.weight, evidence.group) if known is None else known.value
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
        resamples=evidence.resamples, seed=evidence.seed, blocks=evidence.blocks, group=evidence.group,
    )  # fmt: skip
    sentence = (
        f"{gate.metric} is {gain.value:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}] against {evidence.champion} "
        f"on the same {evidence.y.size} test rows (positive is better); "
        f"better in {gain.better:.1%} of {gain.resamples} resamples"
    )
    seen = {"champion": evidence.champion, "difference": gain.value, "low": gain.low, "high": gain.high}
    return Verdict(title(gate), gain.better >= gate.confidence, sentence, seen | {"better": gain.better})


_JUDGES: dict[str, Callable[[ir.Gate, Evidence], Verdict]] = {
    "at_least": _bound,
    "at_most": _bound,
    "beats_champion": _beats_champion,
    "no_slice_worse": quality.no_slice_worse,
    "calibrated": quality.calibrated,
    "fair": fair,
    "churn_below": quality.churn_below,
    "fresh_data": quality.fresh_data,
    "ask": quality.ask,
    "parity": serving.parity,
    "p99_below": serving.latency_below,
    "latency_below": serving.latency_below,
    "memory_below": serving.memory_below,
    "schema_compatible": serving.schema_compatible,
}
