"""Where the candidates of one list come from: live sources, and lists that were made ahead, each in its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tidewheel.retrieval.sources import Source, listed
from tidewheel.serving.deciding.fallback import reason_of
from tidewheel.storage.journal.decisions import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidewheel.serving.deciding.arms import Verdict
    from tidewheel.serving.deciding.stored import StoredLists

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ahead:
    """A source of lists made ahead.

    Attributes
    ----------
    name : str
        For the decision record.
    share : float
        Of the deadline: asked only before.
    lists : StoredLists
    live : tuple of Source
        Asked where the list gives nothing or, with `after`, before it.
    after : bool
        The list stands in where the live ones give nothing.
    """

    name: str
    share: float
    lists: StoredLists
    live: tuple[Source, ...] = ()
    after: bool = False


@dataclass(frozen=True, eq=False)
class Gathering:
    """A service's sources of candidates, ready.

    Attributes
    ----------
    sources : tuple of Source or Ahead
        Asked in order.
    exclude : tuple of str
        Columns of the candidate view that hold items which are no candidates.
    asked : dict of str to (int, bool)
        Columns of the candidate view: their places, and whether each is a text.
    """

    sources: tuple[Source | Ahead, ...]
    exclude: tuple[str, ...]
    asked: Mapping[str, tuple[int, bool]]

    def __call__(
        self, columns: Mapping[str, object], now: int, verdict: Verdict, start: int, left: int
    ) -> dict[str, str]:
        """Return the candidates with the source that gave each; tell the stages, and what came of stored lists.

        Parameters
        ----------
        columns : mapping
            The event's.
        now : int
            Microseconds.
        verdict : Verdict
            Its row has the candidate view's last.
        start, left : int
            When the list was begun and how long it may take, ns.

        Raises
        ------
        TidewheelError
            A source failed.
        """
        asking = _Asking(self, columns, now, verdict, start, left)
        for source in self.sources:
            asking.ahead(source) if isinstance(source, Ahead) else asking.live(source)
        return asking.found


class _Asking:
    """One decision's questions to its sources."""

    def __init__(
        self, gathering: Gathering, columns: Mapping[str, object], now: int, verdict: Verdict, start: int, left: int
    ) -> None:
        row = verdict.row
        self._asked, self._columns, self._now, self._verdict = gathering.asked, columns, now, verdict
        self._start, self._left = start, left
        self._texts: Mapping[str, str] = row.texts[-1] if gathering.asked else {}
        self._words: Floats = row.words[-1] if gathering.asked else np.empty(0)
        self._excluded = set(listed(self._texts.get(name) for name in gathering.exclude))
        self.found: dict[str, str] = {}
        self._stages: list[Stage] = []
        verdict.stages = self._stages

    def live(self, source: Source) -> int:
        """Ask a live source; return how many candidates it gave."""
        if (began := self._began(source)) is None:
            return 0
        given = self._take(source.name, source.ask([self._value(name) for name in source.columns]))
        self._stages.append(Stage(source.name, ns=perf_counter_ns() - began))
        return given

    def ahead(self, source: Ahead) -> None:
        """Ask for a list made ahead and for the live sources beside it, in the order that is declared."""
        given = sum(self._safely(live) for live in source.live) if source.after else self._stored(source)
        if given:
            return
        if source.after:
            self._stored(source)
            return
        for live in source.live:
            self.live(live)

    def _safely(self, source: Source) -> int:
        try:
            return self.live(source)
        except Exception as error:
            self._stages.append(Stage(source.name, note=reason_of(error)))
            return 0

    def _stored(self, source: Ahead) -> int:
        if (began := self._began(source)) is None:
            return 0
        read, items = source.lists.look(self._columns, self._now)
        if self._verdict.stored is None or self._verdict.stored.kind == "fresh":
            self._verdict.stored = read
        note = "" if read.kind == "fresh" else read.told()
        self._stages.append(Stage(source.name, ns=perf_counter_ns() - began, note=note))
        return self._take(source.name, items)

    def _began(self, source: Source | Ahead) -> int | None:
        """Return the time; None, with a stage that says so, where the source's share of it has passed."""
        began = perf_counter_ns()
        if began - self._start <= source.share * self._left:
            return began
        self._stages.append(Stage(source.name, note="deadline: its share had passed"))
        return None

    def _take(self, name: str, ids: Iterable[str]) -> int:
        given = [id for id in ids if id not in self._excluded]
        for id in given:
            self.found.setdefault(id, name)
        return len(given)

    def _value(self, name: str) -> Any:
        place, text = self._asked[name]
        if text:
            return self._texts.get(name)
        number = float(self._words[place])
        return None if number != number else number
