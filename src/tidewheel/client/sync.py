"""The client for code that waits: one connection a thread at a time, kept for the next call."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
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


class Client(Caller[socket.socket]):
    """Asks a server. Threads may share it.

    Parameters
    ----------
    url : str
        The server's, as ``http://127.0.0.1:8700``.
    token : str, optional
        Where the workspace has any (``tidewheel tokens create``).
    deadline : str or float
        How long a call may take, all its tries together: ``"250ms"``, or seconds. The server is told what is left.
    caller : str
        Who asks; kept in decision records where there is no token.
    context : ssl.SSLContext, optional
        Instead of the system's usual trust, for ``https``.
    retry_share : float
        Of the calls that were answered, so many may be sent again.
    hedge : str or float
        After how long without an answer a call is sent a second time, beside the first: ``"20ms"``, seconds, or a
        quantile of what calls take, as ``"p95"``; "" for never. Single decisions, features and explanations only.
    hedge_share : float
        Of the calls that may be sent a second time.

    Attributes
    ----------
    resent : Counter
        How often a call was sent again, by ``retry``, ``hedge``, ``hedge won``.

    Examples
    --------
    ::

        with Client("http://127.0.0.1:8700", deadline="250ms") as client:
            client.decide("Score", {"id": "t1", "card": "c42", "amount": 120.0}).decision
    """

    def decide(
        self,
        service: str | type,
        event: Mapping[str, Any] | Any,
        *,
        now: Any = None,
        deadline: str | float | None = None,
        repeatable: bool = True,
    ) -> Decision:
        """Decide one event.

        Parameters
        ----------
        service : str or type
            The service, by name or as its class.
        event : mapping or event
            Its columns by name, or an instance of the declared event.
        now : datetime, str or int, optional
            What time it is, in a replay workspace.
        deadline : str or float, optional
            Instead of the client's.
        repeatable : bool
            Whether it may be sent again when its answer was lost. Say False for events without an id column.

        Raises
        ------
        InputError, NotFoundError, ClockError, DeniedError
            The server refused it.
        OverloadedError, ServingError
            It could not answer.
        DeadlineError
            There was no answer in time.
        UnreachableError
            There is no server.
        """
        return self._run(calls.decide(service, event, now, repeatable), deadline)

    def decide_many(
        self,
        service: str | type,
        events: Iterable[Any],
        *,
        now: Any = None,
        deadline: str | float | None = None,
        repeatable: bool = True,
    ) -> Any:
        """Decide many events, in as few requests as they fit in; raises and takes the same as :meth:`decide`.

        Returns
        -------
        list of Decision or TidewheelError, or pyarrow.Table
            For each event its decision, or why it got none. Events in an Arrow table come back as a table.
        """
        ask = calls.decide_table if calls.is_table(events) else calls.decide_rows
        parts = [self._run(ask(service, batch.body, now, repeatable), deadline) for batch in calls.batches(events)]
        return calls.joined(parts) if calls.is_table(events) else [answer for part in parts for answer in part]

    def decide_each(
        self, service: str | type, events: Iterable[Any], *, deadline: str | float | None = None
    ) -> Iterator[tuple[int, Decision | TidewheelError]]:
        """Decide many events, and give each answer with its event's place as soon as it is known.

        What has not come when the connection breaks is asked for again: events have ids, so none is decided twice.
        """
        for batch in calls.batches(events):
            for place, answer in self._streamed(calls.decide_each(service, batch.body), deadline):
                yield batch.first + place, answer

    def append(self, event: str | type, rows: Iterable[Any], *, now: Any = None, repeatable: bool = True) -> Appended:
        """Log events: mappings, instances of the declared event, or an Arrow table. Returns when they are on disk.

        Say ``repeatable=False`` for types without an id column: lost answers are then not asked for again.
        """
        parts = (self._run(calls.append(event, batch.body, now, repeatable)) for batch in calls.batches(rows))
        return sum(parts, start=Appended())

    def features(self, name: str | type, **keys: Any) -> Features:
        """Read live features of entities: ``client.features("CardHistory", card=["c1", "c2"])``."""
        return self._run(calls.features(name, keys))

    def why(self, decision_id: str) -> dict[str, Any]:
        """Explain a decision, and have it replayed."""
        return self._run(calls.get(f"/v1/decisions/{decision_id}"))

    def status(self) -> dict[str, Any]:
        """Return what is served, how fast, and what is wrong."""
        return self._run(calls.get("/v1/status"))

    def follow(
        self,
        *,
        service: str | type = "",
        version: str = "",
        fallback: str = "",
        after: str = "",
        patience: str | float | None = None,
    ) -> Iterator[Followed | Gap]:
        """Give decisions while they are made, until the loop is left.

        When the connection breaks the server is asked again where it stopped: none is given twice, none left out.

        Parameters
        ----------
        service : str or type
            Those of one service.
        version : str
            Those that ``"Fraud@3"``, or any version of ``"Fraud"``, answered.
        fallback : str
            Those that a link of the chain answered; ``"any"`` of them, or ``"none"``.
        after : str
            The `place` of a decision, to go on behind it; else it begins with what is decided from now on.
        patience : str or float, optional
            How long a server that was there may be away before it is an error; for ever when it is not given.

        Yields
        ------
        Followed or Gap
            A decision; or how many there were that can't be told any more, where a reader was too slow.

        Raises
        ------
        InputError, NotFoundError, DeniedError
            The server refused it.
        OverloadedError, UnreachableError
            Too many follow, or there is no server: within the client's deadline at first, and within `patience` later.
        """
        wanted = {"service": service, "version": version, "fallback": fallback}
        following = Following(self._address, wanted, after, self._setup.usual, patience)
        while True:
            reply, failed = Reply(), None
            try:
                with self._connect(following.left()) as connection:
                    connection.sendall(following.request(self._setup.fixed))
                    connection.settimeout(SILENCE)
                    while not reply.done:
                        reply.feed(connection.recv(READ))
                        yield from following.feed(reply)
            except OSError as error:
                failed = error
            time.sleep(following.again(reply, failed))

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()

    def __enter__(self) -> Client:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()

    # --- inside --------------------------------------------------------------------------------

    def _run(self, call: Call[T], deadline: str | float | None = None) -> T:
        """Ask until there is an answer, or no time or budget is left."""
        tries = self._tries(deadline, call.repeatable)
        while True:
            connection, fresh = self._connection(tries)
            reply = Reply()
            try:
                self._send(connection, call, tries)
                if (delay := self._delay(call, tries)) is not None:
                    connection = self._faster(connection, delay, call, tries)
                while not reply.done:
                    connection.settimeout(tries.left())
                    reply.feed(connection.recv(READ))
            except (OSError, DeadlineError) as error:
                connection.close()
                self._pause(tries, error, self._again(tries, fresh=fresh or reply.begun))
                continue
            except BaseException:
                connection.close()
                raise
            self._keep(connection, reply)
            if reply.status == 200:
                self._answered(tries)
            if reply.status == 200 or (pause := self._again(tries, status=reply.status, headers=reply.headers)) is None:
                return call.read(reply.status, reply.headers, reply.take())
            time.sleep(pause)

    def _streamed(
        self, call: Call[Any], deadline: str | float | None
    ) -> Iterator[tuple[int, Decision | TidewheelError]]:
        tries = self._tries(deadline, call.repeatable)
        given = 0
        while True:
            connection, fresh = self._connection(tries)
            reply, reader = Reply(), EventReader()
            try:
                self._send(connection, call, tries)
                while not reply.done:
                    connection.settimeout(tries.left())
                    reply.feed(connection.recv(READ))
                    if reply.status == 200:
                        for place, answer in reader.feed(reply.take()):
                            if place >= given:
                                given = place + 1
                                yield place, answer
            except (OSError, DeadlineError) as error:
                self._pause(tries, error, self._again(tries, fresh=fresh or reply.begun))
                continue
            finally:
                self._keep(connection, reply)
            if reader.ended:
                self._answered(tries)
                return
            if (pause := self._again(tries, status=reply.status, headers=reply.headers)) is None:
                raise calls.error_of(reply.status, reply.headers, reply.take())
            time.sleep(pause)

    def _faster(self, first: socket.socket, delay: float, call: Call[Any], tries: Tries) -> socket.socket:
        """Send a call once more when there is no answer for a while; return the connection on which one comes first."""
        if _readable([first], delay) or not self._takes_hedge():
            return first
        try:
            second = self._kept() or self._connect(tries.left())
            self._send(second, call, tries)
        except (OSError, DeadlineError):
            return first
        ready = _readable([first, second], tries.left())
        winner, loser = (first, second) if not ready or first in ready else (second, first)
        loser.close()
        self.resent["hedge won"] += winner is second
        return winner

    def _send(self, connection: socket.socket, call: Call[Any], tries: Tries) -> None:
        headers = self._setup.headers(tries.left()) | call.headers
        connection.settimeout(tries.left())
        connection.sendall(request_bytes(self._address, call.method, call.path, headers, call.body))

    def _connection(self, tries: Tries) -> tuple[socket.socket, bool]:
        """Return a kept connection, or a new one and True."""
        if (kept := self._kept()) is not None:
            return kept, False
        while True:
            try:
                return self._connect(tries.left()), True
            except OSError as error:
                self._pause(tries, error, self._again(tries, status=503))

    def _kept(self) -> socket.socket | None:
        while self._idle:
            with suppress(IndexError):  # another thread was quicker
                if not is_over(kept := self._idle.pop()):
                    return kept
                kept.close()
        return None

    def _connect(self, seconds: float) -> socket.socket:
        address = self._address
        connection = socket.create_connection((address.host, address.port), timeout=seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is None:
            return connection
        return self._context.wrap_socket(connection, server_hostname=address.host)

    def _pause(self, tries: Tries, error: Exception, pause: float | None) -> None:
        """Wait for the next try; raise when there is none."""
        if isinstance(error, TimeoutError | DeadlineError):
            tries.left()
        if pause is None:
            raise unreachable(self._address, error) from error
        time.sleep(pause)

    def _keep(self, connection: socket.socket, reply: Reply) -> None:
        if reply.keep and len(self._idle) < MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()


def _readable(connections: list[socket.socket], seconds: float) -> list[socket.socket]:
    """Return those of some connections that have something to read, as soon as one has, or after so long."""
    looking = select.poll()
    for connection in connections:
        looking.register(connection, select.POLLIN)
    ready = {descriptor for descriptor, _ in looking.poll(seconds * 1000)}
    return [connection for connection in connections if connection.fileno() in ready]
