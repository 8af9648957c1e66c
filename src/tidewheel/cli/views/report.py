"""A report in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tidewheel.cli.output import print_table, when
from tidewheel.cli.views.deployment import print_parity

if TYPE_CHECKING:
    from tidewheel.monitoring.report import Period, Report


def print_report(report: Report) -> None:
    """Print a service's periods, its totals, what drifted and what happened."""
    click.echo(f"{report.service}: {when(report.start)} to {when(report.end)}, as known at {when(report.generated_at)}")
    headers = ["from", "version", "decisions", "fallbacks", "known", "positive", *report.metrics, "p50 µs", "p99 µs"]
    rows = [_row(period, report.metrics) for period in [*report.periods, *report.totals]]
    print_table(headers, rows)
    _print_lists(report.totals)
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


def _print_lists(totals: Sequence[Period]) -> None:
    """Print what came of the items by their place, and which items there were."""
    from tidewheel.monitoring.lists import BIAS

    places = [
        [p.version or "no model", at.place, at.known, at.mean.value, at.mean.low, at.mean.high]
        for p in totals
        for at in p.places
    ]
    if places:
        print_table(["version", "place", "known", "mean", "low", "high"], places, title="outcomes by place in the list")
        click.echo(BIAS)
    spread = [
        [p.version or "no model", s.items, s.coverage, s.evenness, s.unlike]
        for p in totals
        if (s := p.spread) is not None
    ]
    if spread:
        print_table(["version", "items", "of all", "evenness", "unlike"], spread, title="which items stood in lists")


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
