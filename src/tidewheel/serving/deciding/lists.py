"""Answers with a list: candidates, one batch of rows, one call of each model, then the cut.

What each stage took stands in the decision record; so do the rows of the items that were shown, by which they are
replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.errors import DeadlineError, StaleError
from tidewheel.serving.deciding.item_scores import Scored
from tidewheel.serving.deciding.shortlist import Columns, allowed, columns_of, passed, shortlist
from tidewheel.storage.journal.decisions import Item, Stage

if TYPE_CHECKING:
    from tidewheel.definitions.ir.ranking import Top
    from tidewheel.features.planning.view import ViewPlan
    from tidewheel.features.reading.items import ItemRows
    from tidewheel.retrieval.fresh import Fresh
    from tidewheel.retrieval.vectors import VectorIndex
    from tidewheel.routing.swaps import Swaps
    from tidewheel.serving.deciding.arms import Verdict
    from tidewheel.serving.deciding.gathering import Gathering
    from tidewheel.serving.deciding.item_scores import GoOn, ItemScores
    from tidewheel.serving.deciding.stored import StoredItems

    Floats = npt.NDArray[np.float64]

NONE: frozenset[str] = frozenset()


@dataclass(eq=False)
class Candidates:
    """What there is of a list before its models have answered, and where they don't.

    Attributes
    ----------
    top : Top
        How the list is cut.
    found : mapping of str to str
        The candidates in the order of their sources, each with the one that gave it.
    columns : Columns, optional
        What rules and limits read of them; None while it was not read.
    """

    top: Top
    found: Mapping[str, str]
    columns: Columns | None = None

    def items(self, scores: Mapping[str, float] | None = None) -> list[Item]:
        """Return a list without the models: by `scores`, where they are given, else in the order of the sources.

        Rules and limits hold here too, but for boosts, which are on the models' scale. While it isn't known what a rule
        drops, no item is shown.
        """
        ids = list(self.found)
        values = -np.arange(len(ids), dtype=np.float64)
        if scores is not None:
            values = np.array([scores.get(id, np.nan) for id in ids])
        columns, rules = self.columns, tuple(rule for rule in self.top.rules if rule.kind != "boost")
        if columns is None:
            if any(rule.kind == "drop" for rule in rules):
                return []
            columns = {}
        limits = self.top.at_most if columns else ()
        top = msgspec.structs.replace(self.top, rules=rules if columns else (), at_most=limits, diversity=1.0)
        return [
            Item(ids[at], None if scores is None else scores[ids[at]], rank, self.found[ids[at]])
            for rank, at in enumerate(shortlist(top, ids, values, columns).chosen, 1)
        ]


@dataclass(frozen=True, eq=False)
class Lists:
    """One version's way from an event to a list.

    Attributes
    ----------
    top : Top
        How the list is cut.
    gather : Gathering
        Finds the candidates.
    read : callable
        Reads the models' views and, where there is one, the item view, which comes last: as `ItemReader.read`.
    state_ids : sequence of str
        The states that it reads.
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
    asking : Asking or None
        As of an arm.
    stored : StoredItems or None
        Scores computed ahead, which go before the model's.
    """

    top: Top
    gather: Gathering
    read: Callable[..., ItemRows]
    scores: ItemScores
    shown: Mapping[str, tuple[int, bool]]
    vectors: Fresh[VectorIndex] | None = None
    columns: Sequence[tuple[str, str]] = ()
    id: str = ""
    swaps: Swaps | None = None
    state_ids: Sequence[str] = ()
    asking: Any = None
    stored: StoredItems | None = None

    async def answer(
        self,
        columns: Mapping[str, object],
        now: int,
        at: int,
        verdict: Verdict,
        until: int,
        without: frozenset[str] = NONE,
    ) -> None:
        """Write a list into a verdict whose candidate view was read.

        What candidates there are stands in it before the models are asked: so there is a list also when they fail, and
        no version before them can take over.

        Raises
        ------
        DeadlineError
            It passed before the models were asked, or before they answered.
        TidewheelError
            A source, the features or the models failed.
        """
        start = perf_counter_ns()
        row, verdict.words = verdict.row, None
        found = self.gather(columns, now, verdict, start, until - start)
        ids = list(found)
        verdict.candidates = candidates = Candidates(self.top, found)
        verdict.items = []
        if not ids:
            return
        gathered = _in_time(until, "the features of the candidates were read")
        event, ahead = str(columns.get(self.id)), self._ahead(columns, ids, now, verdict)
        if self.columns:
            columns = {name: columns.get(own) for name, own in self.columns}
        if self.stored is not None and len(ahead) == len(ids) and not self.shown:
            self._cut(event, ids, found, None, _all_ahead(ids, ahead), {}, verdict)
            return
        rows = self._rows(columns, ids, now, at, without, verdict, until)
        shown = candidates.columns = columns_of(self.top, rows.words[-1], self.shown)
        read = _in_time(until, "the model was asked")
        stages = verdict.stages or []
        stages += [Stage("candidates", ns=gathered - start), Stage("items", ns=read - gathered)]
        verdict.features_ns += read - start
        left, go_on = allowed(self.top, shown, len(ids)), partial(passed, self.top, ids, shown)
        if left.any():
            scored = await self._scored(rows.words, ids, ahead, left, go_on, until, stages)
            verdict.model_ns = perf_counter_ns() - read
            self._cut(event, ids, found, rows, scored, shown, verdict)
        if self.columns:
            self._tell_columns(columns, verdict)
        verdict.row = row._replace(instant=rows.instant, states=[*row.states, *self._states(ids, rows, verdict)])

    def _ahead(
        self, columns: Mapping[str, object], ids: Sequence[str], now: int, verdict: Verdict
    ) -> Mapping[str, float]:
        """Return the candidates' scores that were computed ahead, and tell what came of looking for them."""
        if self.stored is None:
            return {}
        began = perf_counter_ns()
        read, ahead = self.stored.look(columns, ids, now)
        if verdict.stored is None or verdict.stored.kind == "fresh":
            verdict.stored = read
        stage = Stage(
            "stored", ns=perf_counter_ns() - began, note=f"{len(ahead)} of {len(ids)} candidates have a score"
        )
        verdict.stages = [*(verdict.stages or []), stage]
        return ahead

    async def _scored(
        self,
        words: Sequence[Floats],
        ids: Sequence[str],
        ahead: Mapping[str, float],
        left: npt.NDArray[np.bool_],
        go_on: GoOn,
        until: int,
        stages: list[Stage],
    ) -> Scored:
        """Return the candidates' scores: those computed ahead, and the models' of the others.

        Raises
        ------
        StaleError
            None was computed ahead, and the model is not to compute any.
        """
        only = self.stored is not None and self.stored.declared.only
        if not ahead:
            if only:
                raise StaleError(
                    f"no candidate has a stored score of {self.scores.models[0].version} that is young enough"
                )
            return await self.scores(words, left, go_on, until, stages)
        scored = _all_ahead(ids, ahead)
        others = np.flatnonzero(left & ~scored.left)
        if not others.size or only:
            return scored._replace(left=scored.left & left)
        rows = [np.ascontiguousarray(view[others]) for view in words]
        asked = (await self.scores(rows, left[others], go_on, until, stages)).among(others, len(ids))
        scores = np.where(scored.left, scored.scores, asked.scores)
        return asked._replace(scores=scores, left=left & ~np.isnan(scores))

    def _rows(
        self,
        columns: Mapping[str, object],
        ids: Sequence[str],
        now: int,
        at: int,
        without: frozenset[str],
        verdict: Verdict,
        until: int,
    ) -> ItemRows:
        if self.asking is None:
            return self.read(columns, ids, now, at, without)
        self.asking.begin(until)
        try:
            return self.read(columns, ids, now, at, without)
        finally:
            verdict.resent = self.asking.end() or verdict.resent

    def _cut(
        self,
        event: str,
        ids: Sequence[str],
        found: Mapping[str, str],
        rows: ItemRows | None,
        scored: Scored,
        columns: Columns,
        verdict: Verdict,
    ) -> None:
        vectors = None if self.vectors is None else self.vectors.get().rows(ids)
        cut = shortlist(self.top, ids, scored.scores, columns, vectors, scored.left)
        order = cut.chosen
        if self.swaps is not None:
            order, verdict.explored, verdict.propensity, verdict.propensities = self.swaps(event, *cut)
        verdict.items = [
            Item(ids[at], float(scored.scores[at]), rank, found[ids[at]]) for rank, at in enumerate(order, 1)
        ]
        if rows is None or not scored.by_model:
            return
        own, mine = self.scores.rows(rows.words, scored), scored.by_model.get(self.scores.models[0].told)
        for item, at in zip(verdict.items, order, strict=True):
            # What was not scored now has no row that would give its score again.
            if self.stored is None or (mine is not None and not np.isnan(mine[at])):
                item.features, item.inputs = own[at].tobytes(), rows.inputs(at)
        verdict.item_scores = [told for at in order for told in self.scores.item(ids[at], at, rows.words, scored)]

    def _tell_columns(self, columns: Mapping[str, object], verdict: Verdict) -> None:
        """Record what was read of the model's event under a name that the service's event does not have it by."""
        renamed = {name: columns[name] for name, own in self.columns if name != own}
        for item in verdict.items or ():
            item.inputs |= renamed

    def _states(self, ids: Sequence[str], rows: ItemRows, verdict: Verdict) -> list[tuple[str, str, int]]:
        place = {id: at for at, id in enumerate(ids)}
        return rows.states([place[item.id] for item in verdict.items or ()])


def _all_ahead(ids: Sequence[str], ahead: Mapping[str, float]) -> Scored:
    scores = np.array([ahead.get(id, np.nan) for id in ids])
    return Scored(scores, ~np.isnan(scores), {}, {})


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
