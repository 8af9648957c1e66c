"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import closing, suppress
from types import TracebackType
from typing import Any, TypeVar

from tidewheel.client import calls
from tidewheel.client.calls import Appended, Call, Decision, EventReader, Features
from tidewheel.client.following import SILENCE, Followed, Following, Gap
from tidewheel.client.http1 import READ, Reply, request_bytes
from tidewheel.client.retries import Tries
from tidewheel.client.setup import MOST_IDLE, Caller, is_over, unreachable
from tidewheel.errors import DeadlineError, TidewheelError

T = TypeVar("T")
Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AsyncClient(Caller[Pipe]):
    """Asks a server, from one event loop; as :class:`~tidewheel.client.Client`, awaited. Tasks may share it.

    Parameters
    ----------
    url, token, deadline, caller, context, retry_share, hedge, hedge_share
        As for :class:`~tidewheel.client.Client`.

    Examples
    --------
    ::

        async with AsyncClient("http://127.0.0.1:8700", deadline="250ms") as client:
            (await client.decide("Score", {"id": "t1", "card": "c42", "amount": 120.0})).decision
    """

    async def decide(
        self,
        service: str | type,
        event: Any,
        *,
        now: Any = None,
        deadline: str | float | None = None,
        repeatable: bool = True,
    ) -> Decision:
        """Decide one event. As `Client.decide`."""
        return await self._run(calls.decide(service, event, now, repeatable), deadline)

    async def decide_many(
        self,
        service: str | type,
        events: Iterable[Any],
        *,
        now: Any = None,
        deadline: str | float | None = None,
        repeatable: bool = True,
    ) -> Any:
        """Decide many events. As `Client.decide_many`."""
        ask = calls.decide_table if calls.is_table(events) else calls.decide_rows
        parts = [
            await self._run(ask(service, batch.body, now, repeatable), deadline) for batch in calls.batches(events)
        ]
        return calls.joined(parts) if calls.is_table(events) else [answer for part in parts for answer in part]

    async def decide_each(
        self, service: str | type, events: Iterable[Any], *, deadline: str | float | None = None
    ) -> AsyncIterator[tuple[int, Decision | TidewheelError]]:
        """Decide many events, and give each answer as soon as it is known. As `Client.decide_each`."""
        for batch in calls.batches(events):
            async for place, answer in self._streamed(calls.decide_each(service, batch.body), deadline):
                yield batch.first + place, answer

    async def append(
        self, event: str | type, rows: Iterable[Any], *, now: Any = None, repeatable: bool = True
    ) -> Appended:
        """Log events. As `Client.append`."""
        done = Appended()
        for batch in calls.batches(rows):
            done += await self._run(calls.append(event, batch.body, now, repeatable))
        return done

    async def features(self, name: str | type, **keys: Any) -> Features:
        """Read live features of entities. As `Client.features`."""
        return await self._run(calls.features(name, keys))

    async def why(self, decision_id: str) -> dict[str, Any]:
        """Explain a decision, and have it replayed."""
        return await self._run(calls.get(f"/v1/decisions/{decision_id}"))

    async def status(self) -> dict[str, Any]:
        """Return what is served, how fast, and what is wrong."""
        return await self._run(calls.get("/v1/status"))

    async def follow(
        self,
        *,
        service: str | type = "",
        version: str = "",
        fallback: str = "",
        after: str = "",
        patience: str | float | None = None,
    ) -> AsyncIterator[Followed | Gap]:
        """Give decisions while they are made, until the loop is left. As `Client.follow`."""
        wanted = {"service": service, "version": version, "fallback": fallback}
        following = Following(self._address, wanted, after, self._setup.usual, patience)
        while True:
            reply, failed = Reply(), None
            try:
                async with asyncio.timeout(following.left()):
                    reader, writer = await self._connect()
                with closing(writer):
                    writer.write(following.request(self._setup.fixed))
                    while not reply.done:
                        async with asyncio.timeout(SILENCE):
                            reply.feed(await reader.read(READ))
                        for told in following.feed(reply):
                            yield told
            except OSError as error:
                failed = error
            await asyncio.sleep(following.again(reply, failed))

    async def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            await _closed(self._idle.pop())

    async def __aenter__(self) -> AsyncClient:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.close()

    # --- inside --------------------------------------------------------------------------------

    async def _run(self, call: Call[T], deadline: str | float | None = None) -> T:
        """Ask until there is an answer, or no time or budget is left."""
        tries = self._tries(deadline, call.repeatable)
        while True:
            pipe, fresh = await self._connection(tries)
            reply = Reply()
            try:
                async with asyncio.timeout(tries.left()):
                    await self._send(pipe, call, tries)
                    if (delay := self._delay(call, tries)) is not None:
                        pipe, begun = await self._faster(pipe, delay, call, tries)
                        reply.feed(begun)
                    while not reply.done:
                        reply.feed(await pipe[0].read(READ))
            except (OSError, DeadlineError) as error:
                pipe[1].close()
                await self._pause(tries, error, self._again(tries, fresh=fresh or reply.begun))
                continue
            except BaseException:
                pipe[1].close()
                raise
            self._keep(pipe, reply)
            if reply.status == 200:
                self._answered(tries)
            if reply.status == 200 or (pause := self._again(tries, status=reply.status, headers=reply.headers)) is None:
                return call.read(reply.status, reply.headers, reply.take())
            await asyncio.sleep(pause)

    async def _streamed(
        self, call: Call[Any], deadline: str | float | None
    ) -> AsyncIterator[tuple[int, Decision | TidewheelError]]:
        tries = self._tries(deadline, call.repeatable)
        given = 0
        while True:
            pipe, fresh = await self._connection(tries)
            reply, reader = Reply(), EventReader()
            try:
                await self._send(pipe, call, tries)
                while not reply.done:
                    async with asyncio.timeout(tries.left()):
                        reply.feed(await pipe[0].read(READ))
                    if reply.status == 200:
                        for place, answer in reader.feed(reply.take()):
                            if place >= given:
                                given = place + 1
                                yield place, answer
            except (OSError, DeadlineError) as error:
                await self._pause(tries, error, self._again(tries, fresh=fresh or reply.begun))
                continue
            finally:
                self._keep(pipe, reply)
            if reader.ended:
                self._answered(tries)
                return
            if (pause := self._again(tries, status=reply.status, headers=reply.headers)) is None:
                raise calls.error_of(reply.status, reply.headers, reply.take())
            await asyncio.sleep(pause)

    async def _faster(self, first: Pipe, delay: float, call: Call[Any], tries: Tries) -> tuple[Pipe, bytes]:
        """Send a call once more when no answer comes for a while; return where one comes first, and how it begins."""
        asked = {asyncio.ensure_future(first[0].read(READ)): first}
        try:
            ready, _ = await asyncio.wait(asked, timeout=delay)
            if not ready and self._takes_hedge():
                with suppress(OSError, DeadlineError):
                    second = self._kept() or await self._connect()
                    asked[asyncio.ensure_future(second[0].read(READ))] = second
                    await self._send(second, call, tries)
            ready, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            answered = next(reading for reading in asked if reading in ready)
            begun = answered.result()
            winner = asked.pop(answered)
            self.resent["hedge won"] += winner is not first
            return winner, begun
        finally:
            for reading, pipe in asked.items():
                reading.cancel()
                pipe[1].close()

    async def _send(self, pipe: Pipe, call: Call[Any], tries: Tries) -> None:
        headers = self._setup.headers(tries.left()) | call.headers
        pipe[1].write(request_bytes(self._address, call.method, call.path, headers, call.body))
        await pipe[1].drain()

    async def _connection(self, tries: Tries) -> tuple[Pipe, bool]:
        """Return a kept connection, or a new one and True."""
        if (kept := self._kept()) is not None:
            return kept, False
        while True:
            try:
                async with asyncio.timeout(tries.left()):
                    return await self._connect(), True
            except OSError as error:
                await self._pause(tries, error, self._again(tries, status=503))

    def _kept(self) -> Pipe | None:
        while self._idle:
            reader, writer = kept = self._idle.pop()
            # The loop may not have been told yet that the server has closed.
            if not reader.at_eof() and not is_over(writer.get_extra_info("socket")):
                return kept
            kept[1].close()
        return None

    async def _connect(self) -> Pipe:
        address = self._address
        return await asyncio.open_connection(address.host, address.port, ssl=self._context)

    async def _pause(self, tries: Tries, error: Exception, pause: float | None) -> None:
        """Wait for the next try; raise when there is none."""
        if isinstance(error, TimeoutError | DeadlineError):
            tries.left()
        if pause is None:
            raise unreachable(self._address, error) from error
        await asyncio.sleep(pause)

    def _keep(self, pipe: Pipe, reply: Reply) -> None:
        if reply.keep and len(self._idle) < MOST_IDLE:
            self._idle.append(pipe)
        else:
            pipe[1].close()


async def _closed(pipe: Pipe) -> None:
    pipe[1].close()
    with suppress(OSError):
        await pipe[1].wait_closed()
