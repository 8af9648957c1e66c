"""Scores that are kept: a service that declares ``cache`` asks its model once for the same input.

The key is the words that the model sees, so a kept score is the score: a feature that changes, also one that only time
moves, changes the words, and a new version begins with nothing kept. Where a service allows a card's score to be 30
seconds old, the row that was read for the card is kept for so long, and with it the score. The decision record then
holds that row with its own instant and offsets: it still replays to the bit.

Many who ask for one input at the same time cause one computation. The memory is bounded: of two generations the older
is dropped when the younger is full.
"""

from __future__ import annotations

from collections.abc import Awaitable
from hashlib import blake2b
from typing import TYPE_CHECKING, Generic, TypeVar

from tidewheel.serving.deciding.scoring import Pending, begin, settled

if TYPE_CHECKING:
    from tidewheel.features.reading.online import Event, Row
    from tidewheel.serving.deciding.arms import Reader
    from tidewheel.serving.deciding.scoring import Scoring, Words

V = TypeVar("V")

MOST_SCORES = 65_536
MOST_ROWS = 8_192


class FromCache(float):
    """A score that was looked for in a cache: ``hit`` says whether it was there."""

    hit = False


class Hit(FromCache):
    """A score that was there."""

    hit = True


class Kept(Generic[V]):
    """Values by key, at most so many: the newest, at least half as many.

    Examples
    --------
    >>> kept = Kept(4)
    >>> for number in range(3):
    ...     kept.put(str(number), number)
    >>> kept.get("2"), kept.get("0"), kept.get("9")
    (2, 0, None)
    """

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._new: dict[object, V] = {}
        self._old: dict[object, V] = {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def get(self, key: object) -> V | None:
        """Return a key's value; one that is asked for stays."""
        found = self._new.get(key)
        if found is None and (found := self._old.pop(key, None)) is not None:
            self.put(key, found)
        return found

    def put(self, key: object, value: V) -> None:
        """Keep a value."""
        if len(self._new) >= self._half:
            self._old, self._new = self._new, {}
        self._new[key] = value


class CachedScoring:
    """A scoring that asks another only for words it has not seen. Safe against many who ask for the same at once.

    Parameters
    ----------
    scoring : Scoring
        Of one version: what it gives depends on the words alone.
    most : int, optional
        Scores kept.

    Examples
    --------
    >>> import numpy as np
    >>> asked = []
    >>> def scoring(words, until):
    ...     asked.append(float(words[0]))
    ...     return words[0] / 2
    >>> cached = CachedScoring(scoring)
    >>> [float(cached(np.array([number]), 0)) for number in (1.0, 3.0, 1.0)], asked
    ([0.5, 1.5, 0.5], [1.0, 3.0])
    """

    def __init__(self, scoring: Scoring, most: int = MOST_SCORES) -> None:
        self.scoring = scoring
        self.kept: Kept[float] = Kept(most)
        self._making: dict[bytes, list[Pending[None]]] = {}

    def __call__(self, words: Words, until: int) -> float | Awaitable[float]:
        """Return the score of a row, kept or made; see `Scoring`."""
        key = blake2b(words.tobytes(), digest_size=16).digest()
        score = self.kept.get(key)
        if score is not None:
            return Hit(score)
        if key in self._making:
            return begin(self._after_the_other(key, words, until))
        made = self.scoring(words, until)
        return self._keep(key, made) if isinstance(made, float) else begin(self._make(key, made))

    def _keep(self, key: bytes, score: float) -> float:
        if score == score:
            self.kept.put(key, score)
        return FromCache(score)

    async def _make(self, key: bytes, owed: Awaitable[float]) -> float:
        waiting = self._making[key] = []
        try:
            return self._keep(key, await owed)
        finally:
            # Also when it failed or was given up: then the next one makes it.
            del self._making[key]
            for other in waiting:
                other.finish(None)

    async def _after_the_other(self, key: bytes, words: Words, until: int) -> float:
        turn: Pending[None] = Pending(until)
        self._making[key].append(turn)
        await turn
        return await settled(self(words, until))


class KeptRows:
    """A reader that takes an entity's row to be good for some time; rules are still asked about the event at hand.

    Parameters
    ----------
    reader : Reader
        Reads what is not kept.
    column : str
        The event's column by whose value rows are kept. Null is never kept.
    max_age : int
        µs after which a row is read again.
    rules : bool
        Whether the first of its views is the rules', which is read each time.
    most : int, optional
        Rows kept.
    """

    def __init__(self, reader: Reader, column: str, max_age: int, *, rules: bool, most: int = MOST_ROWS) -> None:
        self.reader = reader
        self.state_ids = getattr(reader, "state_ids", ())
        self._column = column
        self._max_age = max_age
        self._rules = rules
        self._kept: Kept[tuple[int, Row]] = Kept(most)

    def read(self, event: Event, now: int, at: int | None = None, without: frozenset[str] = frozenset()) -> Row:
        """Return the views' rows; the model's may be of an event before. Raises as `OnlineReader.read`."""
        key = event.get(self._column) if hasattr(event, "get") else getattr(event, self._column, None)
        kept = None if key is None or without else self._kept.get(key)
        if kept is None or now - kept[0] >= self._max_age:
            row = self.reader.read(event, now, at, without)
            if key is not None and not without:
                self._kept.put(key, (now, row))
            return row
        row = kept[1]
        if not self._rules:
            return row
        fresh = self.reader.read(event, now, at)
        return row._replace(words=(fresh.words[0], *row.words[1:]), texts=(fresh.texts[0], *row.texts[1:]))
