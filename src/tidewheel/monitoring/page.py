"""A report as one self-contained HTML page: figures, SVG and tables; no script, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from statistics import median
from typing import Any

from tidewheel.monitoring import charts, html
from tidewheel.monitoring.drift import SCORE
from tidewheel.monitoring.lists import BIAS
from tidewheel.monitoring.report import FeatureDrift, Period, Report
from tidewheel.monitoring.story import Told, tell

MOST_MOVED = 15
"""Columns shown of those that drifted."""


def render(report: Report) -> str:
    """Return the page's HTML.

    Parameters
    ----------
    report : Report
        Sections that it has nothing for are left out.
    """
    body = "".join(
        [
            _head(report),
            _story(report),
            _over_time(report),
            _scores(report),
            _lists(report),
            _drift(report),
            _versions(report),
            _periods(report),
        ]
    )
    return html.page(f"{report.service}: report", body)


def _head(report: Report) -> str:
    span = f"{html.day(report.start)} to {html.day(report.end)}"
    known = f"Decisions from {span} (UTC), with outcomes as known at {html.day(report.generated_at)}."
    shown = [(name, value) for name, value in _figures(report) if value]
    return f'<h1>{escape(report.service)}</h1><p class="quiet">{known}</p>{html.figures(shown)}'


def _figures(report: Report) -> list[tuple[str, str]]:
    totals = report.totals
    decisions, known = sum(p.decisions for p in totals), sum(p.matured for p in totals)
    mean = sum(p.positive_share * p.matured for p in totals if p.positive_share is not None)
    usual = max((p for p in totals if p.latency_us), key=lambda p: p.decisions, default=None)
    slowest = usual.latency_us.p99 if usual and usual.latency_us else None
    versions = len([p for p in totals if p.version])
    return [
        ("decisions", f"{decisions:,}"),
        ("outcomes known", f"{known:,}" if known else ""),
        ("mean outcome", f"{mean / known:.3f}" if known else ""),
        ("fallbacks", f"{sum(p.fallbacks for p in totals):,}"),
        ("version" if versions == 1 else "versions", f"{versions}"),
        (
            f"p99 inside the service, {usual.version or charts.NO_MODEL}" if usual else "",
            f"{slowest / 1000:.2f} ms" if slowest is not None else "",
        ),
    ]


def _story(report: Report) -> str:
    told = tell(report.happenings)
    if not told:
        return ""
    rows = "".join(f"<tr><td>{html.day(t.at)}</td><td>{escape(t.what)}</td><td>{_told(t)}</td></tr>" for t in told)
    return html.section("What happened", f'<div class="box story"><table><tbody>{rows}</tbody></table></div>')


def _told(told: Told) -> str:
    if not told.details:
        return escape(told.text)
    details = "".join(f"<div>{escape(line)}</div>" for line in told.details)
    return f"<details><summary>{escape(told.text)}</summary>{details}</details>"


def _over_time(report: Report) -> str:
    if len({p.start for p in report.periods}) < 2:
        return ""
    measured = [name for name in report.metrics if any(name in p.metrics for p in report.periods)]
    drawn = [
        html.figure("Decisions", charts.traffic(report)),
        html.figure("Outcomes", charts.positive_share(report)),
        *[html.figure(name, charts.metric_lines(report, name)) for name in measured],
        html.figure("Latency inside the service", charts.latency(report)),
    ]
    intro = f'<p class="quiet">By {report.by}, on known outcomes, with 95% intervals; dotted where a pointer moved.</p>'
    return html.charts("Over time", drawn, intro)


def _scores(report: Report) -> str:
    drawn = [html.figure("Scores", charts.scores(report)), html.figure("Calibration", charts.calibration(report))]
    pending = sum(p.pending for p in report.totals)
    none = f"No outcome is known yet: {pending:,} decisions wait for theirs." if pending else ""
    known = any(p.matured for p in report.totals)
    return html.charts("Scores and what came of them", drawn, html.paragraph("" if known else none))


def _lists(report: Report) -> str:
    drawn = [html.figure("Outcomes by place in the list", charts.places(report))]
    intro = f'<p class="quiet">{escape(BIAS)}</p>'
    headers = ["version", "items", "of all", "evenness", "unlike"]
    rows = [
        [p.version or charts.NO_MODEL, s.items, f"{s.coverage:.1%}", s.evenness, s.unlike]
        for p in report.totals
        if (s := p.spread) is not None
    ]
    table = html.section("Which items stood in lists", html.table(headers, rows)) if rows else ""
    return html.charts("Lists", drawn, intro) + table


def _drift(report: Report) -> str:
    latest = _latest_full(report)
    moved = most_moved(report.drift, latest)
    if not moved:
        return ""
    version = moved[0].version
    intro = (
        f'<p class="quiet">The index (PSI) of served rows against those that {escape(version)} was trained on, and its '
        "95% interval; scores against those of its test. Days, not rows, count as independent.</p>"
    )
    drawn = [
        html.figure(f"Most moved, {report.by} of {latest}", charts.drift(moved)),
        html.figure("The score, over time", charts.score_drift(report))
        if len({d.start for d in report.drift}) > 1
        else "",
    ]
    headers = ["column", "PSI", "low", "high", "if nothing moved", "null", "null when trained"]
    rows = [[d.feature, d.psi, d.low, d.high, d.noise, d.null_share, d.null_share_trained] for d in moved]
    table = f"<details><summary>As a table</summary>{html.table(headers, rows)}</details>"
    return html.charts("Drift", drawn, intro) + table


def _latest_full(report: Report) -> str:
    """Return the last period with drift that is not just begun: one with half the decisions of a usual one."""
    decisions: dict[str, int] = {}
    for p in report.periods:
        decisions[p.start] = decisions.get(p.start, 0) + p.decisions
    usual = median(decisions.values()) if decisions else 0
    return max((d.start for d in report.drift if 2 * decisions.get(d.start, 0) >= usual), default="")


def most_moved(drifts: Sequence[FeatureDrift], start: str) -> list[FeatureDrift]:
    """Return what moved most in a period: columns of the version with most of them, its score first."""
    then = [d for d in drifts if d.start == start]
    versions = sorted({d.version for d in then})
    if not versions:
        return []
    version = max(versions, key=lambda v: (sum(1 for d in then if d.version == v), v))
    of_version = [d for d in then if d.version == version]
    scores = [d for d in of_version if d.feature == SCORE]
    columns = sorted((d for d in of_version if d.feature != SCORE and d.low > 0.0), key=lambda d: -d.low)
    return (scores + columns)[:MOST_MOVED]


def _versions(report: Report) -> str:
    actions = sorted({name for p in report.totals for name in p.actions if name})
    headers = ["version", "decisions", *actions, "explored", "fallbacks", "known", "pending", "prevented", "missing"]
    headers += ["outside"] * any(p.outside for p in report.totals)
    rows = [
        [p.version or charts.NO_MODEL, p.decisions]
        + [_percent(p.actions.get(name, 0), p.decisions) for name in actions]
        + [p.explored, p.fallbacks, p.matured, p.pending, p.prevented, p.missing]
        + [p.outside] * ("outside" in headers)
        for p in report.totals
    ]
    return html.section("Versions", html.table(headers, rows)) if rows else ""


def _periods(report: Report) -> str:
    rows = [_period(report, p) for p in report.periods]
    headers = [report.by, "version", "decisions", "fallbacks", "known", "mean", *report.metrics, "p50 µs", "p99 µs"]
    return html.section(f"By {report.by}", html.table(headers, rows)) if rows else ""


def _period(report: Report, p: Period) -> list[Any]:
    spent = [round(p.latency_us.p50), round(p.latency_us.p99)] if p.latency_us else [None, None]
    head = [p.start, p.version or charts.NO_MODEL, p.decisions, p.fallbacks, p.matured, p.positive_share]
    return [*head, *[p.metrics.get(name) for name in report.metrics], *spent]


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
