"""What happened, as one would tell it: moves one by one, alerts of a kind and a day together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tidewheel.monitoring.answers import DAY
from tidewheel.monitoring.report import Happening

ALERT = "alert"
SHOWN = 2
"""Alerts of a day beyond so many are told together."""


@dataclass(frozen=True)
class Told:
    """One line of the story; `details` are what it stands for, when it stands for several."""

    at: int
    what: str
    text: str
    details: tuple[str, ...] = ()


def tell(happenings: Sequence[Happening]) -> list[Told]:
    """Return the story of a service, by time.

    Examples
    --------
    >>> alerts = [Happening(5, "alert: drift", f"x{i} moved") for i in range(4)]
    >>> [(line.text, len(line.details)) for line in tell([Happening(0, "deploy", "M@1 answers"), *alerts])]
    [('M@1 answers', 0), ('4 alerts: x0 moved, ...', 4)]
    """
    told: list[Told] = []
    for (what, _), grouped in groupby(sorted(happenings, key=lambda h: h.at), key=_kind):
        these = list(grouped)
        if what.startswith(ALERT) and len(these) > SHOWN:
            details = tuple(h.text for h in these)
            told.append(Told(these[0].at, what, f"{len(these)} alerts: {details[0]}, ...", details))
        else:
            told += [Told(h.at, h.kind, h.text) for h in these]
    return told


def _kind(happening: Happening) -> tuple[str, int]:
    return happening.kind, happening.at // DAY
