"""The decision record: what is kept of every decision. Documented, versioned, stable.

The journal holds it as a MessagePack array (fields in the order below, new ones only added at
the end), the lake as the table ``decisions`` with one column a field. ``docs/decision-record.md``
tells the same for people who query it.
"""

from __future__ import annotations

import datetime
import os
import random
import threading
import weakref
from functools import cache
from typing import Any

import msgspec
from msgspec.msgpack import Decoder

from tidewheel.errors import CorruptError
from tidewheel.storage.journal.decision_parts import Item as Item
from tidewheel.storage.journal.decision_parts import ItemScore as ItemScore
from tidewheel.storage.journal.decision_parts import Stage as Stage

RECORD_VERSION = 1
DAY = 86_400_000_000
"""Microseconds."""
LOAD_TEST = "bench"
"""The `caller` of `tidewheel bench`; ``ann (bench)`` where the server knows its callers."""


class DecisionRecord(msgspec.Struct, array_like=True, gc=False):
    """One decision, with all that made it. Times are µs UTC.

    Attributes
    ----------
    decision_id : str
        ULID: 26 characters, in order of time.
    event_id, event_type : str
        The event that was decided on; deciding is also its ingestion.
    service, unit : str
        Which service answered; what stays on one arm (the event's id by default).
    instant : int
        When features were read: above the newest arrival folded into any state read.
    at, arrived : int
        Of the event.
    states : list of (str, str, int)
        Each state read: (state id, entity key, last offset folded into it; 0 for none).
    inputs : dict
        The event's columns as they came.
    view : str
        Digest of the view whose columns `features` holds; the version names them.
    features : bytes
        The view's row: one 8-byte word (little-endian float64; text as its 64-bit hash) a column.
    texts : dict
        Text features, readable.
    model, bundle, service_version : str
        ``"Fraud@3"`` ("" for rules alone), and the content hashes served.
    thresholds : dict
        As they stood.
    arm : str
        ``champion``, ``challenger`` or the name of a variant.
    propensity : float
        Probability with which this action was chosen, given what was known.
    rule, fallback, reason : str
        The rule that fired; ``previous``, ``table`` or ``action`` when the model did not answer, and why.
    score : float or None
    decision : str
        The action.
    explored : bool
        Let through on purpose, against the action that the score asked for.
    timings : list of int
        Nanoseconds: decode, features, rules, model, decide.
    caller : str
    record_version : int
    watermarks : list of int
        For each of `states`, the instant up to which all that had arrived was folded; empty where the view
        declares no freshness.
    stored : str
        What became of looking for a score computed ahead: ``fresh`` (it was used), ``stale``, ``missing``, ``unread``;
        "" where the service does not look.
    stored_run : str
        The run that computed it.
    stored_age : int
        How old it was, µs.
    cached : bool
        The score was kept from an equal input, or from this entity's row of before: then `features` is that row.
    stages : list of Stage
        What each of several models answered; empty for a service with one.
    items : list of Item
        The list that answered, where the service ranks.
    row_kept : float
        Probability with which such a decision keeps `features` and `texts`; below 1 and with these empty, they
        were left out (`is_left_out`), and not absent.
    trace : str
        Id of the OpenTelemetry trace that the request belonged to; "" for none.
    propensities : list of float
        For each of `items`, the probability with which it stood at its place; empty where lists are not explored.
    resent : str
        What was sent again to read the features: ``retry``, ``hedge`` or ``hedge won``; "" for nothing.
    item_scores : list of ItemScore
        What each of several models made of each of `items`; empty for a service with one.
    """

    decision_id: str
    event_id: str
    service: str
    event_type: str
    unit: str
    instant: int
    at: int
    arrived: int
    states: list[tuple[str, str, int]]
    inputs: dict[str, Any]
    view: str
    features: bytes
    texts: dict[str, str]
    model: str
    bundle: str
    service_version: str
    thresholds: dict[str, float]
    arm: str
    propensity: float
    rule: str
    fallback: str
    reason: str
    score: float | None
    decision: str
    explored: bool
    timings: list[int]
    caller: str = ""
    record_version: int = RECORD_VERSION
    watermarks: list[int] = []
    stored: str = ""
    stored_run: str = ""
    stored_age: int = 0
    cached: bool = False
    stages: list[Stage] = []
    items: list[Item] = []
    row_kept: float = 1.0
    trace: str = ""
    propensities: list[float] = []
    resent: str = ""
    item_scores: list[ItemScore] = []


def is_left_out(record: DecisionRecord) -> bool:
    """Whether a record's view row was left out by the service's rule (``keep_rows``)."""
    return record.row_kept < 1.0 and not record.features and not any(item.features for item in record.items)


def row_records(record: DecisionRecord) -> list[DecisionRecord]:
    """Return a record as one for each view that it holds rows of: its own, and those of its stages."""
    names = ("model", "bundle", "view", "features", "texts")
    found = [record]
    for stage in record.stages:
        rows = {told.item: told.features for told in record.item_scores if told.stage == stage.name and told.features}
        if stage.features or rows:
            items = [msgspec.structs.replace(item, features=rows[item.id]) for item in record.items if item.id in rows]
            own = {name: getattr(stage, name) for name in names}
            found.append(msgspec.structs.replace(record, **own, stages=[], items=items, item_scores=[]))
    return found


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = Decoder(DecisionRecord)
encode_decision = _ENCODER.encode
"""Bytes of a `DecisionRecord`, for the journal."""


_LARGE = frozenset({"states", "inputs", "features", "texts", "thresholds", "timings", "stages", "items"})


@cache
def _decoder(names: frozenset[str]) -> Decoder[DecisionRecord]:
    """Return what reads a record without its large fields, but for those of `names`: in half the time."""
    fields = [
        (field.name, msgspec.Raw if field.name in _LARGE - names else field.type, *_default(field))
        for field in msgspec.structs.fields(DecisionRecord)
    ]
    part: Any = msgspec.defstruct("PartOfDecision", fields, array_like=True, gc=False)
    return Decoder(part)


def _default(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    """Return what stands for a field that an older record lacks, where there may be such records."""
    if field.required:
        return ()
    return (field.default,) if field.default is not msgspec.NODEFAULT else (field.default_factory(),)


def decode_decision(payload: bytes, names: frozenset[str] | None = None) -> DecisionRecord:
    """Read a journalled record.

    Parameters
    ----------
    payload : bytes
    names : frozenset of str, optional
        Of the fields that take long to read, those that are wanted; the others hold nothing of use. All by default.

    Raises
    ------
    CorruptError
        The bytes are no decision record.
    """
    try:
        return (_DECODER if names is None else _decoder(names)).decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptError(f"not a decision record ({error})", where="decision journal") from error


def date_of(instant: int) -> str:
    """Return the UTC day of an instant (µs), as the lake's partitions name it.

    Examples
    --------
    >>> date_of(0)
    '1970-01-01'
    """
    return (_EPOCH + datetime.timedelta(days=instant // DAY)).isoformat()


_EPOCH = datetime.date(1970, 1, 1)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]


def _base32(value: int, characters: int) -> str:
    shifts = range(5 * characters - 10, -1, -10)
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in shifts])


class DecisionIds:
    """Makes ULIDs that rise within a process, also when the clock stands still or steps back.

    Safe to share between threads; each process makes its own.

    Examples
    --------
    >>> ids = DecisionIds()
    >>> first, second = ids.new(1_700_000_000_000_000), ids.new(1_600_000_000_000_000)
    >>> len(first), first < second, time_of(second)
    (26, True, 1700000000000000)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = self._second = -1
        self._head = self._seconds = self._noise = ""
        self._count = 0
        self._seed()
        reborn = weakref.WeakMethod(self._reborn)
        os.register_at_fork(after_in_child=lambda: (method := reborn()) and method())

    def new(self, now: int) -> str:
        """Return the next id, for the clock's µs `now`."""
        with self._lock:
            millisecond = now // 1000
            if millisecond > self._millisecond:
                self._begin(millisecond)
            self._count = n = self._count + 1
            if n >> 40:
                self._begin(self._millisecond + 1)
                n = self._count
            head = self._head
        return head + _PAIRS[n >> 30] + _PAIRS[(n >> 20) & 1023] + _PAIRS[(n >> 10) & 1023] + _PAIRS[n & 1023]

    def _begin(self, millisecond: int) -> None:
        """Start a millisecond: 40 random bits, drawn each second, then a counter that starts at a random place."""
        self._millisecond = millisecond
        if millisecond >> 10 != self._second:
            self._second = millisecond >> 10
            self._seconds, self._noise = _base32(self._second, 8), _base32(self._random(40), 8)
        self._head = self._seconds + _PAIRS[millisecond & 1023] + self._noise
        self._count = self._random(39)

    def _seed(self) -> None:
        # Drawn in the process: to ask the system for each millisecond lets another thread have the interpreter.
        self._random = random.Random(os.urandom(32)).getrandbits

    def _reborn(self) -> None:
        """Go on with ids of one's own, in a forked child."""
        self._lock = threading.Lock()
        self._seed()
        self._second = -1
        self._begin(self._millisecond + 1)


def time_of(decision_id: str) -> int:
    """Return the time (µs, to the millisecond) at which an id was made."""
    value = 0
    for character in decision_id[:10]:
        value = value * 32 + _ALPHABET.index(character)
    return value * 1000
