"""Verdicts on whether a candidate can take the place of what serves now."""

from __future__ import annotations

import numpy as np

from tidewheel.definitions import ir
from tidewheel.errors import GateError
from tidewheel.registry.runs.runs import Verdict
from tidewheel.training.gates.evidence import Evidence, Served
from tidewheel.training.gates.titles import title

MEGABYTE = 1 << 20


def parity(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Ask for no feature that differs between training and serving."""
    if evidence.parity is None:
        raise GateError("nothing here can replay features", where=title(gate))
    result = evidence.parity()
    first = f", first {result.first}" if result.first else ""
    sentence = f"{result.checked} {result.way}, {result.differences} with a feature that differs{first}"
    passed = result.checked > 0 and result.differences == 0
    return Verdict(title(gate), passed, sentence, {"checked": result.checked, "differences": result.differences})


def latency_below(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Bound a whole decision: features from state, rules, model, thresholds, journal."""
    served = _served(gate, evidence)
    share = 0.99 if gate.kind == "p99_below" else gate.confidence
    p50, asked = np.quantile(served.microseconds, [0.5, share]).tolist()
    calls, percentile = served.microseconds.size, f"p{100 * share:g}"
    sentence = (
        f"a decision takes {p50:.0f} µs (p50) and {asked:.0f} µs ({percentile}) over {calls} calls, "
        f"{served.answered} of them answered by the model"
    )
    seen = {"p50_us": p50, f"{percentile}_us": asked, "decisions": calls, "answered": served.answered}
    return Verdict(title(gate), bool(asked < gate.value) and served.answered > 0, sentence, seen)


def memory_below(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Bound the memory of a process that serves this version alone."""
    served = _served(gate, evidence)
    sentence = (
        f"a serving process held at most {served.memory / MEGABYTE:.0f} MB, "
        f"{max(0, served.memory - served.before) / MEGABYTE:.0f} of them for this version and its decisions"
    )
    seen = {"memory_mb": served.memory / MEGABYTE, "before_mb": served.before / MEGABYTE}
    return Verdict(title(gate), served.memory < gate.value, sentence, seen)


def schema_compatible(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Ask that neither callers nor readers of the champion need change."""
    if not evidence.champion:
        return Verdict(title(gate), True, "there is no champion: nobody depends on a schema")
    if evidence.schema is None:
        raise GateError("the champion's schema is not at hand", where=title(gate))
    breaks = evidence.schema()
    told = "; ".join(breaks) if breaks else f"callers and readers of {evidence.champion} need not change"
    return Verdict(title(gate), not breaks, told, {"breaks": breaks})


def _served(gate: ir.Gate, evidence: Evidence) -> Served:
    if evidence.serve is None:
        raise GateError("this version can't be served, so nothing can be measured", where=title(gate))
    return evidence.serve()
