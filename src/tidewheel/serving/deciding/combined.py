"""Scores that are made of more than one model's: asked in one decision, each in its own time, told stage by stage.

Members that are cheap answer at once; dear ones run at the same time and are awaited. A member that fails or is late
is told in its stage's note, and the rest is by the kind: a weighted mean and a vote go on without it, a cascade takes
the score it has (or asks the next, when it has none), a stack, a chain and an expression can't and fall back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from dataclasses import dataclass, field, replace
from time import perf_counter_ns
from typing import TYPE_CHECKING

from tidewheel.definitions.ir import Combine
from tidewheel.errors import DeadlineError, KilledError, ServingError
from tidewheel.registry.models.combining import Combiner, asked_next
from tidewheel.serving.deciding.fallback import reason_of
from tidewheel.serving.deciding.scoring import Scoring, begin, settled
from tidewheel.storage.journal.decisions import Stage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tidewheel.serving.deciding.arms import Verdict

    Words = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Member:
    """One version of a line-up, ready.

    Attributes
    ----------
    model, version, bundle, view : str
        ``Fraud``, ``Fraud@3``, its bundle's digest, its view's digest.
    place : int
        Which of the row's views is its own.
    scoring : Scoring
    inner : tuple of (int, Member)
        Whose score stands in which of its view's columns.
    cost : list of int
        What it took lately, ns.
    """

    model: str
    version: str
    bundle: str
    view: str
    place: int
    scoring: Scoring
    inner: tuple[tuple[int, Member], ...] = ()
    cost: list[int] = field(default_factory=lambda: [0])


@dataclass(frozen=True, eq=False)
class Combined:
    """A line-up, ready: what `judge` asks in place of one scoring.

    Attributes
    ----------
    members : tuple of Member
        In the order in which they are asked. The first one's row is the record's.
    how : Combine or None
        None for a chain: one member whose view has others' scores.
    combiner : Combiner or None
    own : int or None
        Which of the row's views a score expression reads.
    own_view : str
        Its digest.
    """

    members: tuple[Member, ...]
    how: Combine | None = None
    combiner: Combiner | None = None
    own: int | None = None
    own_view: str = ""

    def __call__(self, verdict: Verdict, until: int) -> float | Awaitable[float]:
        """Return the score of the row that a verdict has read, or what to await for it; tell its stages."""
        return begin(_Asking(self, verdict, until).score())

    def without(self, off: Collection[str]) -> Combined:
        """Return the line-up with members that refuse, where they are switched off."""
        return replace(self, members=tuple(_without(member, off) for member in self.members))


def _without(member: Member, off: Collection[str]) -> Member:
    inner = tuple((column, _without(other, off)) for column, other in member.inner)
    scoring = member.scoring
    if member.version in off or member.model in off:
        scoring = _refusing(KilledError(f"{member.version} is switched off"))
    return replace(member, scoring=scoring, inner=inner)


def _refusing(error: Exception) -> Scoring:
    def refuse(words: Words, until: int) -> float:
        raise error

    return refuse


class _Asking:
    """One decision's questions to the members of a line-up."""

    def __init__(self, lineup: Combined, verdict: Verdict, until: int) -> None:
        self.lineup = lineup
        self.verdict = verdict
        self.begun = perf_counter_ns()
        self.until = until
        self.scores: dict[str, float] = {}
        ends = lineup.how.ends() if lineup.how is not None else ()
        self.ends = {
            member.model: self.begun + int((until - self.begun) * end)
            for member, end in zip(lineup.members, ends, strict=lineup.how is not None)
        }
        self.stages: list[Stage] = []
        verdict.stages = self.stages

    async def score(self) -> float:
        lineup = self.lineup
        if lineup.how is None or lineup.how.kind == "stack" or lineup.combiner is None:
            return await self._ask(lineup.members[-1], self.until)
        own = None
        if lineup.own is not None:
            row = self.verdict.row
            own, texts = row.words[lineup.own], row.texts[lineup.own]
            self.stages.append(Stage("row", view=lineup.own_view, features=own.tobytes(), texts=texts))
        failed = await (self._in_turn(lineup.how) if lineup.how.kind == "cascade" else self._together())
        if failed is not None and (lineup.how.kind == "expression" or not self.scores):
            raise failed
        return lineup.combiner(self.scores, own)

    async def _in_turn(self, how: Combine) -> Exception | None:
        """Ask one member after the other while the score there is asks for it; return why one gave none."""
        failed: Exception | None = None
        for member in self.lineup.members:
            try:
                # With an answer in hand, another is not begun that is not likely to come in time.
                score = await self._ask(member, self.ends[member.model], member.cost[0] if self.scores else 0)
            except Exception as error:
                failed = error
                member.cost[0] -= member.cost[0] // 8
                continue
            self.scores[member.model] = score
            if not asked_next(how, score):
                break
        return failed

    async def _together(self) -> Exception | None:
        """Ask all members, then await those that have not answered; return why one gave none."""
        failed: Exception | None = None
        under_way: list[tuple[Member, float | Awaitable[float]]] = []
        for member in self.lineup.members:
            try:
                under_way.append((member, begin(self._ask(member, self.ends[member.model]))))
            except Exception as error:
                failed = error
        for member, score in under_way:
            try:
                self.scores[member.model] = await settled(score)
            except Exception as error:
                failed = error
        return failed

    async def _ask(self, member: Member, end: int, expected: int = 0) -> float:
        """Return a member's score, and tell its stage whatever comes of it."""
        words = self.verdict.row.words[member.place]
        score, note, asked = None, "", perf_counter_ns()
        try:
            if member.inner:
                words = await self._filled(member, words, asked + (end - asked) // 2)
                asked = perf_counter_ns()
            if asked + expected > end:
                raise DeadlineError("no time was left to ask it")
            score = float(await settled(member.scoring(words, end)))
            if score != score:
                raise ServingError("the model gave no number", where=member.version)
            return score
        except Exception as error:
            score, note = None, reason_of(error)
            raise
        finally:
            self._tell(member, words, score, perf_counter_ns() - asked, note)

    async def _filled(self, member: Member, words: Words, until: int) -> Words:
        """Return a member's row with other models' scores in their columns."""
        words = words.copy()
        under_way = [
            (column, begin(self._ask(inner, self.ends.get(inner.model, until)))) for column, inner in member.inner
        ]
        for column, score in under_way:
            words[column] = await settled(score)
        return words

    def _tell(self, member: Member, words: Words, score: float | None, ns: int, note: str) -> None:
        if not note:
            member.cost[0] += (ns - member.cost[0]) // 8
        lead, row = self.lineup.members[0], self.verdict.row
        features, texts, view = b"", {}, ""
        if member is lead:
            self.verdict.words = words
        elif member.inner or member.place != lead.place:
            features, texts, view = words.tobytes(), row.texts[member.place], member.view
        stage = Stage(member.model, member.version, member.bundle, view, features, texts, score, ns, note)
        self.stages.append(stage)
