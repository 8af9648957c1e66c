"""Holds an arm to the freshness that its view declares."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tidewheel.features.reading.freshness import groups_of, watermarks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidewheel.definitions.ir import View
    from tidewheel.features.planning.view import ViewPlan
    from tidewheel.storage.log.event_log import EventLog
    from tidewheel.storage.protocols import State

GRAIN = 0.01
"""Seconds for which a look holds: how far features are behind changes in steps of this."""
NONE: frozenset[str] = frozenset()


class Freshness:
    """Knows how far behind the states of a view are.

    Parameters
    ----------
    view : View
        Declares a freshness.
    plan : ViewPlan
    states, log : State, EventLog
    """

    def __init__(self, view: View, plan: ViewPlan, states: State, log: EventLog) -> None:
        self.view = view.name
        self.refuses = view.when_stale == "refuse"
        self.defaults = view.when_stale == "default"
        self._target = view.freshness
        self._groups = groups_of(plan)
        self._states = states
        self._log = log
        self._seen: tuple[float, int, Mapping[str, int]] = (-1.0, 0, {})

    def marks(self, now: int) -> Mapping[str, int]:
        """Return each state's watermark at the workspace's instant `now`."""
        looked, at, marks = self._seen
        monotonic = time.monotonic()
        if monotonic - looked > GRAIN or abs(now - at) > GRAIN * 1e6:
            found = watermarks(self._groups, self._states, self._log, now, for_decision=True)
            marks = {state: mark for state, (_, mark) in found.items()}
            self._seen = (monotonic, now, marks)
        return marks

    def stale(self, now: int) -> frozenset[str]:
        """Return the states that are further behind than the view allows."""
        marks, oldest = self.marks(now), now - self._target
        if min(marks.values(), default=now) >= oldest:
            return NONE
        return frozenset(state for state, mark in marks.items() if mark < oldest)

    def told(self, now: int) -> str:
        """Say what is stale, or "" when nothing is."""
        stale = self.stale(now)
        if not stale:
            return ""
        marks = self.marks(now)
        behind = max(now - marks[state] for state in stale)
        names = ", ".join(sorted({self._groups[state] for state in stale}))
        return f"{self.view}: {names} is {behind / 1e6:.1f} s behind the log, {self._target / 1e6:g} s are allowed"
