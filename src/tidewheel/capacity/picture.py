"""Latency against rate as a picture: for the terminal, and as one page of HTML or a PNG that needs no network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from tidewheel.capacity.sizing import Point, Sizing

WIDTH, HEIGHT = 60, 12
SERIES = (("p50", "·"), ("p99", "●"))


def terminal(points: Sequence[Point], p99: float) -> list[str]:
    """Return lines of text: rates to the right, latency upwards on a logarithmic axis, the limit as a dashed line."""
    known = [found for found in points if math.isfinite(found.p99)]
    if not known:
        return []
    values = [getattr(found, name) for found in known for name, _ in SERIES] + [p99]
    low, high = math.log10(max(min(values), 1e-3)), math.log10(max(values))
    high, right = max(high, low + 0.5), max(found.rate for found in known)
    grid = [[" "] * WIDTH for _ in range(HEIGHT)]

    def row(value: float) -> int:
        share = (math.log10(max(value, 1e-3)) - low) / (high - low)
        return HEIGHT - 1 - round(share * (HEIGHT - 1))

    grid[row(p99)] = ["╌"] * WIDTH
    for found in known:
        for name, mark in SERIES:
            grid[row(getattr(found, name))][round(found.rate / right * (WIDTH - 1))] = mark
    ticks = {0: 10**high, HEIGHT - 1: 10**low, row(p99): p99}
    lines = [f"{f'{ticks[at]:.3g} ms' if at in ticks else '':>10} │{''.join(cells)}" for at, cells in enumerate(grid)]
    end = f"{right:,.0f} requests/s"
    return [*lines, f"{'':>10} └{'─' * WIDTH}", f"{'0':>12}{end:>{WIDTH - 1}}", f"{'':>12}· p50   ● p99   ╌ the limit"]


def save(
    path: Path, title: str, points: Sequence[Point], sizing: Sizing | None, p99: float, said: Sequence[str]
) -> None:
    """Write the picture: a PNG by its name, else a page of HTML with everything inside.

    Parameters
    ----------
    path : Path
    title : str
    points : sequence of Point
    sizing : Sizing or None
    p99 : float
        Milliseconds: the limit.
    said : sequence of str
        Sentences under the picture.
    """
    import vl_convert

    spec = _spec(points, sizing, p99)
    if path.suffix == ".png":
        path.write_bytes(vl_convert.vegalite_to_png(spec, scale=2.0))
        return
    head = "<!doctype html><meta charset=utf-8><style>body{font:15px sans-serif;margin:2em;color:#223}</style>"
    text = "".join(f"<p>{escape(line)}</p>" for line in said)
    drawn = vl_convert.vegalite_to_svg(spec)
    path.write_text(f"{head}<title>{escape(title)}</title><h1>{escape(title)}</h1>{drawn}{text}")


def _spec(points: Sequence[Point], sizing: Sizing | None, p99: float) -> dict[str, Any]:
    rows = [
        {"rate": found.rate, "ms": getattr(found, name), "of": label}
        for found in points
        for name, label in (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p999", "p99.9"))
        if math.isfinite(found.p99)
    ]
    axis = {"field": "rate", "type": "quantitative", "title": "requests a second"}
    log = {
        "field": "ms",
        "type": "quantitative",
        "scale": {"type": "log"},
        "title": "milliseconds from when it was due",
    }
    lines: list[dict[str, Any]] = [
        {
            "mark": {"type": "line", "point": True},
            "encoding": {"x": axis, "y": log, "color": {"field": "of", "type": "nominal", "title": None, "sort": None}},
        },
        {"data": {"values": [{"ms": p99}]}, "mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"y": log}},
    ]
    if sizing is not None:
        knee = {"data": {"values": [{"rate": sizing.knee}]}, "mark": {"type": "rule", "color": "#2c7a51"}}
        lines.append({**knee, "encoding": {"x": axis}})
    schema = "https://vega.github.io/schema/vega-lite/v5.json"
    return {"$schema": schema, "width": 560, "height": 300, "data": {"values": rows}, "layer": lines}
