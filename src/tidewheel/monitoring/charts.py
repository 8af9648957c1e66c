"""The report's pictures: Vega-Lite specifications drawn as SVG, with no network and no browser.

Each function returns a specification, or None where the report has nothing to draw.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Any

from tidewheel.monitoring.drift import SCORE
from tidewheel.monitoring.report import SCORE_BINS, FeatureDrift, Period, Report

Spec = dict[str, Any]
Rows = list[dict[str, Any]]
WIDTH, HEIGHT = 420, 170
SQUARE = 230
NO_MODEL = "no model"
MOVES = frozenset({"deploy", "promote", "rollback", "drop"})
"""Happenings that change who answers, drawn as upright lines."""

_QUIET = "#4a5361"
_THEME: Spec = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "gridColor": "#e6e8eb",
        "domainColor": "#b8bec6",
        "tickColor": "#b8bec6",
        "labelColor": _QUIET,
        "titleColor": _QUIET,
        "titleFontWeight": "normal",
    },
    "legend": {"orient": "top", "title": None, "labelColor": _QUIET, "symbolOpacity": 1},
    "range": {"category": ["#1f5fa8", "#c8560f", "#2c7a51", "#9a3770", "#6244b0", "#806000"]},
}


def svg(spec: Spec, title: str) -> str:
    """Draw a specification as an SVG element that says what it shows."""
    import vl_convert

    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "config": _THEME, **spec}
    drawn: str = vl_convert.vegalite_to_svg(whole)
    named = f' role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
    return re.sub(r">", lambda _: named, drawn, count=1)


def traffic(report: Report) -> Spec | None:
    """Decisions in each period, stacked by version."""
    rows = [{**_span(report, p), "decisions": p.decisions, "version": _named(p.version)} for p in report.periods]
    x2 = {"field": "end"}
    encoding = {"x": _when("start"), "x2": x2, "y": _value("decisions", stack=True)}
    encoding["color"] = _color(report, every=True)
    return _chart(rows, mark={"type": "rect", "stroke": "#fff"}, encoding=encoding)


def metric_lines(report: Report, metric: str) -> Spec | None:
    """A metric by period and version, with its interval; upright lines where another version came to answer."""
    rows = [
        {**_span(report, p), "value": m.value, "low": _finite(m.low), "high": _finite(m.high), "version": p.version}
        for p in report.periods
        if (m := p.metrics.get(metric)) is not None
    ]
    shared = {"x": _when("middle"), "color": _color(report)}
    whiskers = {"mark": {"type": "rule", "opacity": 0.45}, "encoding": {**shared, **_range("low", "high", metric)}}
    line = {"mark": {"type": "line", "point": True}, "encoding": {**shared, "y": _value("value", metric)}}
    return _chart(rows, layer=[_moves(report), whiskers, line])


def positive_share(report: Report) -> Spec | None:
    """Mean outcome of each period, whoever decided."""
    rows = []
    for start in sorted({p.start for p in report.periods}):
        known = [(p, p.positive_share) for p in report.periods if p.start == start and p.positive_share is not None]
        matured = sum(p.matured for p, _ in known)
        if matured:
            rows.append({**_span(report, known[0][0]), "mean": sum(s * p.matured for p, s in known) / matured})
    encoding = {"x": _when("middle"), "y": _value("mean", "mean outcome")}
    line = {"mark": {"type": "line", "point": {"color": _QUIET}, "color": _QUIET}, "encoding": encoding}
    return _chart(rows, layer=[_moves(report), line])


def places(report: Report) -> Spec | None:
    """What came of the items at each place of the lists, by version."""
    rows = [
        {"place": at.place, "value": m.value, "low": _finite(m.low), "high": _finite(m.high), "version": p.version}
        for p in report.totals
        for at in p.places
        if (m := at.mean)
    ]
    x = {"field": "place", "type": "quantitative", "axis": {"format": "d", "tickMinStep": 1}, "scale": {"zero": False}}
    shared = {"x": x, "color": _color(report)}
    whiskers = {"mark": {"type": "rule", "opacity": 0.45}, "encoding": {**shared, **_range("low", "high", "mean")}}
    line = {"mark": {"type": "line", "point": True}, "encoding": {**shared, "y": _value("value", "mean outcome")}}
    return _chart(rows, layer=[whiskers, line])


def scores(report: Report) -> Spec | None:
    """Distribution of the scores of each version."""
    low, high = report.score_range
    step = (high - low) / SCORE_BINS
    rows = [
        {"score": low + (place + 0.5) * step, "share": count / sum(p.scores), "version": p.version}
        for p in report.totals
        if sum(p.scores)
        for place, count in enumerate(p.scores)
    ]
    encoding = {
        "x": {"field": "score", "type": "quantitative", "scale": {"domain": [low, high], "nice": False}},
        "y": {"field": "share", "type": "quantitative", "axis": {"format": "%"}, "title": "share of decisions"},
        "color": _color(report),
    }
    return _chart(rows, mark={"type": "line", "interpolate": "step"}, encoding=encoding, height=SQUARE)


def calibration(report: Report) -> Spec | None:
    """What was predicted against what came, with the diagonal of a perfect forecast."""
    rows = [
        {"predicted": b.score, "observed": b.rate, "low": b.rate_low, "high": b.rate_high, "version": p.version}
        for p in report.totals
        for b in p.reliability
    ]
    share = {"type": "quantitative", "scale": {"domain": [0, 1]}}
    x, y, color = {"field": "predicted", **share}, {"field": "observed", **share}, _color(report)
    diagonal = {
        "data": {"values": [{"predicted": 0, "observed": 0}, {"predicted": 1, "observed": 1}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "color": "#8b949e"},
        "encoding": {"x": x, "y": y},
    }
    ends = {"y": {"field": "low", **share, "title": "observed"}, "y2": {"field": "high"}}
    whiskers = {"mark": {"type": "rule", "opacity": 0.45}, "encoding": {"x": x, **ends, "color": color}}
    points = {"mark": {"type": "line", "point": True}, "encoding": {"x": x, "y": y, "color": color}}
    return _chart(rows, layer=[diagonal, whiskers, points], width=SQUARE, height=SQUARE)


def drift(drifts: Sequence[FeatureDrift]) -> Spec | None:
    """The index of each column with its interval."""
    rows: Rows = [{"column": d.feature, "psi": d.psi, "low": d.low, "high": d.high} for d in drifts]
    y = {"field": "column", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}}
    ranges = {
        "mark": {"type": "bar", "height": 5, "color": "#1f5fa8", "opacity": 0.5},
        "encoding": {"y": y, "x": _value("low", "PSI"), "x2": {"field": "high"}},
    }
    points = {
        "mark": {"type": "point", "filled": True, "color": "#c8560f", "size": 35, "opacity": 1},
        "encoding": {"y": y, "x": _value("psi", "PSI")},
    }
    return _chart(rows, layer=[ranges, points], width=WIDTH - 100, height={"step": 17})


def score_drift(report: Report) -> Spec | None:
    """How far each version's scores were, period by period, from those of its test."""
    rows = [
        {**_span(report, d), "psi": d.psi, "low": d.low, "high": d.high, "version": d.version}
        for d in report.drift
        if d.feature == SCORE
    ]
    shared = {"x": _when("middle"), "color": _color(report)}
    whiskers = {"mark": {"type": "rule", "opacity": 0.45}, "encoding": {**shared, **_range("low", "high", "PSI")}}
    line = {"mark": {"type": "line", "point": True}, "encoding": {**shared, "y": _value("psi", "PSI")}}
    return _chart(rows, layer=[_moves(report), whiskers, line])


def latency(report: Report) -> Spec | None:
    """Latency percentiles by period; of several versions, the slowest."""
    rows = [
        {**_span(report, p), "percentile": name, "us": getattr(p.latency_us, name)}
        for p in report.periods
        if p.latency_us is not None
        for name in ("p50", "p95", "p99")
    ]
    encoding = {
        "x": _when("middle"),
        "y": {"aggregate": "max", "field": "us", "type": "quantitative", "title": "microseconds"},
        "color": {"field": "percentile", "type": "nominal"},
    }
    return _chart(rows, mark={"type": "line", "point": True}, encoding=encoding)


def _chart(rows: Rows, *, width: object = WIDTH, height: object = HEIGHT, **what: object) -> Spec | None:
    if not rows:
        return None
    for row in rows:
        if "version" in row:
            row["version"] = _named(row["version"])
    return {"data": {"values": rows}, "width": width, "height": height, **what}


def _moves(report: Report) -> Spec:
    moves: Rows = [{"at": h.at / 1000} for h in report.happenings if h.kind in MOVES and h.at >= report.start]
    return {
        "data": {"values": moves},
        "mark": {"type": "rule", "color": "#8b949e", "strokeDash": [2, 3]},
        "encoding": {"x": _when("at")},
    }


def _span(report: Report, of: Period | FeatureDrift) -> dict[str, float]:
    """Return where a period stands on the axis of time, in milliseconds."""
    first = date.fromisoformat(of.start)
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    last = after if report.by == "month" else first + timedelta(days=7)
    start, end = (datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp() * 1000 for d in (first, last))
    return {"start": start, "middle": (start + end) / 2, "end": end}


def _when(field: str) -> Spec:
    axis = {"format": "%d %b", "grid": False, "tickCount": 6}
    return {"field": field, "type": "temporal", "title": None, "scale": {"type": "utc"}, "axis": axis}


def _value(field: str, title: str = "", **more: object) -> Spec:
    return {"field": field, "type": "quantitative", "title": title or field, **more}


def _range(low: str, high: str, title: str) -> Spec:
    return {"y": _value(low, title), "y2": {"field": high}}


def _color(report: Report, *, every: bool = False) -> Spec:
    """Return the colours of versions; with `every`, what no model decided is told in the legend too."""
    names = [_named(p.version) for p in sorted(report.totals, key=lambda p: not p.version)]
    color: Spec = {"field": "version", "type": "nominal", "scale": {"domain": names}}
    versions = [name for name in names if name != NO_MODEL or every]
    return {**color, "legend": {"values": versions} if len(versions) > 1 else None}


def _named(version: str) -> str:
    return version or NO_MODEL


def _finite(value: float) -> float | None:
    return value if value == value else None
