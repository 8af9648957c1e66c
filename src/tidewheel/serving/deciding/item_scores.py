"""The scores of a list's candidates: every model is asked once, for all of them as one batch.

Of several models each tells its stage. One that fails, or that no time is left for, is told in its stage's note, and
the rest is by the kind, as of single rows (see :mod:`tidewheel.serving.deciding.combined`): a weighted mean and a vote
go on without it, a cascade takes the scores it has, an expression falls back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter_ns
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.definitions.ir import Combine
from tidewheel.errors import DeadlineError, KilledError, ServingError
from tidewheel.registry.models.combining import Combiner
from tidewheel.serving.deciding.fallback import reason_of
from tidewheel.storage.journal.decisions import ItemScore, Stage

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

GoOn = Callable[[int, Floats, Bools], Bools]
"""From how many candidates may go on, their scores, and which there are, to which go on."""
ROW = "row"
"""The stage of what a score expression reads beside models' scores."""


@dataclass(frozen=True, eq=False)
class ItemModel:
    """One version of a line-up, ready.

    Attributes
    ----------
    model, version, bundle, view : str
        ``Click``, ``Click@3``, its bundle's digest, its view's digest.
    place : int
        Which of the views that were read is its own.
    score : callable
        From rows of its view to scores.
    cost : list of float
        What it took lately for one candidate, ns.
    """

    model: str
    version: str
    bundle: str
    view: str
    place: int
    score: Callable[[Floats], Floats]
    cost: list[float] = field(default_factory=lambda: [0.0])


class Scored(NamedTuple):
    """What became of the candidates.

    Attributes
    ----------
    scores : float64[n]
    left : bool[n]
        Which of them the list is made of: those that came to a cascade's last model.
    by_model : mapping of str to float64[n]
        NaN where the model was not asked.
    """

    scores: Floats
    left: Bools
    by_model: Mapping[str, Floats]


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

    def __call__(self, words: Sequence[Floats], left: Bools, go_on: GoOn, until: int, stages: list[Stage]) -> Scored:
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
        if self.how is None or self.combiner is None:
            (model,) = self.models
            scores = _numbers(model, words[model.place])
            return Scored(scores, left, {model.model: scores})
        asked = _Asking(self, self.how, words, left, until, stages)
        asked.ask(go_on)
        own = None if self.own is None else words[self.own]
        scores = self.combiner.rows(asked.by_model, own)
        without = int((asked.left & np.isnan(scores)).sum())
        if without and without == asked.left.sum():
            raise ServingError("the score expression gave no number")
        note = f"{without} candidates have no score and are left out" if without else ""
        if note or own is not None:
            stages.append(Stage(ROW, view=self.own_view, note=note))
        return Scored(scores, asked.left & ~np.isnan(scores), asked.by_model)

    def item(self, id: str, at: int, words: Sequence[Floats], scored: Scored) -> list[ItemScore]:
        """Return what each of several models made of one candidate, with its row where that is not the record's."""
        if self.how is None:
            return []
        lead = self.models[0].place
        told = [] if self.own is None else [ItemScore(id, ROW, None, words[self.own][at].tobytes())]
        for model in self.models:
            scores = scored.by_model.get(model.model)
            if scores is not None and not np.isnan(scores[at]):
                row = b"" if model.place == lead else words[model.place][at].tobytes()
                told.append(ItemScore(id, model.model, float(scores[at]), row))
        return told

    def without(self, off: Collection[str]) -> ItemScores:
        """Return the line-up with models that refuse, where they are switched off."""
        return replace(self, models=tuple(_without(model, off) for model in self.models))


def _without(model: ItemModel, off: Collection[str]) -> ItemModel:
    if model.version not in off and model.model not in off:
        return model

    def refuse(words: Floats) -> Floats:
        raise KilledError(f"{model.version} is switched off")

    return replace(model, score=refuse)


def _numbers(model: ItemModel, words: Floats) -> Floats:
    scores = model.score(words)
    if np.isnan(scores).any():
        raise ServingError("the model gave no number", where=model.version)
    return scores


class _Asking:
    """One decision's questions to the models of a line-up."""

    def __init__(
        self,
        lineup: ItemScores,
        how: Combine,
        words: Sequence[Floats],
        left: Bools,
        until: int,
        stages: list[Stage],
    ) -> None:
        self.lineup, self.how, self.words, self.left, self.stages = lineup, how, words, left, stages
        begun = perf_counter_ns()
        self._ends = [begun + int((until - begun) * end) for end in how.ends()]
        self.by_model: dict[str, Floats] = {}

    def ask(self, go_on: GoOn) -> None:
        """Ask every model that is to be asked."""
        failed: Exception | None = None
        sizes = (0, *self.how.top) if self.how.top else (0,) * len(self.lineup.models)
        for model, end, size in zip(self.lineup.models, self._ends, sizes, strict=True):
            among = np.ones(len(self.left), np.bool_)
            if size and self.by_model:
                among = go_on(size, next(reversed(self.by_model.values())), self.left)
            try:
                self.by_model[model.model] = self._ask(model, among, end)
            except Exception as error:
                failed = error
            else:
                self.left = self.left & among
        if failed is not None and (self.how.kind == "expression" or not self.by_model):
            raise failed

    def _ask(self, model: ItemModel, among: Bools, end: int) -> Floats:
        """Return a model's scores of some candidates, NaN for the others; tell its stage whatever comes of it."""
        asked, note, n = perf_counter_ns(), "", int(among.sum())
        scores = np.full(len(among), np.nan)
        try:
            # With scores in hand, another model is not begun that is not likely to come in time.
            if asked + (model.cost[0] * n if self.by_model and self.how.top else 0.0) > end:
                raise DeadlineError("no time was left to ask it")
            words = self.words[model.place]
            scores[among] = _numbers(model, words if n == len(among) else np.ascontiguousarray(words[among]))
        except Exception as error:
            note = reason_of(error)
            model.cost[0] *= 7 / 8
            raise
        finally:
            spent = perf_counter_ns() - asked
            if not note:
                model.cost[0] += (spent / max(n, 1) - model.cost[0]) / 8
            self.stages.append(Stage(model.model, model.version, model.bundle, model.view, ns=spent, note=note))
        return scores
