"""The report's pictures: Vega-Lite specifications drawn as SVG, with no network and no browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tidewheel.monitoring.report import SCORE_BINS, FeatureDrift, Period, Report

Spec = dict[str, Any]
Rows = list[dict[str, Any]]
WIDTH, HEIGHT = 560, 200

_THEME: Spec = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {"gridColor": "#e6e8eb", "domainColor": "#b8bec6", "tickColor": "#b8bec6", "labelColor": "#4a5361"},
    "legend": {"orient": "top", "title": None, "labelColor": "#4a5361"},
    "range": {"category": ["#2266aa", "#dd7733", "#338866", "#aa4477", "#7755bb", "#997700"]},
}


def svg(spec: Spec) -> str:
    """Draw a Vega-Lite specification as an SVG element."""
    import vl_convert

    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "config": _THEME, **spec}
    drawn: str = vl_convert.vegalite_to_svg(whole)
    return drawn


def traffic(report: Report) -> Spec:
    """Decisions in each period, stacked by version."""
    rows = [{"start": p.start, "version": _named(p.version), "decisions": p.decisions} for p in report.periods]
    return _bars(rows, y="decisions", color="version")


def metric_lines(report: Report, metric: str) -> Spec:
    """A metric by period and version, with its interval."""
    rows = [
        {"start": p.start, "version": _named(p.version), "value": m.value, "low": m.low, "high": m.high}
        for p in report.periods
        if (m := p.metrics.get(metric)) is not None
    ]
    base = _time("start"), {"field": "version", "type": "nominal"}
    whiskers = {
        "mark": {"type": "rule", "opacity": 0.6},
        "encoding": {"x": base[0], "color": base[1], "y": _value("low", metric), "y2": {"field": "high"}},
    }
    line = {
        "mark": {"type": "line", "point": True},
        "encoding": {"x": base[0], "color": base[1], "y": _value("value", metric)},
    }
    return {"data": {"values": rows}, "width": WIDTH, "height": HEIGHT, "layer": [whiskers, line]}


def positive_share(report: Report) -> Spec:
    """Share of positive outcomes among the matured decisions of each period."""
    rows = [
        {"start": start, "share": sum(p.positive_share * p.matured for p in known) / matured}
        for start in sorted({p.start for p in report.periods})
        if (known := [p for p in report.periods if p.start == start and p.positive_share is not None])
        and (matured := sum(p.matured for p in known))
    ]
    encoding = {"x": _time("start"), "y": _value("share", "share of positive outcomes")}
    return {
        "data": {"values": rows},
        "width": WIDTH,
        "height": HEIGHT,
        "mark": {"type": "line", "point": True},
        "encoding": encoding,
    }


def scores(totals: Sequence[Period]) -> Spec:
    """Distribution of the scores of each version."""
    rows = [
        {"score": (position + 0.5) / SCORE_BINS, "share": count / max(1, sum(p.scores)), "version": _named(p.version)}
        for p in totals
        for position, count in enumerate(p.scores)
    ]
    encoding = {
        "x": {"field": "score", "type": "quantitative", "scale": {"domain": [0, 1]}},
        "y": {"field": "share", "type": "quantitative", "axis": {"format": "%"}, "title": "share of decisions"},
        "color": {"field": "version", "type": "nominal"},
    }
    return {
        "data": {"values": rows},
        "width": WIDTH,
        "height": HEIGHT,
        "mark": {"type": "line", "interpolate": "step"},
        "encoding": encoding,
    }


def calibration(totals: Sequence[Period]) -> Spec:
    """What was predicted against what came, with the diagonal of a perfect forecast."""
    rows = [
        {"predicted": b.score, "observed": b.rate, "low": b.rate_low, "high": b.rate_high, "version": _named(p.version)}
        for p in totals
        for b in p.reliability
    ]
    share = {"type": "quantitative", "scale": {"domain": [0, 1]}}
    x, color = {"field": "predicted", **share}, {"field": "version", "type": "nominal"}
    diagonal = {
        "data": {"values": [{"predicted": 0, "observed": 0}, {"predicted": 1, "observed": 1}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "color": "#9aa3ad"},
        "encoding": {"x": x, "y": {"field": "observed", **share}},
    }
    whiskers = {
        "mark": {"type": "rule", "opacity": 0.5},
        "encoding": {
            "x": x,
            "y": {"field": "low", **share, "title": "observed"},
            "y2": {"field": "high"},
            "color": color,
        },
    }
    points = {
        "mark": {"type": "line", "point": True},
        "encoding": {"x": x, "y": {"field": "observed", **share}, "color": color},
    }
    return {"data": {"values": rows}, "width": 320, "height": 320, "layer": [diagonal, whiskers, points]}


def drift(drifts: Sequence[FeatureDrift], most: int = 15) -> Spec:
    """The columns that moved most: the index's interval, and what noise alone would give."""
    top = sorted(drifts, key=lambda d: -d.low)[:most]
    rows = [{"feature": d.feature, "psi": d.psi, "low": d.low, "high": d.high, "noise": d.noise} for d in top]
    y = {"field": "feature", "type": "nominal", "sort": None, "title": None}
    ranges = {
        "mark": {"type": "bar", "height": 6, "color": "#2266aa"},
        "encoding": {"y": y, "x": _value("low", "population stability index"), "x2": {"field": "high"}},
    }
    values = {
        "mark": {"type": "point", "filled": True, "color": "#dd7733", "size": 40},
        "encoding": {"y": y, "x": _value("psi", "population stability index")},
    }
    return {"data": {"values": rows}, "width": WIDTH - 120, "height": {"step": 18}, "layer": [ranges, values]}


def latency(report: Report) -> Spec:
    """Latency percentiles by period (all versions: the slowest of each)."""
    rows = [
        {"start": p.start, "percentile": name, "us": getattr(p.latency_us, name)}
        for p in report.periods
        if p.latency_us is not None
        for name in ("p50", "p95", "p99")
    ]
    encoding = {
        "x": _time("start"),
        "y": {"aggregate": "max", "field": "us", "type": "quantitative", "title": "microseconds"},
        "color": {"field": "percentile", "type": "nominal"},
    }
    return {
        "data": {"values": rows},
        "width": WIDTH,
        "height": HEIGHT,
        "mark": {"type": "line", "point": True},
        "encoding": encoding,
    }


def _bars(rows: Rows, *, y: str, color: str) -> Spec:
    encoding = {"x": _time("start"), "y": _value(y, y), "color": {"field": color, "type": "nominal"}}
    return {
        "data": {"values": rows},
        "width": WIDTH,
        "height": HEIGHT,
        "mark": {"type": "bar", "width": {"band": 0.8}},
        "encoding": encoding,
    }


def _time(field: str) -> Spec:
    return {"field": field, "type": "ordinal", "title": None, "axis": {"labelAngle": -40}}


def _value(field: str, title: str) -> Spec:
    return {"field": field, "type": "quantitative", "title": title}


def _named(version: str) -> str:
    return version or "no model"


ChartOf = Callable[[Report], Spec]
