"""``GET /v1/decisions?follow``: decisions as server-sent events while they are made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from tidewheel.errors import InputError, OverloadedError
from tidewheel.serving.api.handler import unknown
from tidewheel.serving.observing.following import AT_ONCE, Follower, Gap, Shared, Wanted, followed
from tidewheel.serving.transport.http import Request, Response
from tidewheel.serving.transport.streaming import EVENTS, Streamed, event

if TYPE_CHECKING:
    from tidewheel.serving.backend import WorkerBackend

LOOK = 0.1
"""Seconds between looks at the journal."""
SIGN_OF_LIFE = 10.0
"""Seconds after which a reader who is told nothing is told its place, and gateways that the connection lives."""
MOST_FOLLOWERS = 32
"""Of one worker."""


class Following:
    """Answers those who follow. They share one thread, so that they take little from who decides.

    Parameters
    ----------
    backend : WorkerBackend
        Whose journal it is.
    """

    def __init__(self, backend: WorkerBackend) -> None:
        self._backend = backend
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="follow")
        self._followers = 0
        self._read = Shared().read

    async def handle(self, request: Request) -> Response:
        """Return the stream that a request asks for.

        Raises
        ------
        InputError, NotFoundError
            The query asks for what there is not.
        OverloadedError
            Too many follow already.
        """
        wanted = wanted_of(request.query)
        if wanted.service not in ("", *self._backend.services()):
            raise unknown("service", wanted.service, self._backend.services())
        if self._followers >= MOST_FOLLOWERS:
            raise OverloadedError(f"{MOST_FOLLOWERS} follow the decisions here already", remedy="ask another worker")
        headers = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
        pieces = self._events(wanted, request.header(b"last-event-id"))
        return Streamed(200, b"", EVENTS, headers, pieces=pieces, endless=True)

    async def _events(self, wanted: Wanted, after: str) -> AsyncGenerator[bytes]:
        self._followers += 1
        try:
            serving, run = self._backend.serving, asyncio.get_running_loop().run_in_executor
            folder, known = serving.stores.layout.journal, serving.index.position
            follower = await run(self._thread, partial(Follower, folder, after, known, read=self._read))
            yield b"retry: 1000\nid: %b\n\n" % follower.mark.encode()
            spoken = monotonic()
            while True:
                told, read = await run(self._thread, _look, follower, wanted)
                if not told and monotonic() - spoken > SIGN_OF_LIFE:
                    told = b"id: %b\n\n" % follower.mark.encode()
                spoken = monotonic() if told else spoken
                yield told
                if read < AT_ONCE:
                    await asyncio.sleep(LOOK)
        finally:
            self._followers -= 1


def wanted_of(query: str) -> Wanted:
    """Read which decisions a query asks for.

    Raises
    ------
    InputError

    Examples
    --------
    >>> wanted_of("follow&version=Fraud@3")
    Wanted(service='', version='Fraud@3', fallback='')
    """
    found = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    if found.pop("follow", None) is None:
        raise InputError("decisions are listed as they are made", where="query", remedy="GET /v1/decisions?follow")
    odd = sorted(found.keys() - set(Wanted._fields))
    if odd:
        raise InputError(f"no filter {odd[0][:60]!r}", where="query", remedy=f"there are {', '.join(Wanted._fields)}")
    return Wanted(**found)


def _look(follower: Follower, wanted: Wanted) -> tuple[bytes, int]:
    """Return the events of what has come since the last look, and how many decisions that were."""
    told, read = [], 0
    for found in follower.look():
        read += 1
        if isinstance(found, Gap):
            told.append(event("gap", msgspec.json.encode(found._asdict()), follower.mark))
        elif wanted.fits(found.service, found.model, found.fallback):
            told.append(event("decision", msgspec.json.encode(followed(found)), follower.mark))
    return b"".join(told), read
