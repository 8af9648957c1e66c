"""A service's report, made from its decisions and their outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import MetricError
from tidewheel.metrics import Interval, Metric, interval, metric, reliability
from tidewheel.monitoring.answers import Answers, By, Coded, answers_of, coded, groups, periods
from tidewheel.monitoring.drift import measure_drift, served_rows
from tidewheel.monitoring.lists import LISTWISE, by_place, listwise, of_lists, spread
from tidewheel.monitoring.report import SCORE_BINS, FeatureDrift, Happening, Latency, Period, Report
from tidewheel.outcomes import Joined, Lists, Status
from tidewheel.registry.models.profile import Profile

__all__ = ["By", "VersionFacts", "build_report"]

WHOLE = "all"
RESAMPLES = 100
"""For the intervals of a report: many periods times many metrics, looked at by eye."""
MOST_COLUMNS = 20
"""Of each version and period so many columns that moved most are in a report, and the score."""
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class VersionFacts:
    """What the report needs to know of a version: its view's columns and its training rows."""

    columns: Sequence[str]
    profile: Profile


def build_report(
    joined: Joined,
    service: ir.Service,
    metrics: Sequence[str],
    versions: Mapping[str, VersionFacts],
    happenings: Sequence[Happening],
    *,
    as_of: int,
    by: By = "week",
    lists: Lists | None = None,
) -> Report:
    """Put a service's numbers together, per version and period.

    Parameters
    ----------
    joined : Joined
        Decisions of the time the report is about, with their outcomes as of `as_of`.
    metrics : sequence of str
        The model's; those that need what the rows do not have are left out of a period.
    versions : mapping
        Facts of each version by name, for drift; versions without are not compared.
    by : {"week", "month"}
        Weeks begin on Monday, UTC.
    lists : Lists, optional
        Of a service that ranks: the items of these decisions, with their outcomes.
    """
    answers = answers_of(joined)
    model, instants = coded(joined.decisions["model"]), joined.decisions["instant"].to_numpy()
    started, whole = periods(instants, by), Coded([WHOLE], np.zeros(len(instants), dtype=np.int64))
    if lists is not None:
        declared = (name for name in metrics if metric(name).task == "ranking")
        metrics = tuple(dict.fromkeys([*declared, *LISTWISE]))
    making = _Making([metric(name) for name in metrics], _score_range(answers.scores), lists)
    first, last = (int(instants.min()), int(instants.max())) if instants.size else (as_of, as_of)
    return Report(
        service=service.name,
        generated_at=as_of,
        start=first,
        end=last,
        metrics=[measure.name for measure in making.measures],
        periods=[making.period(answers, rows, v, s) for s, v, rows in groups(started, model)],
        totals=[making.period(answers, rows, v, s) for s, v, rows in groups(whole, model)],
        drift=list(_drift(joined, started, model, versions)),
        happenings=list(happenings),
        score_range=making.score_range,
        by=by,
    )


@dataclass(frozen=True)
class _Making:
    """What all periods of a report share."""

    measures: Sequence[Metric]
    score_range: tuple[float, float]
    lists: Lists | None = None

    def period(self, answers: Answers, places: Ints, version: str, start: str) -> Period:
        """Return what one version did in one stretch of time: the decisions at some places."""
        found = self._answered(answers.take(places), version, start)
        return found if self.lists is None else self._listed(self.lists, answers, places, found)

    def _listed(self, lists: Lists, answers: Answers, places: Ints, found: Period) -> Period:
        """Add what there is to say of lists; order is judged where the model made it, and nothing was explored."""
        chosen = of_lists(lists, places)
        judged = of_lists(lists, places[~answers.fallbacks[places] & ~answers.explored[places]])
        names = [measure.name for measure in self.measures]
        return replace(
            found,
            metrics=listwise(lists, judged, names, RESAMPLES),
            places=by_place(lists, judged),
            spread=spread(lists, chosen),
        )

    def _answered(self, rows: Answers, version: str, start: str) -> Period:
        known = rows.status == int(Status.MATURED)
        judged = known & ~np.isnan(rows.scores)
        label, score, weight = rows.label[judged], rows.scores[judged], rows.weight[judged]
        counts = np.bincount(rows.actions, minlength=len(rows.action_names)).tolist()
        statuses = np.bincount(rows.status, minlength=len(Status)).tolist()
        return Period(
            version=version,
            start=start,
            decisions=rows.scores.size,
            fallbacks=int(np.count_nonzero(rows.fallbacks)),
            explored=int(np.count_nonzero(rows.explored)),
            actions={name: count for name, count in zip(rows.action_names, counts, strict=True) if count},
            scores=np.histogram(rows.scores[~np.isnan(rows.scores)], SCORE_BINS, self.score_range)[0].tolist(),
            matured=statuses[Status.MATURED],
            pending=statuses[Status.PENDING],
            prevented=statuses[Status.PREVENTED],
            missing=statuses[Status.MISSING],
            outside=statuses[Status.OUTSIDE],
            positive_share=float(np.average(rows.label[known], weights=rows.weight[known])) if known.any() else None,
            metrics=_metrics(self.measures, label, score, weight),
            reliability=reliability(label, score, weight) if _probabilities(label, score) else [],
            latency_us=_latency(rows.spent),
        )


def _score_range(scores: Floats) -> tuple[float, float]:
    """Return the ends of the scores' histograms: 0 and 1 for probabilities."""
    told = scores[np.isfinite(scores)]
    if not told.size or (told.min() >= 0.0 and told.max() <= 1.0):
        return 0.0, 1.0
    low, high = np.quantile(told, (0.005, 0.995)).tolist()
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _metrics(measures: Sequence[Metric], label: Floats, score: Floats, weight: Floats) -> dict[str, Interval]:
    found: dict[str, Interval] = {}
    for measure in measures if label.size else ():
        try:
            found[measure.name] = interval(measure, label, score, weight, resamples=RESAMPLES)
        except MetricError:
            continue  # undefined on these rows, such as a week with one class: shown as a gap
    return found


def _probabilities(label: Floats, score: Floats) -> bool:
    if not label.size:
        return False
    return bool(np.isin(label, (0.0, 1.0)).all()) and bool(score.min() >= 0.0 and score.max() <= 1.0)


def _latency(spent: Floats) -> Latency | None:
    told = spent[~np.isnan(spent)]
    if not told.size:
        return None
    p50, p95, p99 = np.percentile(told, (50, 95, 99)).tolist()
    return Latency(p50, p95, p99)


def _drift(
    joined: Joined, started: Coded, model: Coded, versions: Mapping[str, VersionFacts]
) -> Iterator[FeatureDrift]:
    """Compare each version's rows of each period with those that it was trained on."""
    for place, version in enumerate(model.names):
        if version not in versions:
            continue
        facts, own = versions[version], np.flatnonzero(model.codes == place)
        served, rows = served_rows(joined, facts.columns, own)
        codes = started.codes[rows]
        for period in np.unique(codes).tolist():
            part = served.take(codes == period)
            yield from measure_drift(version, started.names[period], facts.profile, part, most=MOST_COLUMNS)
