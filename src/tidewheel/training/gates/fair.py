"""The verdict on groups: whether a measure stays within its bounds, beyond chance.

Every pair of groups has to keep the bound with the stated confidence (an intersection-union test, Berger 1982, so
nothing is corrected); it is broken where one pair breaks it, corrected for their number. Between the two the rows are
too few to say, and the gate does not pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Literal

from tidewheel.definitions import ir
from tidewheel.errors import GateError
from tidewheel.metrics.rates import Share, gap
from tidewheel.registry.runs.runs import Verdict
from tidewheel.training.evaluation.groups import counted, decision_threshold, parts, share
from tidewheel.training.gates.evidence import Evidence
from tidewheel.training.gates.quality import material_of
from tidewheel.training.gates.titles import title

Standing = Literal["holds", "not enough data", "broken"]


def fair(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Compare a measure between the groups of a column."""
    cut = gate.value or decision_threshold(material_of(gate, evidence).thresholds)
    shares, small = _shares(gate, evidence, cut)
    if len(shares) < 2:
        raise GateError(f"fewer than two groups of {gate.by[0]} have {gate.rows} rows", where=title(gate))
    values = [share.value for share in shares.values()]
    gap_, ratio = max(values) - min(values), min(values) / max(values) if max(values) > 0.0 else 1.0
    found = {text: _standing(shares, times, slack, gate.confidence) for text, times, slack in _bounds(gate)}
    ends = {name: share.ends((1.0 + gate.confidence) / 2.0) for name, share in shares.items()}
    each = ", ".join(f"{name} {shares[name].value:.4g} [{low:.4g}, {high:.4g}]" for name, (low, high) in ends.items())
    told = f"{gate.metric} at {cut:g}: {each}; ratio {ratio:.3g}, difference {gap_:.3g}; "
    told += "; ".join(f"{text}: {standing}, with {gate.confidence:.0%} confidence" for text, standing in found.items())
    told += f"; too small to compare: {', '.join(small)}" if small else ""
    seen = {
        "groups": {name: share.value for name, share in shares.items()},
        "intervals": {name: list(both) for name, both in ends.items()},
        "ratio": ratio, "difference": gap_, "threshold": cut, "small": small, "bounds": found,
    }  # fmt: skip
    return Verdict(title(gate), all(standing == "holds" for standing in found.values()), told, seen)


def _shares(gate: ir.Gate, evidence: Evidence, cut: float) -> tuple[dict[str, Share], list[str]]:
    """Return the measure of each group with enough rows, and the names of the others."""
    material = material_of(gate, evidence)
    of, _ = counted(gate.metric, material.y, material.score, cut)
    if of.min() < 0.0 or of.max() > 1.0:
        raise GateError("scores are no probabilities, so their means can't be compared", where=title(gate))
    shares, small = {}, []
    for name, group in parts(material, gate.by[0]):
        found = share(material, gate.metric, group, cut)
        if group.sum() < gate.rows:
            small.append(name)
        elif found is not None:
            shares[name] = found
    return shares, small


def _bounds(gate: ir.Gate) -> list[tuple[str, float, float]]:
    """Return each bound in words, and as `times` and `slack` of ``one + slack >= times * two``."""
    ratio = [] if gate.low is None else [(f"ratio at least {gate.low:g}", gate.low, 0.0)]
    return ratio + ([] if gate.high is None else [(f"difference at most {gate.high:g}", 1.0, gate.high)])


def _standing(shares: Mapping[str, Share], times: float, slack: float, confidence: float) -> Standing:
    pairs = list(permutations(shares.values(), 2))
    if all(gap(one, two, times, confidence)[0] + slack >= 0.0 for one, two in pairs):
        return "holds"
    surely = 1.0 - (1.0 - confidence) / len(pairs)
    return "broken" if any(gap(*pair, times, surely)[1] + slack < 0.0 for pair in pairs) else "not enough data"
