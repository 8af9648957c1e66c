"""Circuit breakers: what keeps failing or keeps taking too long is left alone for a while, and asked now and then.

One breaker stands for one dependency of a process: the features of a service, a model's version. It is closed while
calls go well. When half of at least 20 calls within 10 seconds failed or overran, it opens: calls fail at once, and
the fallback chain answers. After a second one call is let through as a probe. When that goes well the breaker closes;
when not, the pause doubles, up to 30 seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from tidewheel.errors import BreakerError, DeadlineError, FeatureError, InputError, OverloadedError
from tidewheel.serving.deciding.arms import NoReader
from tidewheel.serving.deciding.scoring import Pending, Started, begin

if TYPE_CHECKING:
    from tidewheel.features.reading.online import Event, Row
    from tidewheel.serving.deciding.arms import Reader
    from tidewheel.serving.deciding.scoring import Scoring, Words

log = logging.getLogger("tidewheel.serving")

P = ParamSpec("P")
T = TypeVar("T")

SECOND = 1_000_000_000
WINDOW = 10 * SECOND
LEAST_CALLS = 20
FIRST_PAUSE, LONGEST_PAUSE = SECOND, 30 * SECOND
LEAST_OVERRUN = 10_000_000
"""Calls that take no longer (ns) are no overruns, however short the deadline."""
STALLED = 4
"""What was given this part of the deadline, in vain, has failed."""
CALLERS = (InputError, FeatureError, OverloadedError)
"""Errors that say nothing against the dependency: what was asked is odd, or too much is asked."""


class Breaker:
    """The breaker of one dependency. For one thread at a time.

    Parameters
    ----------
    name : str
        What it stands for.
    clock : callable
        Gives ns.

    Attributes
    ----------
    calls : int
        Calls since the window began; counted by who makes them.
    open : bool
        Calls are not made, but for a probe: ask :meth:`admit` first.

    Examples
    --------
    >>> breaker = Breaker("feature store")
    >>> for _ in range(20):
    ...     breaker.failed("no answer")
    >>> breaker.state, breaker.reason
    ('open', 'no answer')
    """

    __slots__ = ("_began", "_clock", "_failures", "_pause", "_probing", "_until", "calls", "name", "open", "reason")

    def __init__(self, name: str, clock: Callable[[], int] = perf_counter_ns) -> None:
        self.name = name
        self.calls = 0
        self.open = False
        self.reason = ""
        self._clock = clock
        self._began = self._until = 0
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._probing = False

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``: due for a probe, or being probed."""
        if not self.open:
            return "closed"
        return "half-open" if self._probing or self._clock() >= self._until else "open"

    def admit(self) -> None:
        """Let one call through as a probe when it is time; the caller owes its outcome.

        Raises
        ------
        BreakerError
            It is not.
        """
        if self._probing or self._clock() < self._until:
            raise BreakerError(f"{self.name} is not asked for a while: {self.reason}")
        self._probing = True

    def went_well(self) -> None:
        """Close after a probe."""
        if self.open:
            log.warning("%s answers again", self.name)
            self.open = self._probing = False
            self.calls = self._failures = 0
            self._pause = FIRST_PAUSE

    def failed(self, reason: str) -> None:
        """Count a call that failed or overran; open when it is one too many."""
        now = self._clock()
        if self.open:
            if self._probing:
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
                self._rest(now, reason)
            return
        if now - self._began > WINDOW:
            self._began, self.calls, self._failures = now, 0, 0
        self.calls += 1
        self._failures += 1
        if self.calls >= LEAST_CALLS and 2 * self._failures >= self.calls:
            log.error("%s is left alone, after %d of %d calls: %s", self.name, self._failures, self.calls, reason)
            self._rest(now, reason)

    def abandoned(self) -> None:
        """Take back a probe whose outcome nobody learnt."""
        self._probing = False

    def _rest(self, now: int, reason: str) -> None:
        self.open, self._probing, self.reason = True, False, reason
        self._until = now + self._pause


class Guarded:
    """Calls a dependency through its breaker.

    Parameters
    ----------
    breaker : Breaker
    longest : int
        What takes longer (ns) is an overrun.
    """

    def __init__(self, breaker: Breaker, longest: int) -> None:
        self.breaker = breaker
        self._longest = longest

    def _ended(self, start: int) -> None:
        """Note a call that gave its result."""
        breaker = self.breaker
        if perf_counter_ns() - start > self._longest:
            breaker.failed(f"it took longer than {self._longest // 1_000_000} ms")
        elif breaker.open:
            breaker.went_well()
        else:
            breaker.calls += 1

    def _failed(self, error: BaseException, start: int) -> None:
        """Note a call that raised."""
        # Whoever gave it little time has learnt nothing of it; it never has the whole deadline.
        hurried = isinstance(error, DeadlineError) and perf_counter_ns() - start < self._longest // STALLED
        if hurried or isinstance(error, CALLERS) or not isinstance(error, Exception):
            self.breaker.abandoned()
        else:
            self.breaker.failed(str(error) or type(error).__name__)

    async def _awaited(self, owed: Awaitable[T], start: int) -> T:
        try:
            found = await owed
        except BaseException as error:
            self._failed(error, start)
            raise
        self._ended(start)
        return found


class GuardedReader(Guarded):
    """Reads through the breaker of a service's features."""

    def __init__(self, reader: Reader, breaker: Breaker, longest: int) -> None:
        super().__init__(breaker, longest)
        self._read = reader.read
        self._read_many: Any = getattr(reader, "read_many", None)
        self.state_ids: tuple[str, ...] = getattr(reader, "state_ids", ())

    def read(self, event: Event, now: int, at: int | None = None, without: frozenset[str] = frozenset()) -> Row:
        """Return the views' rows.

        Raises
        ------
        BreakerError
            The store is left alone for a while.
        """
        if self.breaker.open:
            self.breaker.admit()
        start = perf_counter_ns()
        try:
            row = self._read(event, now, at, without)
        except BaseException as error:
            self._failed(error, start)
            raise
        self._ended(start)
        return row

    def read_many(self, events: Sequence[Event], now: int, ats: Sequence[int]) -> list[Row]:
        """Return the views' rows of some events, read together. Raises what any of them would."""
        start = perf_counter_ns()
        rows: list[Row] = self._read_many(events, now, ats)
        self._ended(start)
        return rows

    @property
    def together(self) -> bool:
        """Whether some events can be read together."""
        return self._read_many is not None


class GuardedScoring(Guarded):
    """Scores through a model's breaker."""

    def __init__(self, scoring: Scoring, breaker: Breaker, longest: int) -> None:
        super().__init__(breaker, longest)
        self.scoring = scoring
        self._score_many: Any = getattr(scoring, "score_many", None)
        self._wait: Callable[[], int] = getattr(scoring, "predicted_wait", _no_wait)

    def __call__(self, words: Words, until: int) -> float | Awaitable[float]:
        """Return the score, or what to await for it.

        Raises
        ------
        BreakerError
            The model is left alone for a while.
        """
        if self.breaker.open:
            self.breaker.admit()
        start = perf_counter_ns()
        try:
            score = self.scoring(words, until)
        except BaseException as error:
            self._failed(error, start)
            raise
        if not isinstance(score, float):
            return begin(self._awaited(score, start))
        self._ended(start)
        return score

    def score_many(self, words: Words) -> list[float]:
        """Return the scores of some rows, shape (n, columns): each the same to the bit as it is alone."""
        start = perf_counter_ns()
        scores: list[float] = self._score_many(words)
        self._ended(start)
        return scores

    @property
    def together(self) -> bool:
        """Whether some rows can be scored together, at once."""
        return self._score_many is not None

    def predicted_wait(self) -> int:
        """Return the ns after which a score that is asked for now is expected."""
        return self._wait()


class GuardedCall(Guarded, Generic[P, T]):
    """Calls anything through a breaker: what reads a list's rows, or scores them. What it gives may be awaited."""

    def __init__(self, call: Callable[P, T], breaker: Breaker, longest: int) -> None:
        super().__init__(breaker, longest)
        self.call = call

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> T:
        """Return what the call does. Raises `BreakerError` while it is left alone, and whatever the call raises."""
        if self.breaker.open:
            self.breaker.admit()
        start = perf_counter_ns()
        try:
            found = self.call(*arguments, **named)
        except BaseException as error:
            self._failed(error, start)
            raise
        if isinstance(found, Pending | Started):
            return cast("T", begin(self._awaited(found, start)))
        self._ended(start)
        return found


class Breakers:
    """The breakers of a process, by dependency; they outlive the deployments that ask for them."""

    def __init__(self) -> None:
        self._of: dict[str, Breaker] = {}

    def reader(self, reader: Reader, service: str, deadline: int) -> Reader:
        """Return a reader that goes through the breaker of a service's features.

        A breaker for each service: the functions of one, which run in the read, must not stop another's.

        Parameters
        ----------
        reader : Reader
        service : str
        deadline : int
            Of who reads, in microseconds: a read that takes longer is an overrun.
        """
        if isinstance(reader, NoReader):
            return reader
        return GuardedReader(reader, self.of(reading(service)), _longest(deadline))

    def scoring(self, scoring: Scoring, model: str, deadline: int) -> GuardedScoring:
        """Return a scoring that goes through the breaker of its version; as :meth:`reader`."""
        return GuardedScoring(scoring, self.of(model), _longest(deadline))

    def call(self, call: Callable[P, T], name: str, deadline: int) -> GuardedCall[P, T]:
        """Return a call that goes through the breaker of a dependency; as :meth:`reader`."""
        return GuardedCall(call, self.of(name), _longest(deadline))

    def of(self, name: str) -> Breaker:
        """Return the breaker of a dependency, made when it is first asked for."""
        found = self._of.get(name)
        if found is None:
            found = self._of[name] = Breaker(name)
        return found

    def open(self) -> dict[str, str]:
        """Return why what is left alone is, by dependency."""
        return {name: breaker.reason for name, breaker in list(self._of.items()) if breaker.open}


def reading(service: str) -> str:
    """Return what the breaker of a service's features stands for."""
    return f"reading features for {service}"


def _no_wait() -> int:
    return 0


def _longest(deadline: int) -> int:
    return max(deadline * 1000, LEAST_OVERRUN)
