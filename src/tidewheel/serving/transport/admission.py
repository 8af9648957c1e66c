"""Admission: how far a worker is behind its callers, and the cheap refusal of what it could not answer in time.

Decisions are made on the loop, so what queues does so in the sockets, where nobody sees it. But a loop that polls its
sockets in turns tells: what is read in one turn came after the poll of the turn before, or it would have been read
then. From that follows the longest that a request can have waited. A single stall is no overload: refused is only
when the last turns all began behind, which is a queue that stands, or when a crowd came at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter_ns

from tidewheel.serving.transport import wire
from tidewheel.serving.transport.http import Response, error_response

QUIET = 2_000_000
"""Nothing that waited less (ns) is refused."""
MOST_WAITED, STANDING = 2, 8
"""Refused is what waited for a half of its deadline while each of the last turns began behind by an eighth."""
FEW = 8
"""So few in a turn are no queue, however slow the turn is: the machine is busy with something else."""
MANY = 32
"""Refused is too what has likely waited for that long behind so many others, read in the same turn."""
ANSWERS = 16
TIMEOUT = b"x-request-timeout-ms"
LONGEST_TIMEOUT = 3_600_000
LONGEST_NUMBER = 12
"""Digits that are read as one: Python refuses thousands of them with an error."""
PLAIN = b"POST /v1/"
_ODD = (b"transfer-encoding", b"expect", b"upgrade", b"connection:", TIMEOUT)
"""Headers that a request must not have to be refused unparsed."""

Patience = Callable[[str], int]
"""From a path to how long (ns) its callers wait for an answer; 0 for what is never refused. "" is for the shortest."""


def no_patience(path: str) -> int:
    """Refuse nothing."""
    return 0


class Admission:
    """The pace of one loop, and what it refuses.

    Parameters
    ----------
    patience : callable
        How long callers of a path wait.
    call_soon : callable
        The loop's: what it is given runs before the next poll.

    Examples
    --------
    >>> admission = Admission(lambda path: 50_000_000, lambda call: None)
    >>> admission.turn(12_000_000_000), admission.refuses(40_000_000, "/v1/services/Score", {})
    (12000000000, False)
    """

    __slots__ = (
        "_answers", "_before", "_call_soon", "_patience", "_polled", "_read", "_reads", "_turns", "_watched", "quiet",
        "shed", "since",
    )  # fmt: skip

    def __init__(self, patience: Patience, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._patience = patience
        self._call_soon = call_soon
        self._polled = self._reads = self._read = 0
        self._turns = (0, 0, 0)
        self._watched = False
        self._before: tuple[bytes, list[bytes]] = (b"", [])
        self._answers = [_refusal(number) for number in range(ANSWERS)]
        self.quiet = QUIET
        """Nothing that waited less (ns), and has no time-out of its own, is refused: so it need not be looked at."""
        self.since = 0
        """When the earliest of what is being read can have come, ns of the monotonic clock."""
        self.shed = 0
        """Requests refused."""

    def settle(self) -> None:
        """Look at how long callers wait, now and then: what is served may have changed."""
        self.quiet = max(QUIET, self._patience("") // MOST_WAITED)

    def turn(self, now: int) -> int:
        """Note a read at the instant `now`; return the earliest instant at which what was read can have come."""
        self._reads += 1
        if not self._watched:
            # The poll before found nothing, so this has only just come.
            self._watched = True
            self._polled = self.since = now
            self._call_soon(self._end)
        return self.since

    def _end(self) -> None:
        """Note the end of a turn: what is read in the next one came after the poll that began this one."""
        if not self._reads:
            self._turns = (*self._turns[1:], 0)
            self._watched = False
            return
        now = perf_counter_ns()
        self._turns = (*self._turns[1:], now - self._polled)
        self.since, self._polled, self._read, self._reads = self._polled, now, self._reads, 0
        # Once more, so that the next poll does not wait and tells whether the queue is empty.
        self._call_soon(self._end)

    @property
    def standing(self) -> int:
        """How long (ns) what was first in its turn had waited, at least, in each of the last turns."""
        return min(self._turns)

    def refuses(self, waited: int, path: str, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether to refuse a request that may have waited so long (ns)."""
        if waited <= self.quiet and TIMEOUT not in headers:
            return False
        patience = self._patience(path)
        asked = headers.get(TIMEOUT)
        if patience and asked is not None and asked.isdigit() and len(asked) <= LONGEST_NUMBER:
            patience = int(asked) * 1_000_000
        return self.overdue(waited, patience)

    def overdue(self, waited: int, patience: int) -> bool:
        """Return whether to refuse what has waited so long, of callers who wait so long (ns; 0 for ever)."""
        if not patience or waited * MOST_WAITED <= patience:
            return False
        likely = waited - (self._polled - self.since) // 2
        crowd = self._reads > MANY and likely * MOST_WAITED > patience
        return crowd or (max(self._read, self._reads) > FEW and self.standing * STANDING > patience)

    def refusal(self) -> Response:
        """Return the answer to a refused request; the instants to ask again at are spread."""
        self.shed += 1
        return self._answers[self.shed % ANSWERS]

    def refuse_whole(self, data: bytes, date: bytes) -> bytes | None:
        """Return the refusal of the one plain request that `data` is, unparsed; None where only the parser can tell."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or not data.startswith(PLAIN):
            return None
        head = data[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        line = head.find(b" http/1.1\r\n", 0, 256)
        if at < 0 or line < 0 or head.count(b"content-length") != 1 or any(odd in head for odd in _ODD):
            return None
        length = data[at + 17 : (head.find(b"\r\n", at + 2) + 1 or end + 1) - 1].strip()
        if not length.isdigit() or len(length) > LONGEST_NUMBER or len(data) != end + 4 + int(length):
            return None
        if not self.refuses(perf_counter_ns() - self.since, data[5:line].decode("latin-1"), {}):
            return None
        self.shed += 1
        if self._before[0] is not date:
            self._before = (date, [wire.encode(answer, date) for answer in self._answers])
        return self._before[1][self.shed % ANSWERS]


def _refusal(number: int) -> Response:
    """Return one of the refusals, each asking for another pause."""
    pause = 500 + 1000 * number // ANSWERS
    return error_response(
        503,
        "overloaded: the request waited too long to be answered in time",
        remedy="send it again after Retry-After-Ms, and slow down while this goes on",
        headers=((b"Retry-After", b"%d" % -(-pause // 1000)), (b"Retry-After-Ms", b"%d" % pause)),
    )


def timeout_of(headers: Mapping[bytes, bytes]) -> int:
    """Return the microseconds that a caller gives the answer; 0 when it does not say.

    Raises
    ------
    ValueError
        The header is no number of milliseconds.

    Examples
    --------
    >>> timeout_of({b"x-request-timeout-ms": b"25"})
    25000
    """
    asked = headers.get(TIMEOUT)
    if asked is None:
        return 0
    milliseconds = int(asked)
    if not 0 < milliseconds <= LONGEST_TIMEOUT:
        raise ValueError(f"{milliseconds} is not between 1 and {LONGEST_TIMEOUT}")
    return milliseconds * 1000
