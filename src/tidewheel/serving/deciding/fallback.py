"""The chain that answers when the normal way can't: the version before, a table, an action; always something.

Each link is tried in the declared order. A link that fails is passed over; the last is a constant and can't fail.
When the deadline has passed, links that would compute again are passed over too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter_ns

from tidewheel.errors import DeadlineError, TidewheelError
from tidewheel.serving.deciding.arms import Arm, Thresholds, Verdict, judge
from tidewheel.serving.deciding.stored import StoredItems, StoredScores

log = logging.getLogger("tidewheel.serving")


@dataclass(frozen=True, eq=False)
class Table:
    """Scores by a column of the event, learnt in training; `otherwise` is for what it has not seen.

    By a list's item they order its candidates.
    """

    column: str
    scores: Mapping[str, float]
    otherwise: float
    of_item: bool = False


Link = Arm | Table | StoredScores | StoredItems | str


@dataclass(frozen=True, eq=False)
class Chain:
    """A service's links, ready.

    Attributes
    ----------
    links : tuple
        ``Arm`` (the version before), ``Table``, ``StoredScores``, ``StoredItems`` or ``str`` (an action), as declared.
    last : str
        The action when all of them fail: the declared one, or the thresholds' floor.
    thresholds : Thresholds
        Turn a table's score into an action.
    """

    links: tuple[Link, ...]
    last: str
    thresholds: Thresholds

    async def answer(
        self, columns: Mapping[str, object], now: int, at: int, verdict: Verdict, error: Exception, until: int
    ) -> Verdict:
        """Return a verdict that says which link answered, and why one had to.

        Parameters
        ----------
        columns : mapping
            The event's columns.
        now, at : int
            The workspace's instant, and when the event happened.
        verdict : Verdict
            What the normal way had found before it failed.
        error : Exception
            Why it failed.
        until : int
            The deadline, as of `judge`.
        """
        reason = reason_of(error)
        for link in self.links:
            if isinstance(link, Arm) and (isinstance(error, DeadlineError) or perf_counter_ns() > until):
                continue
            try:
                found = await self._by(link, columns, now, at, verdict, until)
            except Exception as failed:
                log.warning("a fallback failed too: %s", failed)
                continue
            if found is not None:
                found.reason = reason
                return found
        return self.constant(verdict, reason)

    def constant(self, verdict: Verdict, reason: str) -> Verdict:
        """Return the last resort, which asks nothing of anything."""
        found = _blank(verdict)
        found.fallback, found.decision, found.reason = "action", self.last, reason
        return found

    async def _by(
        self, link: Link, columns: Mapping[str, object], now: int, at: int, before: Verdict, until: int
    ) -> Verdict | None:
        if isinstance(link, Arm):
            verdict = Verdict(stored=before.stored)
            if (later := judge(link, columns, now, at, verdict, until)) is not None:
                await later
            verdict.fallback = link.name
            return verdict
        verdict = _blank(before)
        if isinstance(link, str):
            verdict.fallback, verdict.decision = "action", link
            return verdict
        if isinstance(link, StoredItems) or (isinstance(link, Table) and link.of_item):
            return _by_items(link, columns, now, verdict, before)
        if isinstance(link, StoredScores):
            verdict.stored, found = link.look(columns, now)
            if found is None:
                before.stored = before.stored or verdict.stored
                return None
            verdict.fallback, verdict.model = "stored", link.name_of(found)
            verdict.score, verdict.decision = found.score, self.thresholds.action(found.score)
            verdict.thresholds = self.thresholds.levels
            return verdict
        key = columns.get(link.column)
        score = link.scores.get(str(key), link.otherwise) if key is not None else link.otherwise
        if score != score:
            return None
        verdict.fallback, verdict.score, verdict.decision = "table", score, self.thresholds.action(score)
        verdict.thresholds = self.thresholds.levels
        return verdict


def _by_items(
    link: StoredItems | Table, columns: Mapping[str, object], now: int, verdict: Verdict, before: Verdict
) -> Verdict | None:
    """Order a list's candidates by scores that are known of them; None where there are none."""
    candidates = before.candidates
    if candidates is None or not candidates.found:
        return None
    if isinstance(link, Table):
        scores = {id: link.scores.get(id, link.otherwise) for id in candidates.found}
        verdict.fallback = "table"
    else:
        verdict.stored, scores = link.look(columns, list(candidates.found), now)
        verdict.fallback, verdict.model = "stored", link.model
        if not scores:
            before.stored = before.stored or verdict.stored
            return None
    verdict.items = candidates.items(scores)
    return verdict


def _blank(before: Verdict) -> Verdict:
    """Return a verdict that keeps what was read (for whoever looks for the cause) and nothing of what was decided."""
    return Verdict(
        arm=before.arm,
        service_version=before.service_version,
        view=before.view,
        row=before.row,
        words=before.words,
        watermarks=before.watermarks,
        features_ns=before.features_ns,
        rules_ns=before.rules_ns,
        model_ns=before.model_ns,
        items=None if before.candidates is None else before.candidates.items(),
        stages=before.stages,
        stored=before.stored,
    )


def reason_of(error: Exception) -> str:
    """Return why the normal way failed, as ``kind: message``; the kind is what counters go by.

    Examples
    --------
    >>> reason_of(DeadlineError("the deadline passed before the model was asked"))
    'deadline: the deadline passed before the model was asked'
    """
    kind = type(error).__name__.removesuffix("Error").lower()
    message = error.message if isinstance(error, TidewheelError) else str(error)
    return f"{kind}: {message}"[:500]
