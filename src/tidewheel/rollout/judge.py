"""Champion or challenger: a verdict from decisions whose outcome is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.errors import MetricError
from tidewheel.metrics import Difference, difference, interval, metric
from tidewheel.outcomes import Joined, Lists, evenly, fell_back, model_scores, view_rows
from tidewheel.outcomes.answered import flags, is_text

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Score = Callable[[str, Floats], Floats]
"""``score(version, words)``: a version's scores of rows of its view."""
ScoreLineup = Callable[[str, pa.Table], Floats]
"""``score(lineup, decisions)``: a line-up's scores of what decisions were made on."""

FEWEST_ROWS = 200
"""Matured decisions below which a canary is not judged."""
PATIENCE = 3
"""Watching periods after which a canary without enough outcomes is given up."""
RESAMPLES = 400


@dataclass(frozen=True)
class Judgement:
    """What to do with a canary, why, and the figures behind it."""

    verdict: Literal["promote", "rollback", "wait"]
    reason: str
    evidence: dict[str, float] = field(default_factory=dict)


class Contender(NamedTuple):
    """What the judge needs to know of a version: its name, its view's digest and how many columns that has."""

    name: str
    view: str
    columns: int


class Gain(NamedTuple):
    """By how much the challenger is better, on what, and the figures."""

    value: float
    measured: str
    evidence: dict[str, float]


def judge_canary(
    policy: ir.Retrain,
    measure: str,
    rows: Joined,
    champion: Contender,
    challenger: Contender,
    score: Score,
    watched: int,
    group: str = "",
) -> Judgement:
    """Judge a challenger against the champion on what came of the decisions since its canary began.

    Both versions score the same rows (each decision kept its view's row), so that the luck of who
    answered which unit cancels out. Versions on different views can't be compared so: each is
    measured on its own traffic.

    Parameters
    ----------
    policy : ir.Retrain
        Says how long to watch and how much worse is not worse.
    measure : str
        The metric that decides.
    rows : Joined
        The service's decisions since the canary began.
    champion, challenger : Contender
    score : callable
    watched : int
        Microseconds since the canary began.
    group : str
        Column of the event whose equal values are a list, where the metric is of lists.
    """
    judged = rows.take(rows.matured & ~np.isnan(model_scores(rows.decisions)))
    gain = partial(_gain, measure, judged, champion, challenger, score, group)
    return _judged(policy, measure, champion.name, challenger.name, watched, gain)


def judge_lists(
    policy: ir.Retrain, measure: str, lists: Callable[[], Lists], champion: str, challenger: str, watched: int
) -> Judgement:
    """Judge a challenger that orders lists on those that it answered, against the champion's of the same time.

    Each is measured on what it showed, in the order in which it stood: what was never shown has no outcome, and what
    was shown first is looked at more, so the other's lists would speak for the other. A list of which nothing came
    counts as 0. Lists that explored are left out: chance made their order, and not the model.

    Parameters
    ----------
    policy : ir.Retrain
    measure : str
        A metric of lists.
    lists : callable
        Called once the canary has run for its time; returns the service's lists since it began.
    champion, challenger : str
    watched : int
        Microseconds since the canary began.
    """
    return _judged(
        policy, measure, champion, challenger, watched, lambda: _gain_of_lists(measure, lists(), champion, challenger)
    )


def judge_lineups(
    policy: ir.Retrain,
    measure: str,
    rows: Joined,
    champion: str,
    challenger: str,
    score: ScoreLineup,
    watched: int,
    group: str = "",
) -> Judgement:
    """Judge a line-up against another as `judge_canary` does two versions: both score the same decisions.

    Views may differ: a line-up that did not answer scores the rows that it would have had.
    """

    def gain() -> Gain:
        same = rows.take(rows.matured & ~np.isnan(model_scores(rows.decisions)))
        same = same.take(evenly(same.decisions))
        theirs, ours = score(champion, same.decisions), score(challenger, same.decisions)
        return _on_the_same(measure, same, theirs, ours, group)

    return _judged(policy, measure, champion, challenger, watched, gain)


def _judged(
    policy: ir.Retrain, measure: str, champion: str, challenger: str, watched: int, gained: Callable[[], Gain]
) -> Judgement:
    if watched < policy.watch:
        return Judgement("wait", "the canary has not run for its time")
    try:
        gain = gained()
    except MetricError as error:
        if watched < PATIENCE * policy.watch:
            return Judgement("wait", f"{measure} can't be computed yet: {error}")
        return Judgement("rollback", f"{measure} can't be computed after {PATIENCE} watching periods: {error}")
    size = f"{abs(gain.value):.4f} {'better' if gain.value >= 0 else 'worse'}"
    allowed = f"; {policy.margin:g} worse would do" if policy.margin else ""
    said = f"{challenger} is {size} than {champion} in {measure} on {gain.measured}{allowed}"
    return Judgement("promote" if gain.value >= -policy.margin else "rollback", said, gain.evidence)


def _gain(measure: str, rows: Joined, champion: Contender, challenger: Contender, score: Score, group: str) -> Gain:
    if champion.view != challenger.view:
        return _own_traffic(measure, rows, champion.name, challenger.name, group)
    same = rows.take(np.asarray(is_text(rows.decisions["view"], champion.view).to_numpy(), dtype=bool))
    same = same.take(evenly(same.decisions))
    kept, words = view_rows(same.decisions, champion.columns)
    rows = same.at(kept)
    _enough(kept.size)
    return _on_the_same(measure, rows, score(champion.name, words), score(challenger.name, words), group)


def _on_the_same(measure: str, rows: Joined, theirs: Floats, ours: Floats, group: str) -> Gain:
    both = ~(np.isnan(theirs) | np.isnan(ours))
    label, weight, theirs, ours = rows.label[both], rows.weight[both], theirs[both], ours[both]
    _enough(label.size)
    lists = _lists_of(rows.decisions.filter(pa.array(both)), group)
    found = difference(measure, label, ours, theirs, weight, resamples=RESAMPLES, group=lists)
    values = metric(measure)(label, theirs, weight, lists), metric(measure)(label, ours, weight, lists)
    return Gain(found.value, f"the same {label.size} decisions", _evidence(label.size, *values, found))


def _own_traffic(measure: str, rows: Joined, champion: str, challenger: str, group: str) -> Gain:
    scores, lists = model_scores(rows.decisions), _lists_of(rows.decisions, group)
    sides = []
    for version in (champion, challenger):
        own = _by(rows, version)
        _enough(int(own.sum()))
        of_list = None if lists is None else lists[own]
        told = rows.label[own], scores[own], rows.weight[own]
        sides.append(interval(measure, *told, resamples=RESAMPLES, group=of_list))
    sign = 1.0 if metric(measure).greater_is_better else -1.0
    value = sign * (sides[1].value - sides[0].value)
    spread = float(np.hypot(sides[0].high - sides[0].low, sides[1].high - sides[1].low)) / 2.0
    found = Difference(value, value - spread, value + spread, float("nan"), 0.95, RESAMPLES)
    return Gain(value, "each one's own traffic", _evidence(len(scores), sides[0].value, sides[1].value, found))


def _gain_of_lists(measure: str, lists: Lists, champion: str, challenger: str) -> Gain:
    by = np.array(lists.joined.decisions["model"].fill_null("").to_pylist(), dtype=np.str_)
    by[fell_back(lists.joined.decisions) | flags(lists.joined.decisions["explored"])] = ""
    theirs, ours = (_values_of_lists(measure, lists, by == version) for version in (champion, challenger))
    value = float(ours.mean() - theirs.mean())
    half = 1.96 * float(np.hypot(ours.std() / ours.size**0.5, theirs.std() / theirs.size**0.5))
    found = Difference(value, value - half, value + half, float("nan"), 0.95, 0)
    means = float(theirs.mean()), float(ours.mean())
    return Gain(value, "the lists that each one answered", _evidence(theirs.size + ours.size, *means, found))


def _values_of_lists(measure: str, lists: Lists, decided: Flags) -> Floats:
    """Return a metric of each of some lists, 0 for one of which nothing came."""
    rows = decided[lists.list] & ~np.isnan(lists.label)
    group, place = lists.list[rows], lists.rank[rows].astype(np.float64)
    _, first = np.unique(group, return_index=True)
    _enough(first.size)
    values: Floats = metric(measure).prepare(lists.label[rows], -place, None, group).arguments[0][first]
    return values


def _lists_of(decisions: pa.Table, group: str) -> Ints | None:
    """Return the list of each decision, by a column of its event; None without lists. A null is one alone."""
    if not group:
        return None
    told = [msgspec.json.decode(inputs).get(group) for inputs in decisions["inputs"].to_pylist()]
    names = [f"\x1f{row}" if name is None else str(name) for row, name in enumerate(told)]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _evidence(rows: int, champion: float, challenger: float, gain: Difference) -> dict[str, float]:
    found: Mapping[str, float] = {
        "rows": float(rows),
        "champion": champion,
        "challenger": challenger,
        "gain": gain.value,
        "gain_low": gain.low,
        "gain_high": gain.high,
    }
    return dict(found)


def _enough(rows: int) -> None:
    if rows < FEWEST_ROWS:
        raise MetricError(f"{rows} outcomes are known, {FEWEST_ROWS} are needed")


def _by(rows: Joined, version: str) -> Flags:
    """Tell which decisions a version answered in the normal way."""
    own: Flags = np.asarray(is_text(rows.decisions["model"], version).to_numpy(), dtype=np.bool_)
    return own & ~fell_back(rows.decisions)
