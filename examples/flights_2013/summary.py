"""What the demo found: for people in the terminal, for scripts in ``demo-summary.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from examples.flights_2013.replay import Replayed
from rich.console import Console
from rich.table import Table

from tidewheel.monitoring.report import Report
from tidewheel.workspace import Workspace

ALL = "all"
PROTOTYPE = {"2013-09-01": 0.54, "2013-10-01": 0.56, "2013-11-01": 0.54, "2013-12-01": 0.66}
"""Average precision of a quick prototype with rolling means and nothing else: the bar."""


def summarize(
    workspace: Workspace, report: Report, whole: Report, replayed: Replayed, seconds: float
) -> dict[str, Any]:
    """Put the demo's numbers together.

    Parameters
    ----------
    report : Report
        By month and version.
    whole : Report
        By month, all versions taken together.
    """
    parity = workspace.check_features("Delays", sample=0)
    kept = set(workspace.decisions("Delays", ["decision_id"])["decision_id"].to_pylist())
    latency = next(period.latency_us for period in whole.totals)
    return {
        "decisions": len(replayed.decisions),
        "refused": len(replayed.refused),
        "fallbacks": replayed.fallbacks,
        "lost_decisions": len(set(replayed.decisions.values()) - kept),
        "replayed": parity.checked,
        "differences": parity.differences,
        "latency_us": {"p50": latency.p50, "p95": latency.p95, "p99": latency.p99} if latency else None,
        "average_precision": _by_month(whole, report, "average_precision"),
        "brier": _by_month(whole, report, "brier"),
        "late_share": {period.start[:7]: period.positive_share for period in whole.periods},
        "drift": [_drift(found) for found in report.drift if found.low >= 0.1],
        "alerts": [h.text for h in report.happenings if h.kind.startswith("alert")],
        "deployments": [
            {"at": h.at, "move": h.kind, "what": h.text} for h in report.happenings if "alert" not in h.kind
        ],
        "replay_seconds": round(replayed.seconds, 1),
        "wall_seconds": round(seconds, 1),
    }


def _by_month(whole: Report, report: Report, metric: str) -> dict[str, dict[str, float]]:
    months: dict[str, dict[str, float]] = {}
    for period, version in [*((p, ALL) for p in whole.periods), *((p, p.version) for p in report.periods)]:
        if metric in period.metrics:
            months.setdefault(period.start[:7], {})[version] = round(period.metrics[metric].value, 4)
    return months


def _drift(found: Any) -> dict[str, Any]:
    return {"month": found.start[:7], "version": found.version, "column": found.feature, "psi": round(found.psi, 3)}


def write_json(summary: dict[str, Any], path: Path) -> None:
    """Write the summary for scripts."""
    path.write_text(json.dumps(summary, indent=2) + "\n")


def show(summary: dict[str, Any]) -> None:
    """Print the summary for people."""
    console = Console()
    console.rule("Delays: every flight that left New York, September to December 2013")
    latency = summary["latency_us"]
    console.print(
        f"{summary['decisions']:,} decisions served over HTTP, {summary['fallbacks']} by fallback, "
        f"{summary['lost_decisions']} lost; in the service "
        f"{latency['p50']:.0f} µs at the median, {latency['p95']:.0f} at p95, {latency['p99']:.0f} at p99"
    )
    console.print(f"{summary['replayed']:,} decisions replayed from history: {summary['differences']} differences")
    console.print(_months(summary))
    for move in summary["deployments"]:
        console.print(f"  {_day(move['at'])}  {move['move']:<9} {move['what']}")
    drifted = sorted({found["column"] for found in summary["drift"]})
    console.print(
        f"drift seen in {len(drifted)} columns: {', '.join(drifted[:8])}{', ...' if len(drifted) > 8 else ''}"
    )
    console.print(f"{summary['wall_seconds']:.0f} s in all, {summary['replay_seconds']:.0f} s of them the replay")


def _months(summary: dict[str, Any]) -> Table:
    table = Table(title="average precision and calibration by month", title_justify="left")
    for header in ("month", "late", "served", "prototype", "Brier"):
        table.add_column(header, justify="left" if header == "month" else "right", no_wrap=True)
    table.add_column("each version on its own flights")
    for month, values in summary["average_precision"].items():
        versions = ", ".join(f"{name} {value:.3f}" for name, value in values.items() if name != ALL)
        bar, late = PROTOTYPE.get(f"{month}-01"), summary["late_share"].get(month)
        brier = summary["brier"].get(month, {}).get(ALL)
        shown = [
            "-" if value is None else f"{value:{form}}" for value, form in ((late, ".1%"), (bar, ".2f"), (brier, ".3f"))
        ]
        table.add_row(month, shown[0], f"{values[ALL]:.3f}", shown[1], shown[2], versions)
    return table


def _day(instant: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(instant / 1e6, tz=UTC).strftime("%d %b")
