"""A service's report, made from its decisions and their outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import MetricError
from tidewheel.metrics import Interval, Metric, interval, metric, reliability
from tidewheel.monitoring.drift import Served, measure_drift
from tidewheel.monitoring.report import SCORE_BINS, FeatureDrift, Happening, Latency, Period, Report
from tidewheel.outcomes import Joined, Status
from tidewheel.registry.profile import Profile

By = Literal["week", "month"]
WHOLE = "all"
Strings = npt.NDArray[np.object_]


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
    """
    table = joined.decisions
    model = np.array(table["model"].to_pylist(), dtype=object)
    instants = table["instant"].to_numpy()
    starts = period_starts(instants, by)
    measures = [metric(name) for name in metrics]
    pairs = sorted(set(zip(starts.tolist(), model.tolist(), strict=True)))
    periods = [_period(joined.take((starts == s) & (model == v)), v, s, measures) for s, v in pairs]
    totals = [_period(joined.take(model == v), v, WHOLE, measures) for v in sorted(set(model.tolist()))]
    drift = [
        found
        for start, version in pairs
        if version in versions
        for found in _drift(joined.take((starts == start) & (model == version)), version, start, versions[version])
    ]
    first, last = (int(instants.min()), int(instants.max())) if instants.size else (as_of, as_of)
    return Report(service.name, as_of, first, last, list(metrics), periods, totals, drift, list(happenings))


def period_starts(instants: npt.NDArray[np.int64], by: By) -> Strings:
    """Return the first day of each instant's week or month, as text.

    Examples
    --------
    >>> period_starts(np.array([0, 4 * 86_400_000_000]), "week").tolist()
    ['1969-12-29', '1970-01-05']
    """
    days, place = np.unique(instants // 86_400_000_000, return_inverse=True)
    return np.array([_start_of(int(day), by) for day in days], dtype=object)[place]


def _start_of(day: int, by: By) -> str:
    date = datetime.fromtimestamp(day * 86_400, tz=UTC).date()
    start = date.replace(day=1) if by == "month" else date - timedelta(days=date.weekday())
    return start.isoformat()


def _period(rows: Joined, version: str, start: str, measures: Sequence[Metric]) -> Period:
    table = rows.decisions
    scores = _scores(rows)
    judged = rows.matured & ~np.isnan(scores)
    known = rows.label[rows.matured]
    return Period(
        version=version,
        start=start,
        decisions=table.num_rows,
        fallbacks=sum(1 for name in table["fallback"].to_pylist() if name),
        explored=sum(table["explored"].to_pylist()),
        actions=dict(Counter(table["decision"].to_pylist())),
        scores=np.histogram(scores[~np.isnan(scores)], SCORE_BINS, (0.0, 1.0))[0].tolist(),
        matured=int(np.count_nonzero(rows.matured)),
        pending=int(np.count_nonzero(rows.status == Status.PENDING)),
        prevented=int(np.count_nonzero(rows.status == Status.PREVENTED)),
        missing=int(np.count_nonzero(rows.status == Status.MISSING)),
        positive_share=float(known.mean()) if known.size else None,
        metrics=_metrics(measures, rows.label[judged], scores[judged], rows.weight[judged]),
        reliability=reliability(rows.label[judged], scores[judged]) if _probabilities(rows, judged, scores) else [],
        latency_us=_latency(rows),
    )


def _scores(rows: Joined) -> npt.NDArray[np.float64]:
    """Scores of the model itself; what a fallback answered is not held against it."""
    scores = rows.decisions["score"].to_numpy(zero_copy_only=False).astype(np.float64)
    fallback = np.array([bool(name) for name in rows.decisions["fallback"].to_pylist()], dtype=bool)
    scores[fallback] = np.nan
    return scores


def _metrics(
    measures: Sequence[Metric],
    label: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
) -> dict[str, Interval]:
    found: dict[str, Interval] = {}
    if not label.size:
        return found
    for measure in measures:
        try:
            found[measure.name] = interval(measure, label, score, weight)
        except MetricError:
            continue  # undefined on these rows, such as a week with one class: shown as a gap
    return found


def _probabilities(rows: Joined, judged: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]) -> bool:
    label = rows.label[judged]
    return (
        bool(label.size)
        and bool(np.isin(label, (0.0, 1.0)).all())
        and bool(((scores[judged] >= 0) & (scores[judged] <= 1)).all())
    )


def _latency(rows: Joined) -> Latency | None:
    spent = np.array([sum(stages) for stages in rows.decisions["timings"].to_pylist() if stages], dtype=np.float64)
    if not spent.size:
        return None
    p50, p95, p99 = np.percentile(spent / 1000.0, (50, 95, 99)).tolist()
    return Latency(p50, p95, p99)


def _drift(rows: Joined, version: str, start: str, facts: VersionFacts) -> list[FeatureDrift]:
    return measure_drift(version, start, facts.profile, served_rows(rows, facts.columns))


def served_rows(rows: Joined, columns: Sequence[str]) -> Served:
    """Return the view rows that were served, leaving out answers without one."""
    width = 8 * len(columns)
    payloads = rows.decisions["features"].to_pylist()
    whole = np.array([len(payload or b"") == width for payload in payloads], dtype=bool)
    words = np.frombuffer(b"".join(p for p in payloads if len(p or b"") == width), dtype="<f8")
    return Served(columns, words.reshape(-1, len(columns)), _scores(rows)[whole])
