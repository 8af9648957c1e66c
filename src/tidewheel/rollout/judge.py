"""Champion or challenger: a verdict from decisions whose outcome is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import MetricError
from tidewheel.metrics import difference, metric
from tidewheel.outcomes import Joined

Floats = npt.NDArray[np.float64]
Score = Callable[[str, Floats], Floats]
"""``score(version, words)``: a version's scores of view rows."""

FEWEST_ROWS = 200
"""Matured decisions below which a canary is not judged."""
PATIENCE = 3
"""Watching periods after which a canary without enough outcomes is given up."""
MOST_FALLBACKS = 0.01
"""How much larger the challenger's share of fallbacks may be."""


@dataclass(frozen=True)
class Judgement:
    """What to do with a canary, why, and the figures behind it."""

    verdict: Literal["promote", "rollback", "wait"]
    reason: str
    evidence: dict[str, float] = field(default_factory=dict)


def judge_canary(
    policy: ir.Retrain,
    measure: str,
    rows: Joined,
    champion: str,
    challenger: str,
    views: dict[str, str],
    score: Score,
    watched: int,
) -> Judgement:
    """Judge a challenger against the champion on what came of the decisions since its canary began.

    Both versions score the same rows (each decision kept its view's row), so that the luck of who
    answered which unit cancels out. Versions on different views are not compared so: then each is
    measured on its own traffic.

    Parameters
    ----------
    policy : ir.Retrain
        Says how long to watch and how much worse is not worse.
    measure : str
        The metric that decides.
    rows : Joined
        The service's decisions since the canary began.
    views : dict of str to str
        Digest of each version's view.
    watched : int
        Microseconds since the canary began.
    """
    if watched < policy.watch:
        return Judgement("wait", "the canary has not run for its time")
    failing = _fallbacks(rows, challenger) - _fallbacks(rows, champion)
    if failing > MOST_FALLBACKS:
        return Judgement("rollback", f"{challenger} falls back {failing:.1%} more often", {"fallbacks": failing})
    judged = rows.take(rows.matured & _answered(rows))
    enough = judged.label.size >= FEWEST_ROWS and 0.0 < float(np.mean(judged.label > 0)) < 1.0
    if not enough:
        if watched < PATIENCE * policy.watch:
            return Judgement("wait", f"{judged.label.size} outcomes are known, {FEWEST_ROWS} are needed")
        return Judgement("rollback", f"only {judged.label.size} outcomes came in {PATIENCE} watching periods")
    try:
        gain, how, evidence = _gain(measure, judged, champion, challenger, views, score)
    except MetricError as error:
        return Judgement("rollback", f"{measure} can't be computed: {error}")
    said = f"{measure} {how}: {challenger} is {abs(gain):.4f} {'better' if gain >= 0 else 'worse'} than {champion}"
    allowed = f"; {policy.margin:g} worse would do" if policy.margin else ""
    return Judgement("promote" if gain >= -policy.margin else "rollback", said + allowed, evidence)


def _gain(
    measure: str, rows: Joined, champion: str, challenger: str, views: dict[str, str], score: Score
) -> tuple[float, str, dict[str, float]]:
    """Return by how much the challenger is better, how that was measured, and the figures."""
    if views[champion] != views[challenger]:
        return _own_traffic(measure, rows, champion, challenger)
    same = rows.take(np.array(rows.decisions["view"].to_pylist(), dtype=object) == views[champion])
    payloads = same.decisions["features"].to_pylist()
    words = np.frombuffer(b"".join(payloads), dtype="<f8").reshape(len(payloads), -1)
    theirs, ours = score(champion, words), score(challenger, words)
    found = difference(measure, same.label, ours, theirs, same.weight, resamples=400)
    evidence = {
        "rows": float(same.label.size),
        "champion": metric(measure)(same.label, theirs, same.weight),
        "challenger": metric(measure)(same.label, ours, same.weight),
        "gain": found.value,
        "gain_low": found.low,
        "gain_high": found.high,
    }
    return found.value, f"on the same {same.label.size} decisions", evidence


def _own_traffic(measure: str, rows: Joined, champion: str, challenger: str) -> tuple[float, str, dict[str, float]]:
    model = np.array(rows.decisions["model"].to_pylist(), dtype=object)
    scores = rows.decisions["score"].to_numpy(zero_copy_only=False).astype(np.float64)
    values = {v: metric(measure)(rows.label[model == v], scores[model == v]) for v in (champion, challenger)}
    sign = 1.0 if metric(measure).greater_is_better else -1.0
    gain = sign * (values[challenger] - values[champion])
    return gain, "each on its own traffic", {"champion": values[champion], "challenger": values[challenger]}


def _answered(rows: Joined) -> npt.NDArray[np.bool_]:
    """Tell which decisions a model scored from a whole view row."""
    table = rows.decisions.select(["fallback", "score", "features"]).to_pylist()
    return np.array([not r["fallback"] and r["score"] is not None and bool(r["features"]) for r in table], dtype=bool)


def _fallbacks(rows: Joined, version: str) -> float:
    """Return the share of a version's decisions that fell back because of it."""
    table = rows.decisions.select(["model", "arm", "fallback"]).to_pylist()
    of_version = [bool(row["fallback"]) for row in table if row["model"] == version]
    return float(np.mean(of_version)) if of_version else 0.0
