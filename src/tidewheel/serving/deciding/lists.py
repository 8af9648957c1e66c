"""Answers with a list: candidates, one batch of rows, one call of the model, then the cut.

What each stage took stands in the decision record; so do the rows of the items that were shown, by which they are
replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import DeadlineError, ServingError
from tidewheel.retrieval.sources import Source, listed
from tidewheel.serving.deciding.shortlist import limit_words, shortlist
from tidewheel.storage.journal.decisions import Item, Stage

if TYPE_CHECKING:
    from tidewheel.definitions.ir.ranking import Top
    from tidewheel.features.planning.view import ViewPlan
    from tidewheel.features.reading.items import ItemReader, ItemRows
    from tidewheel.features.reading.online import Row
    from tidewheel.retrieval.fresh import Fresh
    from tidewheel.retrieval.vectors import VectorIndex
    from tidewheel.routing.swaps import Swaps
    from tidewheel.serving.deciding.arms import Verdict

    Floats = npt.NDArray[np.float64]

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Lists:
    """One version's way from an event to a list.

    Attributes
    ----------
    top : Top
        How the list is cut.
    sources : tuple of Source
        Asked in order.
    exclude : tuple of str
        Columns of the candidate view that hold items which are no candidates.
    reader : ItemReader
        Reads the model's view and, where there is one, the item view, in this order.
    score : callable
        From rows of the model's view to scores.
    asked : dict of str to (int, bool)
        Columns of the candidate view: their places, and whether each is a text.
    shown : dict of str to (int, bool)
        Those of the item view.
    vectors : Fresh of VectorIndex, optional
        What likeness is taken by.
    columns : sequence of (str, str)
        Of a service that is not on its model's event: that one's columns with its own that stand for them.
    id : str
        The event's column with its id.
    swaps : Swaps, optional
        Explores a share of the lists.
    """

    top: Top
    sources: tuple[Source, ...]
    exclude: tuple[str, ...]
    reader: ItemReader
    score: Callable[[Floats], Floats]
    asked: Mapping[str, tuple[int, bool]]
    shown: Mapping[str, tuple[int, bool]]
    vectors: Fresh[VectorIndex] | None = None
    columns: Sequence[tuple[str, str]] = ()
    id: str = ""
    swaps: Swaps | None = None

    def answer(
        self,
        columns: Mapping[str, object],
        now: int,
        at: int,
        verdict: Verdict,
        until: int,
        without: frozenset[str] = NONE,
    ) -> None:
        """Write a list into a verdict whose candidate view was read.

        What candidates there are stands in it before the model is asked, in the order of their sources: so an answer
        has items also when the model fails, and no version before it can take over.

        Raises
        ------
        DeadlineError
            It passed before the model was asked.
        TidewheelError
            A source, the features or the model failed.
        """
        start = perf_counter_ns()
        row, verdict.words = verdict.row, None
        found, verdict.stages = self._candidates(row, until - start, start)
        ids = list(found)
        verdict.items = [Item(id, None, rank, found[id]) for rank, id in enumerate(ids[: self.top.k], 1)]
        if not ids:
            return
        gathered = _in_time(until, "the features of the candidates were read")
        event = str(columns.get(self.id))
        if self.columns:
            columns = {name: columns.get(own) for name, own in self.columns}
        rows = self.reader.read(columns, ids, now, at, without)
        read = _in_time(until, "the model was asked")
        scores = self.score(rows.words[0])
        if np.isnan(scores).any():
            raise ServingError("the model gave no number", where=verdict.model)
        scored = perf_counter_ns()
        self._cut(event, ids, found, rows, scores, verdict)
        if self.columns:
            self._tell_columns(columns, verdict)
        verdict.row = row._replace(instant=rows.instant, states=[*row.states, *self._states(ids, rows, verdict)])
        verdict.features_ns += read - start
        verdict.model_ns = scored - read
        verdict.stages += [Stage("candidates", ns=gathered - start), Stage("items", ns=read - gathered)]

    def _candidates(self, row: Row, left: int, start: int) -> tuple[dict[str, str], list[Stage]]:
        """Return the candidates with the source that gave each, and how long each source took."""
        texts, words = (row.texts[-1], row.words[-1]) if self.asked else ({}, np.empty(0))
        excluded = set(listed(texts.get(name) for name in self.exclude))
        found: dict[str, str] = {}
        spent: list[Stage] = []
        for source in self.sources:
            began = perf_counter_ns()
            if began - start > source.share * left:
                spent.append(Stage(source.name, note="deadline: its share had passed"))
                continue
            for id in source.ask([self._value(name, texts, words) for name in source.columns]):
                if id not in excluded:
                    found.setdefault(id, source.name)
            spent.append(Stage(source.name, ns=perf_counter_ns() - began))
        return found, spent

    def _value(self, name: str, texts: Mapping[str, str], words: Floats) -> Any:
        place, text = self.asked[name]
        if text:
            return texts.get(name)
        number = float(words[place])
        return None if number != number else number

    def _cut(
        self, event: str, ids: Sequence[str], found: Mapping[str, str], rows: ItemRows, scores: Floats, verdict: Verdict
    ) -> None:
        columns = {name: limit_words(rows.words[1][:, place], text) for name, (place, text) in self.shown.items()}
        vectors = None if self.vectors is None else self.vectors.get().rows(ids)
        cut = shortlist(self.top, ids, scores, columns, vectors)
        order = cut.chosen
        if self.swaps is not None:
            order, verdict.explored, verdict.propensity, verdict.propensities = self.swaps(event, *cut)
        verdict.items = [
            Item(ids[at], float(scores[at]), rank, found[ids[at]], rows.words[0][at].tobytes(), rows.inputs(at))
            for rank, at in enumerate(order, 1)
        ]

    def _tell_columns(self, columns: Mapping[str, object], verdict: Verdict) -> None:
        """Record what was read of the model's event under a name that the service's event does not have it by."""
        renamed = {name: columns[name] for name, own in self.columns if name != own}
        for item in verdict.items or ():
            item.inputs |= renamed

    def _states(self, ids: Sequence[str], rows: ItemRows, verdict: Verdict) -> list[tuple[str, str, int]]:
        place = {id: at for at, id in enumerate(ids)}
        return rows.states([place[item.id] for item in verdict.items or ()])


def places_of(plan: ViewPlan | None) -> dict[str, tuple[int, bool]]:
    """Return where each column of a view stands, and whether it is a text."""
    if plan is None:
        return {}
    return {name: (at, text) for at, (name, text) in enumerate(zip(plan.names, plan.texts, strict=True))}


def _in_time(until: int, what: str) -> int:
    """Return the time.

    Raises
    ------
    DeadlineError
        It is past the deadline.
    """
    now = perf_counter_ns()
    if now > until:
        raise DeadlineError(f"the deadline passed before {what}")
    return now
