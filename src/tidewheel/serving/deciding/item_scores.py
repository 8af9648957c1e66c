"""The scores of a list's candidates: every model is asked once, for all of them as one batch.

Of several models each tells its stage. One that fails, or that no time is left for, is told in its stage's note, and
the rest is by the kind, as of single rows (see :mod:`tidewheel.serving.deciding.combined`): a weighted mean and a vote
go on without it, a cascade takes the scores it has, a stack, a chain and an expression fall back. A candidate that gets
no number is left out, and told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter_ns
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.definitions.ir import Combine
from tidewheel.errors import DeadlineError, KilledError, ServingError
from tidewheel.registry.models.combining import Combiner
from tidewheel.serving.deciding.fallback import reason_of
from tidewheel.serving.deciding.scoring import begin
from tidewheel.storage.journal.decisions import ItemScore, Stage

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ItemScoring = Callable[[Floats, int], Floats | Awaitable[Floats]]
"""From rows of words and a deadline (ns of ``perf_counter_ns``) to scores, at once or when they are there."""
GoOn = Callable[[int, Floats, Bools], Bools]
"""From how many candidates may go on, their scores, and which there are, to which go on."""
ROW = "row"
"""The stage of what a score expression reads beside models' scores."""


@dataclass(frozen=True, eq=False)
class ItemModel:
    """One version, ready.

    Attributes
    ----------
    model, version, bundle, view : str
        ``Click``, ``Click@3``, its bundle's digest, its view's digest.
    place : int
        Which of the views that were read is its own.
    score : ItemScoring
    inner : tuple of (int, ItemModel)
        Whose scores stand in which of its view's columns.
    stage : str
        What its stage is called: the model, or the version that another one has pinned.
    cost : list of float
        What it took lately for one candidate, ns.
    """

    model: str
    version: str
    bundle: str
    view: str
    place: int
    score: ItemScoring
    inner: tuple[tuple[int, ItemModel], ...] = ()
    stage: str = ""
    cost: list[float] = field(default_factory=lambda: [0.0])

    @property
    def told(self) -> str:
        """What its stage is called."""
        return self.stage or self.model

    def all(self) -> list[ItemModel]:
        """Return what is asked for its scores: those within first."""
        return [*(one for _, inner in self.inner for one in inner.all()), self]


class Scored(NamedTuple):
    """What became of the candidates.

    Attributes
    ----------
    scores : float64[n]
    left : bool[n]
        Which of them the list is made of: those with a score that came to a cascade's last model.
    by_model : mapping of str to float64[n]
        By stage; NaN where the model was not asked.
    words : mapping of str to float64[n, columns]
        By stage, the rows that a model saw which has others' scores as columns.
    """

    scores: Floats
    left: Bools
    by_model: Mapping[str, Floats]
    words: Mapping[str, Floats]

    def among(self, places: npt.NDArray[np.intp], n: int) -> Scored:
        """Return it as of `n` candidates, of which these places were asked about."""

        def spread(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            made = np.full((n, *values.shape[1:]), False if values.dtype == np.bool_ else np.nan, values.dtype)
            made[places] = values
            return made

        by_model = {name: spread(scores) for name, scores in self.by_model.items()}
        words = {name: spread(rows) for name, rows in self.words.items()}
        return Scored(spread(self.scores), spread(self.left), by_model, words)


@dataclass(frozen=True, eq=False)
class ItemScores:
    """A line-up that orders lists.

    Attributes
    ----------
    models : tuple of ItemModel
        In the order in which they are asked. The first one's rows are the record's.
    how : Combine or None
        None for one model.
    combiner : Combiner or None
    own : int or None
        Which of the views that were read a score expression reads.
    own_view : str
        Its digest.
    """

    models: tuple[ItemModel, ...]
    how: Combine | None = None
    combiner: Combiner | None = None
    own: int | None = None
    own_view: str = ""

    async def __call__(
        self, words: Sequence[Floats], left: Bools, go_on: GoOn, until: int, stages: list[Stage]
    ) -> Scored:
        """Return the candidates' scores.

        Parameters
        ----------
        words : sequence of float64[n, columns]
            Rows of each view that was read.
        left : bool[n]
            Which candidates may stand in the list.
        go_on : callable
            Which of them a cascade's next model is asked for.
        until : int
            The deadline, ns of ``perf_counter_ns``.
        stages : list of Stage
            Gets what each of several models took.

        Raises
        ------
        DeadlineError, KilledError, ServingError
            No model gave scores or, of an expression, one did not or no candidate has a score.
        """
        asked = _Asking(self, words, left, until, stages)
        await asked.ask(go_on)
        own = None if self.own is None else words[self.own]
        if self.how is None or self.combiner is None:
            scores = asked.by_model[self.models[0].told]
        else:
            scores = self.combiner.rows(asked.by_model, own)
        without = int((asked.left & np.isnan(scores)).sum()) + asked.without
        if without and (asked.left <= np.isnan(scores)).all():
            raise ServingError("the score gave no number for any candidate")
        note = f"{without} candidates have no score and are left out" if without else ""
        if note or own is not None:
            stages.append(Stage(ROW, view=self.own_view, note=note))
        return Scored(scores, asked.left & ~np.isnan(scores), asked.by_model, asked.filled)

    @property
    def alone(self) -> bool:
        """Whether one model is asked, whose scores are the candidates'."""
        return self.how is None and not self.models[0].inner

    def rows(self, words: Sequence[Floats], scored: Scored) -> Floats:
        """Return the rows that a record holds: those that the first model saw."""
        lead = self.models[0]
        return scored.words.get(lead.told, words[lead.place])

    def item(self, id: str, at: int, words: Sequence[Floats], scored: Scored) -> list[ItemScore]:
        """Return what each of several models made of one candidate, with its row where that is not the record's."""
        if self.alone:
            return []
        lead = self.models[0]
        told = [] if self.own is None else [ItemScore(id, ROW, None, words[self.own][at].tobytes())]
        for model in self.asked():
            scores = scored.by_model.get(model.told)
            if scores is not None and not np.isnan(scores[at]):
                rows = scored.words.get(model.told)
                same = model is lead or (rows is None and lead.told not in scored.words and model.place == lead.place)
                row = b"" if same else (words[model.place] if rows is None else rows)[at].tobytes()
                told.append(ItemScore(id, model.told, float(scores[at]), row))
        return told

    def asked(self) -> list[ItemModel]:
        """Return all models, each once, those whose scores others read before these."""
        return list({one.told: one for model in self.models for one in model.all()}.values())

    def without(self, off: Collection[str]) -> ItemScores:
        """Return the line-up with models that refuse, where they are switched off."""
        return replace(self, models=tuple(_without(model, off) for model in self.models))


def _without(model: ItemModel, off: Collection[str]) -> ItemModel:
    inner = tuple((column, _without(other, off)) for column, other in model.inner)
    if model.version not in off and model.model not in off:
        return replace(model, inner=inner)

    def refuse(words: Floats, until: int) -> Floats:
        raise KilledError(f"{model.version} is switched off")

    return replace(model, score=refuse, inner=inner)


class _Asking:
    """One decision's questions to the models of a line-up."""

    def __init__(
        self, lineup: ItemScores, words: Sequence[Floats], left: Bools, until: int, stages: list[Stage]
    ) -> None:
        self.lineup, self.words, self.left, self.stages = lineup, words, left, stages
        self.until, self.without = until, 0
        how, begun = lineup.how, perf_counter_ns()
        ends = how.ends() if how is not None else (1.0,)
        self._ends = {
            model.told: begun + int((until - begun) * end) for model, end in zip(lineup.models, ends, strict=True)
        }
        self.by_model: dict[str, Floats] = {}
        self.filled: dict[str, Floats] = {}

    async def ask(self, go_on: GoOn) -> None:
        """Ask every model that is to be asked."""
        how = self.lineup.how
        if how is None or how.kind == "stack":
            await self._score(self.lineup.models[-1], self._everything(), self.until)
            return
        failed = await (self._in_turn(how, go_on) if how.kind == "cascade" else self._together())
        if failed is not None and (how.kind == "expression" or not self.by_model):
            raise failed

    def _everything(self) -> Bools:
        return np.ones(len(self.left), np.bool_)

    async def _in_turn(self, how: Combine, go_on: GoOn) -> Exception | None:
        """Ask one model after the other, each for the best by the one before; return why one gave none."""
        failed: Exception | None = None
        scores: Floats | None = None
        for model, size in zip(self.lineup.models, (0, *how.top), strict=True):
            among = self._everything() if scores is None else go_on(size, scores, self.left)
            try:
                # With scores in hand, another model is not begun that is not likely to come in time.
                expected = 0.0 if scores is None else model.cost[0]
                scores = await self._score(model, among, self._ends[model.told], expected)
            except Exception as error:
                failed = error
                model.cost[0] *= 7 / 8
            else:
                self.without += int((self.left & among & np.isnan(scores)).sum())
                self.left = self.left & ~np.isnan(scores)
        return failed

    async def _together(self) -> Exception | None:
        """Ask all models, then await those that have not answered; return why one gave none."""
        failed: Exception | None = None
        under_way: list[Floats | Awaitable[Floats]] = []
        for model in self.lineup.models:
            try:
                under_way.append(begin(self._score(model, self._everything(), self._ends[model.told])))
            except Exception as error:
                failed = error
        for scores in under_way:
            try:
                if not isinstance(scores, np.ndarray):
                    await scores
            except Exception as error:
                failed = error
        return failed

    async def _score(self, model: ItemModel, among: Bools, end: int, expected: float = 0.0) -> Floats:
        """Return a model's scores of some candidates, NaN for the others; tell its stage whatever comes of it."""
        words, asked, note, n = self.words[model.place], perf_counter_ns(), "", int(among.sum())
        scores = np.full(len(among), np.nan)
        try:
            if model.inner:
                words = self.filled[model.told] = await self._filled(model, words, among, asked + (end - asked) // 2)
                among = among & ~np.isnan(words[:, [column for column, _ in model.inner]]).any(axis=1)
                asked = perf_counter_ns()
            if asked + expected * n > end:
                raise DeadlineError("no time was left to ask it")
            found = model.score(words if n == len(among) else np.ascontiguousarray(words[among]), end)
            scores[among] = found if isinstance(found, np.ndarray) else await found
            if n and np.isnan(scores).all():
                raise ServingError("the model gave no number", where=model.version)
            self.by_model[model.told] = scores
            return scores
        except Exception as error:
            note = reason_of(error)
            raise
        finally:
            spent = perf_counter_ns() - asked
            if not note:
                model.cost[0] += (spent / max(n, 1) - model.cost[0]) / 8
            if not self.lineup.alone:
                self.stages.append(Stage(model.told, model.version, model.bundle, model.view, ns=spent, note=note))

    async def _filled(self, model: ItemModel, words: Floats, among: Bools, until: int) -> Floats:
        """Return a model's rows with other models' scores in their columns."""
        words = words.copy()
        under_way = [
            (column, begin(self._score(inner, among, self._ends.get(inner.told, until))))
            for column, inner in model.inner
        ]
        for column, scores in under_way:
            words[:, column] = scores if isinstance(scores, np.ndarray) else await scores
        return words
