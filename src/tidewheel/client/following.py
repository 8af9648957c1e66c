"""Decisions followed while they are made: what a reader knows between two connections, and when it asks again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from tidewheel.client.calls import EVENTS, Decision, ServerEvents, error_of, named
from tidewheel.client.http1 import Address, Reply, request_bytes
from tidewheel.client.retries import AGAIN
from tidewheel.client.setup import seconds_of, unreachable
from tidewheel.errors import TidewheelError

log = logging.getLogger("tidewheel.client")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds before a server that has gone is asked again, where it does not say; they double."""
SILENCE = 60.0
"""Seconds without a sign of life after which a connection is taken for dead."""
CONNECTING = 10.0
"""Seconds that a connection may take to come about."""


class Followed(Decision, frozen=True, kw_only=True):
    """A decision that was made: the answer, when, how long it took, for whom.

    Attributes
    ----------
    arrived : datetime
        When the event came; UTC.
    microseconds : int
        What the answer took in the service.
    caller : str
        Who asked.
    place : str
        Where the reader is behind it: give it as `after` to go on from here, another day too.
    """

    arrived: datetime
    microseconds: int
    caller: str = ""
    place: str = ""


class Gap(msgspec.Struct, frozen=True):
    """Decisions that a reader was not told of, and why.

    Attributes
    ----------
    decisions : int or None
        How many, whatever the filter; None where nobody can count them any more.
    why : str
    place : str
        As in `Followed`.
    """

    decisions: int | None
    why: str
    place: str = ""


class Following:
    """One reader: its place, and how long it goes on asking.

    Parameters
    ----------
    address : Address
        The server's.
    wanted : dict of str to (str or type)
        The filters by name; those that are "" are none.
    after : str
        A place to go on from; "" for now.
    usual : float
        Seconds within which the server has to be there at first.
    patience : str, float or None
        How long it may be away later; None for ever.
    """

    def __init__(
        self, address: Address, wanted: dict[str, str | type], after: str, usual: float, patience: str | float | None
    ) -> None:
        filters = {name: named(value) for name, value in wanted.items() if value}
        self._path = f"/v1/decisions?{urlencode({'follow': '', **filters})}"
        self._address, self._place = address, after
        self._patience = float("inf") if patience is None else seconds_of(patience)
        self._until = time.monotonic() + usual
        self._first = self._pause = FIRST_PAUSE
        self._events = ServerEvents()

    def request(self, usual: Mapping[str, str]) -> bytes:
        """Return what the next connection asks, with the headers of any call."""
        self._events = ServerEvents()  # what was cut off comes again whole
        headers = {**usual, "Accept": EVENTS} | ({"Last-Event-ID": self._place} if self._place else {})
        return request_bytes(self._address, "GET", self._path, headers, b"")

    def left(self) -> float:
        """Return how many seconds a connection may take to come about."""
        return min(max(self._until - time.monotonic(), 0.001), CONNECTING)

    def feed(self, reply: Reply) -> Iterator[Followed | Gap]:
        """Give what is whole of what has come."""
        if reply.status != 200:
            return
        for event in self._events.feed(reply.take()):
            self._place = event.get("id", self._place)
            self._until = time.monotonic() + self._patience
            self._first = self._pause = int(event["retry"]) / 1000 if "retry" in event else self._first
            kind = _KINDS.get(event.get("event", ""))
            if kind is not None:
                yield msgspec.structs.replace(msgspec.json.decode(event["data"], type=kind), place=self._place)

    def again(self, reply: Reply, error: OSError | None) -> float:
        """Return the seconds to wait before the next connection.

        Parameters
        ----------
        reply : Reply
            What the last one brought.
        error : OSError or None
            Of what it died; None when it came to its end.

        Raises
        ------
        TidewheelError
            The server refuses, or was away for too long.
        """
        told: TidewheelError = unreachable(self._address, error or ConnectionError("it ended the stream"))
        if reply.status not in (0, 200):
            told = error_of(reply.status, reply.headers, reply.take())
        if reply.status not in (0, 200, *AGAIN):
            raise told
        pause, self._pause = self._pause * random.uniform(1.0, 1.25), min(2 * self._pause, LONGEST_PAUSE)
        if time.monotonic() + pause >= self._until:
            raise told from error
        log.warning("decisions are asked for again in %.1f s: %s", pause, told)
        return pause


_KINDS: dict[str, type[Followed] | type[Gap]] = {"decision": Followed, "gap": Gap}
