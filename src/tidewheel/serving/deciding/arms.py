"""An arm: one frozen service with one model version, ready to decide.

A service's champion, its challenger and the version before are an arm each. Arms are built once by the loader and
never changed; a deployment replaces the decider that holds them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tidewheel.errors import DeadlineError, ServingError, StaleError, TidewheelError
from tidewheel.serving.deciding.caching import FromCache
from tidewheel.serving.deciding.scoring import begin

if TYPE_CHECKING:
    from tidewheel.features.reading.online import Event, Row
    from tidewheel.routing.explore import Explorer
    from tidewheel.serving.deciding.combined import Combined
    from tidewheel.serving.deciding.freshness import Freshness
    from tidewheel.serving.deciding.lists import Candidates, Lists
    from tidewheel.serving.deciding.scoring import Scoring
    from tidewheel.serving.deciding.stored import StoredRead, StoredScores
    from tidewheel.storage.journal.decisions import Item, ItemScore, Stage
    from tidewheel.storage.scores import StoredScore

NOTHING_STALE: frozenset[str] = frozenset()


class Reader(Protocol):
    """Reads the views of one arm for one event."""

    def read(self, event: Event, now: int, at: int | None = None, without: frozenset[str] = ...) -> Row:
        """Return the views' rows, read in one snapshot; the states `without` as if they were empty."""
        ...


class NoReader:
    """Stands in for a reader while the state store can't be opened: each read says why."""

    def __init__(self, error: TidewheelError) -> None:
        self.error = error

    def read(self, event: Event, now: int, at: int | None = None, without: frozenset[str] = frozenset()) -> Row:
        """Raise why."""
        raise self.error


class Thresholds:
    """Actions by rising score.

    Parameters
    ----------
    levels : sequence of (str, float)
        Each action with its lowest score; the first is the floor.

    Examples
    --------
    >>> thresholds = Thresholds([("allow", 0.0), ("review", 0.6), ("block", 0.95)])
    >>> thresholds.action(0.7), thresholds.action(-1.0)
    ('review', 'allow')
    """

    __slots__ = ("_actions", "_edges", "levels")

    def __init__(self, levels: Sequence[tuple[str, float]]) -> None:
        self.levels = dict(levels)
        self._actions = [action for action, _ in levels]
        self._edges = [edge for _, edge in levels[1:]]

    def action(self, score: float) -> str:
        """Return the action for a score; "" when the service has none and its score is the answer."""
        return self._actions[bisect_right(self._edges, score)] if self._actions else ""


class Rule(msgspec.Struct, frozen=True):
    """A rule as it runs: when its column of the rule view is true, `then` is the decision."""

    name: str
    column: int
    then: str


@dataclass(frozen=True, eq=False)
class Arm:
    """One version, ready.

    Attributes
    ----------
    name : str
        ``champion``, ``challenger`` or ``previous``.
    model, bundle, view, service_version : str
        What answers: ``Fraud@3``, its bundle's digest, its view's digest, the frozen service's digest.
    reader : Reader
        Reads the rule view (when there are rules) and the model's view (when there is a model), in this order.
    rules : tuple of Rule
        In the order in which they are asked.
    scoring : Scoring, optional
        From the model view's words and a deadline to a score; None for a service of rules alone.
    thresholds : Thresholds
        What a score means.
    explore : Explorer or None
        Lets a share of what would be prevented through.
    otherwise : str
        The decision of a service of rules alone when none fires.
    freshness : Freshness or None
        Holds the view's features to a declared freshness.
    stored : StoredScores or None
        Scores computed ahead, which go before the model.
    combined : Combined or None
        Asked in place of `scoring`, where more than one model is.
    lists : Lists or None
        Of a service that ranks: how it comes to a list. Its `reader` reads the candidate view instead of the model's.
    asking : Asking or None
        Takes the deadline of a read and tells what was sent again for it, where the state is across a network.
    """

    name: str
    model: str
    bundle: str
    view: str
    service_version: str
    reader: Reader
    rules: tuple[Rule, ...]
    scoring: Scoring | None
    thresholds: Thresholds
    explore: Explorer | None = None
    otherwise: str = ""
    freshness: Freshness | None = None
    stored: StoredScores | None = None
    combined: Combined | None = None
    lists: Lists | None = None
    asking: Any = None


class Verdict(msgspec.Struct, gc=False):
    """What was decided and why; becomes the answer and the decision record."""

    arm: str = ""
    model: str = ""
    bundle: str = ""
    view: str = ""
    service_version: str = ""
    decision: str = ""
    score: float | None = None
    rule: str = ""
    fallback: str = ""
    reason: str = ""
    explored: bool = False
    propensity: float = 1.0
    thresholds: dict[str, float] | None = None
    row: Any = None
    """What was read: a ``features.online.Row``."""
    words: Any = None
    """The model view's words."""
    watermarks: Any = None
    """Of each state in `row`: all that arrived up to this instant was in it. None where no freshness is declared."""
    cached: bool = False
    """The score was kept."""
    missed: bool = False
    """It was looked for among those kept, in vain."""
    features_ns: int = 0
    rules_ns: int = 0
    model_ns: int = 0
    decide_ns: int = 0
    stored: StoredRead | None = None
    """What became of looking for a score computed ahead."""
    stages: list[Stage] | None = None
    """What each of several models answered, or each stage of a list took."""
    items: list[Item] | None = None
    """The list."""
    row_kept: float = 1.0
    """Probability with which such a decision keeps its row."""
    propensities: list[float] | None = None
    """Of a list that may be explored: for each item, the probability of its place."""
    resent: str = ""
    """What was sent again to the state's server: ``retry``, ``hedge`` or ``hedge won``."""
    item_scores: list[ItemScore] | None = None
    """What each of several models made of each item of the list."""
    candidates: Candidates | None = None
    """What a list is made of where its models fail."""


def judge(
    arm: Arm, columns: Mapping[str, object], now: int, at: int, verdict: Verdict, until: int
) -> Awaitable[None] | None:
    """Decide by one arm and write it into `verdict`.

    Parameters
    ----------
    arm : Arm
        Which version.
    columns : mapping
        The event's columns.
    now, at : int
        The workspace's instant, and when the event happened.
    verdict : Verdict
        Gets what was read and decided, as far as it came.
    until : int
        The deadline, ns of the monotonic clock; looked at between the stages.

    Returns
    -------
    Awaitable or None
        None when it is decided. Otherwise the score is under way, and it is decided when this was awaited.

    Raises
    ------
    DeadlineError
        It passed before the model was asked, or before it answered. The latter only where its score is awaited.
    TidewheelError
        Features or model failed.
    """
    if arm.stored is not None:
        return _judge_stored(arm, arm.stored, columns, now, at, verdict, until)
    asked = prepare(arm, columns, now, at, verdict, until)
    if arm.lists is not None:
        return None if verdict.rule else begin(_list(arm, arm.lists, columns, now, at, verdict, until))
    return _score(arm, asked, verdict, until)


async def _list(
    arm: Arm, lists: Lists, columns: Mapping[str, object], now: int, at: int, verdict: Verdict, until: int
) -> None:
    """Decide by a list, whose rows are held to the view's freshness as well."""
    freshness = arm.freshness
    stale = freshness.stale(now) if freshness is not None and freshness.defaults else NOTHING_STALE
    await lists.answer(columns, now, at, verdict, until, stale)
    if freshness is not None:
        marks = freshness.marks(now)
        verdict.watermarks = [marks.get(state, now) for state, _, _ in verdict.row.states]


def _score(arm: Arm, asked: int, verdict: Verdict, until: int) -> Awaitable[None] | None:
    """Ask the model, where no rule has decided."""
    if arm.scoring is None or verdict.rule:
        return None
    if asked > until:
        raise DeadlineError("the deadline passed before the model was asked")
    score = arm.scoring(verdict.words, until) if arm.combined is None else arm.combined(verdict, until)
    if isinstance(score, float):
        settle(arm, score, asked, verdict)
        return None
    return _settle_later(arm, score, asked, verdict)


def prepare(arm: Arm, columns: Mapping[str, object], now: int, at: int, verdict: Verdict, until: int) -> int:
    """Read the features and ask the rules; return when that was done."""
    verdict.arm, verdict.model, verdict.bundle = arm.name, arm.model, arm.bundle
    verdict.view, verdict.service_version = arm.view, arm.service_version
    start = perf_counter_ns()
    if start > until:
        raise DeadlineError("the deadline passed before the features were read")
    if arm.asking is not None:
        arm.asking.begin(until)
    row = arm.reader.read(columns, now, at) if arm.freshness is None else _fresh_row(arm, columns, now, at, verdict)
    if arm.asking is not None:
        verdict.resent = arm.asking.end()
    verdict.row = row
    verdict.words = row.words[-1] if row.words else None
    read = perf_counter_ns()
    verdict.features_ns = read - start
    first_rule(arm, row, verdict)
    asked = perf_counter_ns()
    verdict.rules_ns = asked - read
    return asked


def first_rule(arm: Arm, row: Row, verdict: Verdict) -> None:
    """Decide by the first rule whose condition holds, or by what a service of rules alone says otherwise."""
    for rule in arm.rules:
        # A condition that is null (NaN) is not true.
        if row.words[0][rule.column] == 1.0:
            verdict.rule, verdict.decision = rule.name, rule.then
            return
    if arm.scoring is None:
        verdict.decision = arm.otherwise


def _judge_stored(
    arm: Arm, stored: StoredScores, columns: Mapping[str, object], now: int, at: int, verdict: Verdict, until: int
) -> Awaitable[None] | None:
    """Decide by a score computed ahead where there is one; features are then read for rules alone."""
    start = perf_counter_ns()
    verdict.stored, found = stored.look(columns, now)
    if found is not None and not arm.rules:
        verdict.arm, verdict.service_version = arm.name, arm.service_version
        use_stored(arm, stored, found, start, verdict)
        return None
    asked = prepare(arm, columns, now, at, verdict, until)
    if verdict.rule:
        return None
    if found is not None:
        use_stored(arm, stored, found, asked, verdict)
        return None
    if stored.declared.only:
        raise stored.refuse(verdict.stored)
    return _score(arm, asked, verdict, until)


def use_stored(arm: Arm, stored: StoredScores, found: StoredScore, asked: int, verdict: Verdict) -> None:
    """Decide by a score computed ahead, and name the version that computed it."""
    verdict.model = stored.name_of(found)
    verdict.bundle = arm.bundle if verdict.model == arm.model else ""
    settle(arm, found.score, asked, verdict)


def settle(arm: Arm, score: float, asked: int, verdict: Verdict) -> None:
    """Turn a score into a decision."""
    verdict.model_ns = perf_counter_ns() - asked
    if score != score:
        raise ServingError("the model gave no number", where=arm.model)
    verdict.score = score
    if isinstance(score, FromCache):
        verdict.score, verdict.cached, verdict.missed = float(score), score.hit, not score.hit
    verdict.thresholds = arm.thresholds.levels
    verdict.decision = arm.thresholds.action(score)


async def _settle_later(arm: Arm, score: Awaitable[float], asked: int, verdict: Verdict) -> None:
    settle(arm, await score, asked, verdict)


def _fresh_row(arm: Arm, columns: Mapping[str, object], now: int, at: int, verdict: Verdict) -> Row:
    """Read the views' rows by what is declared of features that are behind."""
    freshness = arm.freshness
    assert freshness is not None
    stale = freshness.stale(now)
    if stale and freshness.refuses:
        raise StaleError(freshness.told(now))
    row = arm.reader.read(columns, now, at, stale) if freshness.defaults else arm.reader.read(columns, now, at)
    marks = freshness.marks(now)
    # A row that was kept knows of nothing after its own instant.
    verdict.watermarks = [min(marks.get(state, now), row.instant) for state, _, _ in row.states]
    return row
