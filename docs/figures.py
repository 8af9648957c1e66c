"""Draws ``docs/demo.svg`` from the demo's own summary: ``make docs`` after ``make demo``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tidewheel.monitoring.charts import svg

HERE = Path(__file__).parent
PROTOTYPE = {"2013-09": 0.54, "2013-10": 0.56, "2013-11": 0.54, "2013-12": 0.66}


def demo(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the picture: average precision of what was served, the prototype's, and the share of late flights."""
    served = {month: values["all"] for month, values in summary["average_precision"].items() if month in PROTOTYPE}
    lines = {
        "served live": served,
        "prototype with rolling means": PROTOTYPE,
        "share of late flights": {month: summary["late_share"][month] for month in served},
    }
    rows = [{"month": m, "value": v, "what": what} for what, points in lines.items() for m, v in points.items()]
    x = {"field": "month", "type": "ordinal", "title": None, "axis": {"labelAngle": 0}}
    y = {"field": "value", "type": "quantitative", "title": "average precision", "scale": {"domain": [0, 1]}}
    color = {"field": "what", "type": "nominal", "sort": list(lines)}
    line = {"mark": {"type": "line", "point": True, "strokeWidth": 2.5}, "encoding": {"x": x, "y": y, "color": color}}
    label = {
        "mark": {"type": "text", "dy": -10},
        "encoding": {"x": x, "y": y, "text": {"field": "value", "format": ".2f"}, "color": color},
    }
    return {"data": {"values": rows}, "width": 640, "height": 260, "background": "white", "layer": [line, label]}


if __name__ == "__main__":
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-summary.json")
    (HERE / "demo.svg").write_text(svg(demo(json.loads(source.read_text())), "Average precision by month, served live"))
