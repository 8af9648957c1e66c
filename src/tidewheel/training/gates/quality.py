"""Verdicts on how good a candidate is beyond one number: on whom, how well calibrated, how different, how fresh."""

from __future__ import annotations

from typing import Any

import numpy as np

from tidewheel.definitions import ir
from tidewheel.errors import GateError, MetricError
from tidewheel.metrics import Difference, difference, metric
from tidewheel.metrics.multiplicity import benjamini_hochberg
from tidewheel.registry.runs.runs import Verdict
from tidewheel.training.evaluation.churn import churn
from tidewheel.training.evaluation.material import Material
from tidewheel.training.evaluation.slices import losses, singles
from tidewheel.training.gates.evidence import Evidence
from tidewheel.training.gates.titles import title

DAY = 86_400_000_000


def no_slice_worse(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Compare with the champion on each slice by a paired bootstrap, corrected for their number."""
    if not evidence.champion:
        return Verdict(title(gate), True, "there is no champion: no version of this model is deployed")
    found, skipped = _changes(gate, evidence)
    if not found:
        return Verdict(title(gate), True, f"no slice has {gate.rows} rows and both classes", {"skipped": skipped})
    rates = benjamini_hochberg([p for _, _, _, p in found]).tolist()
    worse = [entry[0] for entry, rate in zip(found, rates, strict=True) if rate <= 1.0 - gate.confidence]
    name, rows, gain, _ = min(found, key=lambda entry: entry[2].value)
    told = f"{len(worse)} of {len(found)} slices are worse than {evidence.champion} by more than {gate.value:g}"
    told += f"{': ' + ', '.join(worse) if worse else ''}; the lowest is {name} ({rows} rows), {_gain(gain)}"
    seen = {name: [gain.value, gain.low, gain.high, rows] for name, rows, gain, _ in found}
    return Verdict(title(gate), not worse, told, {"slices": seen, "worse": worse, "skipped": skipped})


def _changes(gate: ir.Gate, evidence: Evidence) -> tuple[list[tuple[str, int, Difference, float]], list[str]]:
    material = material_of(gate, evidence)
    champion = evidence.champion_score
    if champion is None:
        raise GateError(f"{evidence.champion} did not score the test rows", where=title(gate))
    found, skipped = [], []
    for candidate in singles(material, gate.by, losses(material), gate.rows):
        name, rows = ", ".join(f"{column}={value}" for column, value in candidate.where.items()), candidate.rows
        try:
            gain = difference(
                gate.metric, evidence.y[rows], evidence.score[rows], champion[rows], evidence.weight[rows],
                resamples=evidence.resamples, seed=evidence.seed, margin=gate.value, **material.drawn(rows),
            )  # fmt: skip
        except MetricError:
            skipped.append(name)
            continue
        found.append((name, int(rows.sum()), gain, (1.0 + gain.within * gain.resamples) / (1.0 + gain.resamples)))
    return found, skipped


def calibrated(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Bound the expected calibration error."""
    try:
        error = metric(gate.metric)(evidence.y, evidence.score, evidence.weight)
    except MetricError as problem:
        raise GateError(problem.message, where=title(gate)) from problem
    mean, rate = (float(np.average(values, weights=evidence.weight)) for values in (evidence.score, evidence.y))
    told = (
        f"scores are off by {error:.4g} on average (mean {mean:.4g}, rate {rate:.4g}); at most {gate.value:g} is asked"
    )
    return Verdict(title(gate), error <= gate.value, told, {"error": error, "mean_score": mean, "rate": rate})


def churn_below(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Bound how many decisions change."""
    found = churn(material_of(gate, evidence))
    if found is None:
        return Verdict(title(gate), True, "there is no champion: no decision changes")
    value = found.mean_change if found.changed is None else found.changed
    what = "scores move by" if found.changed is None else f"of {found.rows} decisions, the share that changes is"
    moves = ", ".join(f"{count} {way}" for way, count in found.moves.items())
    told = f"{what} {value:.4g} against {found.version}; at most {gate.value:g} is asked{'; ' + moves if moves else ''}"
    seen = {"changed": found.changed, "mean_change": found.mean_change, "rank_correlation": found.rank_correlation}
    return Verdict(title(gate), value <= gate.value, told, seen)


def fresh_data(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Bound the age of the newest labelled row, beyond the label's horizon."""
    if evidence.age is None:
        raise GateError("the age of the data is not known", where=title(gate))
    late = max(0, evidence.age - evidence.horizon)
    told = (
        f"the newest labelled row is {evidence.age / DAY:.2f} days old, "
        f"{late / DAY:.2f} more than the label's horizon; at most {gate.value / DAY:.4g} is asked"
    )
    return Verdict(title(gate), late <= gate.value, told, {"age_days": evidence.age / DAY, "late_days": late / DAY})


def ask(gate: ir.Gate, evidence: Evidence) -> Verdict:
    """Leave it to a person, with what was measured."""
    seen: dict[str, Any] = {name: [found.value, found.low, found.high] for name, found in evidence.intervals.items()}
    numbers = ", ".join(f"{name} {found.value:.4g}" for name, found in evidence.intervals.items())
    against = f", against {evidence.champion}" if evidence.champion else ", the first to be deployed"
    return Verdict(title(gate), False, f"{numbers} on {evidence.y.size} test rows{against}", seen)


def material_of(gate: ir.Gate, evidence: Evidence) -> Material:
    """Return the test rows with their columns; an error where a gate can't have them."""
    if evidence.material is None:
        raise GateError("the columns of the test rows are not at hand", where=title(gate))
    return evidence.material


def _gain(gain: Difference) -> str:
    return f"{gain.value:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}] (positive is better)"
