"""A report in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tidewheel.cli.deployment_view import print_parity
from tidewheel.cli.output import print_table, when

if TYPE_CHECKING:
    from tidewheel.monitoring.report import Period, Report


def print_report(report: Report) -> None:
    """Print a service's periods, its totals, what drifted and what happened."""
    click.echo(f"{report.service}: {when(report.start)} to {when(report.end)}, as known at {when(report.generated_at)}")
    headers = ["from", "version", "decisions", "fallbacks", "known", "positive", *report.metrics, "p50 µs", "p99 µs"]
    rows = [_row(period, report.metrics) for period in [*report.periods, *report.totals]]
    print_table(headers, rows)
    latest = max((found.start for found in report.drift), default="")
    moved = sorted((d for d in report.drift if d.start == latest and d.low > 0), key=lambda d: -d.low)[:10]
    if moved:
        table = [[d.version, d.feature, d.psi, d.low, d.high, d.null_share] for d in moved]
        print_table(
            ["version", "column", "PSI", "low", "high", "null share"], table, title=f"moved most, since {latest}"
        )
    if report.parity is not None:
        print_parity([report.parity])
    if report.happenings:
        print_table(["when", "what", ""], [[when(h.at), h.kind, h.text] for h in report.happenings])


def _row(period: Period, metrics: list[str]) -> list[object]:
    shown = [_interval(period, name) for name in metrics]
    latency = period.latency_us
    spent: list[object] = [round(latency.p50), round(latency.p99)] if latency else [None, None]
    version = period.version or "no model"
    head = [period.start, version, period.decisions, period.fallbacks, period.matured, period.positive_share]
    return [*head, *shown, *spent]


def _interval(period: Period, name: str) -> str | None:
    found = period.metrics.get(name)
    return None if found is None else f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
