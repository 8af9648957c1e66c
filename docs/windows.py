"""Draws ``docs/windows.svg``: which events a window holds, as the kernel itself says. ``make docs``."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from tidewheel.kernel import AggregateSpec, Events, build_layout, empty, fold, read

HERE = Path(__file__).parent
MINUTE = 60_000_000
HOP, WINDOW = 5 * MINUTE, 30 * MINUTE
BEGIN, SPAN = 0, 75
"""Minutes that are drawn."""
LEFT, WIDTH, ROW = 24, 900, 132
COUNTED, LEFT_OUT, TILE, INK = "#1b7f5c", "#c9ccd1", "#e3f2ec", "#33373d"


class Picture(NamedTuple):
    """One window read at one instant, in minutes."""

    title: str
    instant: float
    delay: int = 0


PICTURES = (
    Picture("a window of 30 min with a hop of 5 min, read at 60:00: head exact, tail on a tile's edge", 60),
    Picture("the same read at 63:00: the tail stays where it was, the window is 33 min long", 63),
    Picture("with delay=10 min, read at 63:00: both edges on tiles", 63, 10 * MINUTE),
)
HAPPENED = (21, 26, 29.5, 30, 31, 37, 44, 47.5, 49.9, 52, 53.2, 58, 60, 62, 66)
"""Minutes at which something happened."""


def counted(picture: Picture, minute: float) -> bool:
    """Ask the kernel whether the window holds an event of that minute, which arrived as it happened."""
    layout = build_layout([AggregateSpec("count", 0, -1, WINDOW, HOP, picture.delay)])
    at, instant = int(minute * MINUTE), int(picture.instant * MINUTE)
    if at >= instant:
        return False  # not visible: a read sees what arrived before its instant
    one = np.array([at])
    event = Events(np.array([0, 1]), np.zeros(1, np.int8), one, one, np.ones(1, np.int64), np.empty((1, 0)))
    return bool(read(layout, fold(layout, empty(1), event), np.array([instant]))[0][0, 0])


def x(minute: float) -> float:
    """Return where a minute is drawn."""
    return LEFT + (minute - BEGIN) / SPAN * (WIDTH - 2 * LEFT)


def text(at: float, y: float, words: str, anchor: str = "middle", size: int = 12) -> str:
    """Return a piece of writing."""
    return f'<text x="{at:.1f}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="{INK}">{words}</text>'


def drawn(picture: Picture, top: int) -> list[str]:
    """Return one picture's shapes."""
    line, parts = top + 62, [text(LEFT, top + 16, picture.title, "start", 13)]
    minutes = np.arange(BEGIN, SPAN, 0.05)
    held = [minute for minute in minutes if counted(picture, float(minute))]
    first, end = min(held), max(held) + 0.05
    parts.append(
        f'<rect x="{x(first):.1f}" y="{line - 22}" width="{x(end) - x(first):.1f}" height="44" fill="{TILE}"/>'
    )
    for minute in range(BEGIN, SPAN + 1, 5):
        parts.append(f'<path d="M{x(minute):.1f} {line - 22}v44" stroke="{LEFT_OUT}" stroke-dasharray="2 3"/>')
        parts.append(text(x(minute), line + 40, f"{minute}", size=10))
    parts.append(f'<path d="M{x(BEGIN):.1f} {line}H{x(SPAN):.1f}" stroke="{INK}"/>')
    parts.append(f'<path d="M{x(picture.instant):.1f} {line - 30}v60" stroke="{INK}" stroke-width="2"/>')
    parts.append(text(x(picture.instant), line - 34, "read"))
    for minute in HAPPENED:
        color = COUNTED if counted(picture, minute) else LEFT_OUT
        parts.append(f'<circle cx="{x(minute):.1f}" cy="{line}" r="5" fill="{color}"/>')
    return parts


def svg() -> str:
    """Return all pictures, one below the other."""
    shapes = [shape for row, picture in enumerate(PICTURES) for shape in drawn(picture, row * ROW)]
    height = len(PICTURES) * ROW
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="white"/>', *shapes, "</svg>"]) + "\n"


if __name__ == "__main__":
    (HERE / "windows.svg").write_text(svg())
