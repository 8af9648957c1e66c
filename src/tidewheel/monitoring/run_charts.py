"""The pictures of a run: metrics with intervals, curves, slices, importance, trials, steps.

Each function returns a Vega-Lite specification, or None where there is nothing to draw. They are narrow, so that
they can be read on a phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.monitoring.charts import Rows, Spec
from tidewheel.registry.runs.evaluation import Curve, Evaluation, LearningPoint, Slice
from tidewheel.registry.runs.runs import Metric
from tidewheel.registry.runs.steps import StepRecord

WIDTH, SQUARE, ROW = 290, 260, 24
NAMES = {"test": "this model", "candidate": "this model", "baseline": "constant"}
"""What a split's, or a curve's, owner is called on a page."""
COLORS = {"this model": "#1f5fa8", "champion": "#c8560f", "previous": "#9a3770", "constant": "#6b7683",
          "logistic": "#2c7a51", "baseline linear": "#2c7a51", "train": "#9db7d6"}  # fmt: skip


def metric_dots(metrics: Sequence[Metric], name: str) -> Spec | None:
    """One metric of every split as dots with their intervals, one below the other."""
    rows = [{"of": named(m.split), "value": m.value, "low": m.low, "high": m.high} for m in metrics if m.metric == name]
    return dots(rows, name)


def dots(rows: Rows, title: str, *, fixed: bool = True) -> Spec | None:
    """Rows with ``of``, ``value``, ``low`` and ``high`` as dots with their intervals."""
    if not rows:
        return None
    order = list(dict.fromkeys(row["of"] for row in rows))
    y = {"field": "of", "type": "nominal", "sort": order, "title": None, "axis": {"labelLimit": 170}}
    scale = {"zero": False, "nice": True, "padding": 12}
    x = {"field": "value", "type": "quantitative", "title": title, "scale": scale, "axis": {"tickCount": 5}}
    color: Spec = {"value": COLORS["this model"]}
    if fixed:
        color = {"field": "of", "type": "nominal", "legend": None, "scale": _palette(order)}
    whisker = {
        "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
        "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.45, "strokeCap": "round"},
        "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": color},
    }
    dot = {"mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
           "encoding": {"y": y, "x": x, "color": color}}  # fmt: skip
    return _chart(rows, layer=[whisker, dot], height={"step": ROW})


def curve(evaluation: Evaluation, kind: str) -> Spec | None:
    """A precision-recall, ROC, gain or reliability curve of everybody who was measured."""
    found = [line for line in evaluation.curves if line.kind == kind]
    order = [named(line.of) for line in found]
    rows = [point for line in reversed(found) for point in _points(line)]  # this model's is drawn last, on top
    if not rows:
        return None
    x_title, y_title = _AXES[kind]
    scale: Spec = {"nice": False} if kind == "residuals" else {"domain": [0, 1], "nice": False}
    x = {"field": "x", "type": "quantitative", "title": x_title, "scale": scale}
    y = {"field": "y", "type": "quantitative", "title": y_title, "scale": scale}
    if kind in ("reliability", "residuals"):
        for axis in (x, y):
            axis["scale"] = {"domain": _range(rows), "nice": True, "zero": False}
    legend = {"labelLimit": 150} if len(order) > 1 else None
    color = {"field": "of", "type": "nominal", "scale": _palette(order), "legend": legend}
    dotted = kind in ("reliability", "residuals")
    mark: Spec = {"type": "line", "strokeWidth": 2, "point": {"size": 30} if dotted else False}
    layers: list[Spec] = [{"mark": mark, "encoding": {"x": x, "y": y, "color": color, "order": {"field": "place"}}}]
    if any(row["low"] is not None for row in rows):
        bars = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": color}
        layers.insert(0, {"mark": {"type": "rule", "opacity": 0.4}, "encoding": bars})
    level = _level(evaluation, kind, _range(rows))
    return _chart(rows, layer=[*level, *layers], height=SQUARE)


_AXES = {
    "precision_recall": ("recall", "precision"),
    "roc": ("false positive rate", "true positive rate"),
    "gain": ("share of rows, from the top score", "share of positives found"),
    "reliability": ("predicted", "what came"),
    "residuals": ("predicted", "mean label"),
}


def _points(line: Curve) -> Rows:
    ends = line.low if line.low else [None] * len(line.x), line.high if line.high else [None] * len(line.x)
    found = zip(line.x, line.y, *ends, strict=True)
    return [{"of": named(line.of), "place": place, "x": x, "y": y, "low": low, "high": high}
            for place, (x, y, low, high) in enumerate(found)]  # fmt: skip


def _range(rows: Rows) -> list[float]:
    seen = [row[name] for row in rows for name in ("x", "y", "low", "high") if row[name] is not None]
    return [min(seen), max(seen)]


def _level(evaluation: Evaluation, kind: str, ends: list[float]) -> list[Spec]:
    """Return the line of a model that knows nothing, or of one that is perfectly calibrated."""
    if kind == "precision_recall":
        line: Rows = [{"x": 0.0, "y": evaluation.positives}, {"x": 1.0, "y": evaluation.positives}]
    else:
        low, high = (0.0, 1.0) if kind in ("roc", "gain") else ends
        line = [{"x": low, "y": low}, {"x": high, "y": high}]
    encoding = {name: {"field": name, "type": "quantitative"} for name in ("x", "y")}
    mark = {"type": "line", "color": "#8b949e", "strokeDash": [3, 3], "strokeWidth": 1}
    return [{"data": {"values": line}, "mark": mark, "encoding": encoding}]


def slices(found: Sequence[Slice], overall: float | None, metric: str) -> Spec | None:
    """The metric on each slice with its interval, and an upright line at the whole test set."""
    rows = [
        {"of": said(part), "value": part.value, "low": part.low, "high": part.high}
        for part in found
        if part.value is not None
    ]
    drawn = dots(rows, metric, fixed=False)
    if drawn is not None and overall is not None:
        mark = {"type": "rule", "color": "#8b949e", "strokeDash": [3, 3]}
        line = {"data": {"values": [{"all": overall}]}, "mark": mark,
                "encoding": {"x": {"field": "all", "type": "quantitative"}}}  # fmt: skip
        drawn["layer"] = [line, *drawn["layer"]]
    return drawn


def said(part: Slice) -> str:
    """Return a slice in words.

    Examples
    --------
    >>> said(Slice(where={"country": "SE", "amount": "(12, 40]"}, declared=True, rows=9, metric="brier", value=0.1))
    'country SE, amount (12, 40]'
    """
    return ", ".join(f"{column} {value}" for column, value in part.where.items())


def bars(shares: Mapping[str, float], title: str, most: int = 15) -> Spec | None:
    """The largest of some numbers by name, as bars."""
    rows: Rows = [{"of": name, "value": value} for name, value in shares.items() if value > 0]
    rows = sorted(rows, key=lambda row: -row["value"])[:most]
    if not rows:
        return None
    y = {"field": "of", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 170}}
    x = {"field": "value", "type": "quantitative", "title": title, "axis": {"tickCount": 5}}
    return _chart(rows, mark={"type": "bar", "color": COLORS["this model"]}, encoding={"y": y, "x": x},
                  height={"step": 20})  # fmt: skip


def trials(kept: Sequence[Mapping[str, Any]], metric: str, greater: bool) -> Spec | None:
    """Each trial's value in the order in which it was tried, and the best so far."""
    best: float | None = None
    rows: Rows = []
    for place, trial in enumerate(kept):
        value = trial.get("value")
        if value is None:
            continue
        best = value if best is None else (max if greater else min)(best, value)
        rows.append({"trial": trial.get("number", place), "value": value, "best": best})
    if len(rows) < 2:
        return None
    x = {"field": "trial", "type": "quantitative", "title": "trial", "axis": {"tickMinStep": 1}}
    y = {"field": "value", "type": "quantitative", "title": metric, "scale": {"zero": False}}
    dot = {"mark": {"type": "point", "filled": True, "size": 35, "color": "#9db7d6", "opacity": 1},
           "encoding": {"x": x, "y": y}}  # fmt: skip
    line = {"mark": {"type": "line", "interpolate": "step-after", "color": COLORS["this model"]},
            "encoding": {"x": x, "y": {**y, "field": "best"}}}  # fmt: skip
    return _chart(rows, layer=[dot, line], height=170)


def timeline(steps: Sequence[StepRecord], started: int) -> Spec | None:
    """The steps of a run as bars along the time since it began."""
    rows = [{"of": step.step, "from": begin, "to": end} for step, (begin, end) in zip(steps, spans(steps, started),
                                                                                     strict=True)]  # fmt: skip
    if not rows:
        return None
    x = {"field": "from", "type": "quantitative", "title": "seconds since the run began", "axis": {"tickCount": 6}}
    y = {"field": "of", "type": "nominal", "sort": None, "title": None}
    encoding = {"y": y, "x": x, "x2": {"field": "to"}}
    return _chart(rows, mark={"type": "bar", "color": COLORS["this model"], "minBandSize": 2}, encoding=encoding,
                  height={"step": ROW})  # fmt: skip


def spans(steps: Sequence[StepRecord], started: int) -> list[tuple[float, float]]:
    """Return when each step began and ended, in seconds since the run began."""
    begun = [max(0.0, (step.at - started) / 1e6) for step in steps]
    return [(begin, begin + step.seconds) for step, begin in zip(steps, begun, strict=True)]


def learning(points: Sequence[LearningPoint]) -> Spec | None:
    """The leading metric by how many train rows the model was fitted on."""
    rows: Rows = [
        {"rows": point.rows, "value": point.value, "low": point.low, "high": point.high}
        for point in points
        if point.value is not None
    ]
    if len(rows) < 2:
        return None
    x = {"field": "rows", "type": "quantitative", "title": "train rows"}
    y = {"field": "value", "type": "quantitative", "title": points[0].metric, "scale": {"zero": False}}
    blue = COLORS["this model"]
    whisker = {"mark": {"type": "rule", "color": blue, "opacity": 0.45},
               "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}}  # fmt: skip
    line = {"mark": {"type": "line", "point": True, "color": blue}, "encoding": {"x": x, "y": y}}
    return _chart(rows, layer=[whisker, line], height=170)


def named(split: str) -> str:
    """Return what a split or the owner of a curve is called on a page."""
    return NAMES.get(split, split)


def _palette(order: Sequence[str]) -> Spec:
    spare = iter(["#6244b0", "#806000"] * len(order))
    return {"domain": list(order), "range": [COLORS.get(name) or next(spare) for name in order]}


def _chart(rows: Rows, **what: object) -> Spec:
    return {"data": {"values": rows}, "width": WIDTH, **what}
