"""A report as one self-contained HTML page: figures, SVG and tables; no script, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from statistics import median
from typing import Any

from tidewheel.monitoring import charts
from tidewheel.monitoring.drift import SCORE
from tidewheel.monitoring.report import FeatureDrift, Period, Report
from tidewheel.monitoring.story import Told, tell

MOST_MOVED = 15
"""Columns shown of those that drifted."""

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; background: #f6f7f9; margin: 0 auto; padding: 24px;
  max-width: 1080px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 32px 0 8px; } h3 { font-size: 14px; margin: 0 0 4px; }
p { margin: 4px 0 8px; } .quiet, small { color: #4a5361; } small { font-size: 11px; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 18px 0 0; padding: 0; }
.figures div, figure, .box { background: #fff; border: 1px solid #e0e3e8; border-radius: 8px; }
.figures div { padding: 8px 16px; flex: 1; min-width: 110px; }
.figures dd { margin: 0; font-size: 22px; font-weight: 600; }
.figures dt { color: #4a5361; font-size: 12px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 500px), 1fr)); gap: 12px; }
figure { margin: 0; padding: 12px 14px; overflow-x: auto; }
figure svg { max-width: 100%; height: auto; display: block; }
.box { overflow-x: auto; padding: 4px 6px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid #e9ebef; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th { color: #4a5361; font-weight: 600; } .first th:first-child, .first td:first-child { text-align: left; }
.story td, .story th { text-align: left; white-space: normal; vertical-align: top; }
.story td:nth-child(-n+2) { white-space: nowrap; }
summary { cursor: pointer; color: #1f5fa8; }
@media print { body { background: #fff; } figure, .box { break-inside: avoid; } }
"""


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
            _drift(report),
            _versions(report),
            _periods(report),
        ]
    )
    title = f"{escape(report.service)}: report"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>\n"
    )


def _head(report: Report) -> str:
    span = f"{_day(report.start)} to {_day(report.end)}"
    known = f"Decisions from {span} (UTC), with outcomes as known at {_day(report.generated_at)}."
    shown = [(name, value) for name, value in _figures(report) if value]
    cells = "".join(f"<div><dd>{escape(value)}</dd><dt>{escape(name)}</dt></div>" for name, value in shown)
    return f'<h1>{escape(report.service)}</h1><p class="quiet">{known}</p><dl class="figures">{cells}</dl>'


def _figures(report: Report) -> list[tuple[str, str]]:
    totals = report.totals
    decisions, known = sum(p.decisions for p in totals), sum(p.matured for p in totals)
    mean = sum(p.positive_share * p.matured for p in totals if p.positive_share is not None)
    slowest = max((p.latency_us.p99 for p in totals if p.latency_us), default=None)
    return [
        ("decisions", f"{decisions:,}"),
        ("outcomes known", f"{known:,}" if known else ""),
        ("mean outcome", f"{mean / known:.3f}" if known else ""),
        ("fallbacks", f"{sum(p.fallbacks for p in totals):,}"),
        ("versions", f"{len([p for p in totals if p.version])}"),
        ("p99 inside the service", f"{slowest / 1000:.2f} ms" if slowest is not None else ""),
    ]


def _story(report: Report) -> str:
    told = tell(report.happenings)
    if not told:
        return ""
    rows = "".join(f"<tr><td>{_day(t.at)}</td><td>{escape(t.what)}</td><td>{_told(t)}</td></tr>" for t in told)
    return _section("What happened", f'<div class="box story"><table><tbody>{rows}</tbody></table></div>')


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
        _figure("Decisions", charts.traffic(report)),
        _figure("Outcomes", charts.positive_share(report)),
        *[_figure(name, charts.metric_lines(report, name)) for name in measured],
        _figure("Latency inside the service", charts.latency(report)),
    ]
    intro = f'<p class="quiet">By {report.by}, on known outcomes, with 95% intervals; dotted where a pointer moved.</p>'
    return _charts("Over time", drawn, intro)


def _scores(report: Report) -> str:
    drawn = [_figure("Scores", charts.scores(report)), _figure("Calibration", charts.calibration(report))]
    return _charts("Scores and what came of them", drawn)


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
        _figure(f"Most moved, {report.by} of {latest}", charts.drift(moved)),
        _figure("The score, over time", charts.score_drift(report)) if len({d.start for d in report.drift}) > 1 else "",
    ]
    headers = ["column", "PSI", "low", "high", "if nothing moved", "null", "null when trained"]
    rows = [[d.feature, d.psi, d.low, d.high, d.noise, d.null_share, d.null_share_trained] for d in moved]
    table = f"<details><summary>As a table</summary>{_table(headers, rows)}</details>"
    return _charts("Drift", drawn, intro) + table


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
    rows = [
        [p.version or charts.NO_MODEL, p.decisions]
        + [_percent(p.actions.get(name, 0), p.decisions) for name in actions]
        + [p.explored, p.fallbacks, p.matured, p.pending, p.prevented, p.missing]
        for p in report.totals
    ]
    return _section("Versions", _table(headers, rows)) if rows else ""


def _periods(report: Report) -> str:
    rows = [_period(report, p) for p in report.periods]
    headers = [report.by, "version", "decisions", "fallbacks", "known", "mean", *report.metrics, "p50 µs", "p99 µs"]
    return _section(f"By {report.by}", _table(headers, rows)) if rows else ""


def _period(report: Report, p: Period) -> list[Any]:
    spent = [round(p.latency_us.p50), round(p.latency_us.p99)] if p.latency_us else [None, None]
    head = [p.start, p.version or charts.NO_MODEL, p.decisions, p.fallbacks, p.matured, p.positive_share]
    return [*head, *[p.metrics.get(name) for name in report.metrics], *spent]


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _charts(title: str, figures: Sequence[str], intro: str = "") -> str:
    drawn = "".join(figures)
    return _section(title, f'{intro}<div class="charts">{drawn}</div>') if drawn else ""


def _figure(title: str, spec: charts.Spec | None) -> str:
    if spec is None:
        return ""
    return f"<figure><h3>{escape(title)}</h3>{charts.svg(spec, title)}</figure>"


def _table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in headers)
    lines = "".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows)
    return f'<div class="box first"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    if hasattr(value, "resamples"):
        return f"{value.value:.3f} <small>{value.low:.3f} to {value.high:.3f}</small>"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _day(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1e6, tz=UTC).strftime("%Y-%m-%d %H:%M")
