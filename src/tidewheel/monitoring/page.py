"""A report as one self-contained HTML page: tables and SVG, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from tidewheel.monitoring import charts
from tidewheel.monitoring.report import FeatureDrift, Period, Report

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; background: #fbfcfd; }
body { margin: 0 auto; max-width: 960px; padding: 24px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 36px 0 8px; }
p.lead { color: #4a5361; margin-top: 4px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 8px; border-bottom: 1px solid #e6e8eb; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
th { color: #4a5361; font-weight: 600; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; }
.figure { background: #fff; border: 1px solid #e6e8eb; border-radius: 8px; padding: 10px 16px; min-width: 120px; }
.figure b { display: block; font-size: 22px; } .figure span { color: #4a5361; font-size: 12px; }
svg { max-width: 100%; height: auto; } .wide { overflow-x: auto; }
"""


def render(report: Report) -> str:
    """Return the page's HTML."""
    body = "".join(
        [
            _head(report),
            _figures(report),
            _section("Traffic", _chart(charts.traffic(report))),
            *[_section(name, _chart(charts.metric_lines(report, name))) for name in _known(report)],
            _section("Outcomes", _chart(charts.positive_share(report))),
            _section("Versions by period", _periods(report.periods, report.metrics)),
            _section("Scores", _chart(charts.scores(report.totals))),
            _calibration(report.totals),
            _drift(report.drift),
            _section("Latency", _chart(charts.latency(report))),
            _happenings(report),
        ]
    )
    title = f"{escape(report.service)}: report"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>{body}</body></html>\n'
    )


def _head(report: Report) -> str:
    span = f"{_day(report.start)} to {_day(report.end)}"
    known = f"Decisions from {span} (UTC), as known at {_day(report.generated_at)}."
    return f'<h1>{escape(report.service)}</h1><p class="lead">{known}</p>'


def _figures(report: Report) -> str:
    decisions = sum(p.decisions for p in report.totals)
    fallbacks = sum(p.fallbacks for p in report.totals)
    slowest = max((p.latency_us.p99 for p in report.totals if p.latency_us), default=None)
    shown = [
        ("decisions", f"{decisions:,}"),
        ("outcomes known", f"{sum(p.matured for p in report.totals):,}"),
        ("fallbacks", f"{fallbacks:,}"),
        ("versions", f"{len([p for p in report.totals if p.version])}"),
        ("slowest p99", f"{slowest / 1000:.2f} ms" if slowest is not None else "-"),
    ]
    cells = "".join(f'<div class="figure"><b>{value}</b><span>{name}</span></div>' for name, value in shown)
    return f'<div class="figures">{cells}</div>'


def _known(report: Report) -> list[str]:
    return [name for name in report.metrics if any(name in p.metrics for p in report.periods)]


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>{content}"


def _chart(spec: charts.Spec) -> str:
    return f'<div class="wide">{charts.svg(spec)}</div>'


def _table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in headers)
    lines = "".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _periods(periods: Sequence[Period], metrics: Sequence[str]) -> str:
    headers = ["from", "version", "decisions", "fallbacks", "known", "positive", *metrics, "p50 µs", "p99 µs"]
    rows = [
        [p.start, p.version or "no model", p.decisions, p.fallbacks, p.matured, p.positive_share]
        + [_interval(p, name) for name in metrics]
        + ([round(p.latency_us.p50), round(p.latency_us.p99)] if p.latency_us else [None, None])
        for p in periods
    ]
    return _table(headers, rows)


def _interval(period: Period, name: str) -> str | None:
    found = period.metrics.get(name)
    return None if found is None else f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _calibration(totals: Sequence[Period]) -> str:
    judged = [p for p in totals if p.reliability]
    return _section("Calibration", _chart(charts.calibration(judged))) if judged else ""


def _drift(drifts: Sequence[FeatureDrift]) -> str:
    if not drifts:
        return ""
    latest = max(d.start for d in drifts)
    now = [d for d in drifts if d.start == latest]
    intro = (
        f'<p class="lead">Served rows since {escape(latest)} against the rows the version was trained on: '
        "the index with the 95% interval that both sample sizes allow.</p>"
    )
    rows = [
        [d.feature, d.psi, d.low, d.high, d.noise, d.null_share, d.null_share_trained]
        for d in sorted(now, key=lambda d: -d.low)
    ]
    headers = ["column", "PSI", "low", "high", "noise", "null share", "when trained"]
    return _section("Drift", intro + _chart(charts.drift(now)) + _table(headers, rows))


def _happenings(report: Report) -> str:
    if not report.happenings:
        return ""
    rows = [[_day(h.at), h.kind, h.text] for h in report.happenings]
    return _section("What happened", _table(["when", "what", ""], rows).replace("<td>", '<td class="text">'))


def _day(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1e6, tz=UTC).strftime("%Y-%m-%d %H:%M")
