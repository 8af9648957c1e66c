"""What pages are made of: one style, figures, drawings, tables. No script, nothing loaded from anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from tidewheel.monitoring import charts as drawing

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --quiet: #4a5361; --back: #f6f7f9; --box: #fff; --edge: #e0e3e8;
  --rule: #e9ebef; --link: #1f5fa8; --good: #1d6b43; --bad: #a3261c; --wait: #7a5a00; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 0 auto; padding: 24px;
  max-width: 1080px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 32px 0 8px; } h3 { font-size: 14px; margin: 0 0 4px; }
p { margin: 4px 0 8px; } .quiet, small { color: var(--quiet); } small { font-size: 11px; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 18px 0 0; padding: 0; }
.figures div, figure, .box { background: var(--box); border: 1px solid var(--edge); border-radius: 8px; }
.figures div { padding: 8px 16px; flex: 1; min-width: 110px; }
.figures dd { margin: 0; font-size: 22px; font-weight: 600; }
.figures dt { color: var(--quiet); font-size: 12px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 500px), 1fr)); gap: 12px; }
.charts.small { grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); }
figure { margin: 0; padding: 12px 14px; overflow-x: auto; }
figure svg { max-width: 100%; height: auto; display: block; }
.box { overflow-x: auto; padding: 4px 6px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th { color: var(--quiet); font-weight: 600; } .text { text-align: left; }
.story td, .story th { text-align: left; white-space: normal; vertical-align: top; }
.story td:nth-child(-n+2) { white-space: nowrap; width: 1px; }
summary { cursor: pointer; color: var(--link); }
.flow { display: flex; flex-wrap: wrap; gap: 8px 28px; padding: 10px; align-items: center; margin: 0; }
.flow > li { position: relative; min-width: 110px; list-style: none; }
.flow ul { list-style: none; margin: 0; padding: 0; }
.flow > li + li::before { content: "\\2192"; position: absolute; left: -22px; top: 50%; translate: 0 -50%; }
.flow h3 { color: var(--quiet); font-weight: normal; font-size: 12px; }
.flow ul li { border: 1px solid var(--edge); border-radius: 6px; padding: 2px 8px; margin: 3px 0; font-size: 13px; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
.wait { color: var(--wait); font-weight: 600; }
.words td, .words th { text-align: left; white-space: normal; vertical-align: top; overflow-wrap: anywhere; }
.words td:nth-child(-n+2) { min-width: 105px; }
details { margin: 6px 0; } dl.figures dd { overflow-wrap: anywhere; }
@media (max-width: 600px) { body { padding: 14px; } figure { padding: 10px; } .figures dd { font-size: 18px; }
  .flow { flex-direction: column; align-items: stretch; gap: 22px; }
  .flow > li + li::before { content: "\\2193"; left: 50%; top: -10px; } }
@media print { body { background: #fff; } figure, .box { break-inside: avoid; } }
"""

_DARK = {
    "#1d2733": "#e6e9ee", "#4a5361": "#aab4c1", "#f6f7f9": "#12161c", "#fff": "#1a2029", "#e0e3e8": "#303a47",
    "#e9ebef": "#29323e", "#1f5fa8": "#6ea8ec", "#1d6b43": "#6fcf97", "#a3261c": "#ff8d7e", "#7a5a00": "#e3c04f",
    "#e6e8eb": "#303a47", "#b8bec6": "#55606e", "#c8560f": "#f08f4c", "#2c7a51": "#63bf8e", "#9a3770": "#dd7fb5",
    "#6244b0": "#a993ec", "#806000": "#d1ab3a", "#9db7d6": "#41648f",
}  # fmt: skip
"""What stands for a colour, of the page or of a drawing, on a dark screen; greys between stay."""


def _style() -> str:
    """Return the style, with its colours for a dark screen worked out from those for a light one."""
    named = re.findall(r"(--\w+): (#\w+);", _STYLE)
    root = " ".join(f"{name}: {_DARK[color]};" for name, color in named)
    drawn = " ".join(
        f'svg [{what}="{light}"] {{ {what}: {dark}; }}' for light, dark in _DARK.items() for what in ("fill", "stroke")
    )
    return f"{_STYLE}@media screen and (prefers-color-scheme: dark) {{ :root {{ {root} }} {drawn} }}\n"


def page(title: str, body: str) -> str:
    """Return a whole page; `body` is HTML, `title` is not.

    Examples
    --------
    >>> page("a < b", "<p>text</p>")[:62]
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><ti'
    """
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_style()}</style></head>'
        f"<body><main>{body}</main></body></html>\n"
    )


def figures(shown: Iterable[tuple[str, str]]) -> str:
    """Return a row of large numbers, each with what it is."""
    cells = "".join(f"<div><dd>{escape(value)}</dd><dt>{escape(name)}</dt></div>" for name, value in shown)
    return f'<dl class="figures">{cells}</dl>'


def section(title: str, content: str) -> str:
    """Return content under a heading; nothing for no content."""
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def charts(title: str, drawn: Sequence[str], intro: str = "", *, small: bool = False) -> str:
    """Return drawings beside each other under a heading; nothing when there are none."""
    inside = "".join(drawn)
    kind = "charts small" if small else "charts"
    return section(title, f'{intro}<div class="{kind}">{inside}</div>') if inside else ""


def figure(title: str, spec: drawing.Spec | None, said: str = "", more: str = "") -> str:
    """Return a drawing with its title; nothing for no specification.

    Parameters
    ----------
    said : str
        What it shows, in words, for who can't see it.
    more : str
        HTML to stand below it.
    """
    if spec is None:
        return ""
    return f"<figure><h3>{escape(title)}</h3>{drawing.svg(spec, f'{title}. {said}' if said else title)}{more}</figure>"


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], *, words: bool = False) -> str:
    """Return a table: texts to the left, numbers to the right; with `words`, its cells are text that may wrap.

    Headers that are all empty are left out.
    """
    kept = [list(row) for row in rows]
    texts = [all(_is_text(row[place]) for row in kept) for place in range(len(headers))]
    sides = [' class="text"' if text else "" for text in texts]
    head = "".join(f'<th scope="col"{side}>{escape(name)}</th>' for name, side in zip(headers, sides, strict=True))
    lines = "".join(
        "<tr>" + "".join(f"<td{side}>{cell(value)}</td>" for value, side in zip(row, sides, strict=True)) + "</tr>"
        for row in kept
    )
    above = f"<thead><tr>{head}</tr></thead>" if any(headers) else ""
    kind = "box words" if words else "box"
    return f'<div class="{kind}"><table>{above}<tbody>{lines}</tbody></table></div>'


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "-" and not value.endswith("%")


def folded(title: str, content: str) -> str:
    """Return content that opens when it is asked for."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>" if content else ""


def paragraph(text: str) -> str:
    """Return a quiet paragraph."""
    return f'<p class="quiet">{escape(text)}</p>' if text else ""


class Raw(str):
    """HTML that `cell` leaves as it is."""


def cell(value: Any) -> str:
    """Return what stands in a cell: numbers short, intervals small, texts escaped."""
    if value is None:
        return "-"
    if isinstance(value, Raw):
        return value
    if isinstance(value, float):
        return f"{value:.3f}"
    if hasattr(value, "resamples"):
        return f"{value.value:.3f} <small>{value.low:.3f} to {value.high:.3f}</small>"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else escape(str(value))


def day(instant: int) -> str:
    """Return an instant (µs, UTC) as people read it."""
    return datetime.fromtimestamp(instant / 1e6, tz=UTC).strftime("%Y-%m-%d %H:%M")
