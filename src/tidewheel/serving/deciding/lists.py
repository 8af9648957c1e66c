"""Answers with a list: candidates, one batch of rows, one call of each model, then the cut.

What each stage took stands in the decision record; so do the rows of the items that were shown, by which they are
replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tidewheel.errors import DeadlineError
from tidewheel.serving.deciding.shortlist import Columns, allowed, columns_of, passed, shortlist
from tidewheel.storage.journal.decisions import Item, Stage

if TYPE_CHECKING:
    from tidewheel.definitions.ir.ranking import Top
    from tidewheel.features.planning.view import ViewPlan
    from tidewheel.features.reading.items import ItemReader, ItemRows
    from tidewheel.retrieval.fresh import Fresh
    from tidewheel.retrieval.vectors import VectorIndex
    from tidewheel.routing.swaps import Swaps
    from tidewheel.serving.deciding.arms import Verdict
    from tidewheel.serving.deciding.gathering import Gathering
    from tidewheel.serving.deciding.item_scores import ItemScores, Scored

    Floats = npt.NDArray[np.float64]

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Lists:
    """One version's way from an event to a list.

    Attributes
    ----------
    top : Top
        How the list is cut.
    gather : Gathering
        Finds the candidates.
    reader : ItemReader
        Reads the models' views and, where there is one, the item view, which comes last.
    scores : ItemScores
        From the candidates' rows to scores.
    shown : dict of str to (int, bool)
        Columns of the item view: their places, and whether each is a text.
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
    gather: Gathering
    reader: ItemReader
    scores: ItemScores
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
        found = self.gather(columns, now, verdict, start, until - start)
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
        stages = verdict.stages or []
        stages += [Stage("candidates", ns=gathered - start), Stage("items", ns=read - gathered)]
        verdict.features_ns += read - start
        shown = columns_of(self.top, rows.words[-1], self.shown)
        left, go_on = allowed(self.top, shown, len(ids)), partial(passed, self.top, ids, shown)
        scored = self.scores(rows.words, left, go_on, until, stages)
        verdict.model_ns = perf_counter_ns() - read
        self._cut(event, ids, found, rows, scored, shown, verdict)
        if self.columns:
            self._tell_columns(columns, verdict)
        verdict.row = row._replace(instant=rows.instant, states=[*row.states, *self._states(ids, rows, verdict)])

    def _cut(
        self,
        event: str,
        ids: Sequence[str],
        found: Mapping[str, str],
        rows: ItemRows,
        scored: Scored,
        columns: Columns,
        verdict: Verdict,
    ) -> None:
        vectors = None if self.vectors is None else self.vectors.get().rows(ids)
        cut = shortlist(self.top, ids, scored.scores, columns, vectors, scored.left)
        order = cut.chosen
        if self.swaps is not None:
            order, verdict.explored, verdict.propensity, verdict.propensities = self.swaps(event, *cut)
        own = rows.words[self.scores.models[0].place]
        verdict.items = [
            Item(ids[at], float(scored.scores[at]), rank, found[ids[at]], own[at].tobytes(), rows.inputs(at))
            for rank, at in enumerate(order, 1)
        ]
        verdict.item_scores = [told for at in order for told in self.scores.item(ids[at], at, rows.words, scored)]

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
