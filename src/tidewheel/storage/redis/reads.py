"""Reads that a decision waits for: sent again within a budget, hedged where that is set, never past a deadline."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from tidewheel.errors import UnreachableError
from tidewheel.resending import Budget, Hedge, left_until
from tidewheel.storage.redis.client import Client, raise_for

REST = 0.5
"""Seconds for which, after a read found no server, others fail at once instead of waiting too."""
RETRY, HEDGED, HEDGE_WON = "retry", "hedge", "hedge won"
"""What was sent again for a read: after a broken connection; beside the first try, in vain or to be answered first."""


class Asking(threading.local):
    """For whom a thread reads at the moment.

    Attributes
    ----------
    until : int
        The deadline, past which nothing is sent again: ns of ``time.perf_counter_ns``, 0 for none.
    resent : str
        What more was asked for the last read; "" for nothing.
    """

    until = 0
    resent = ""

    def begin(self, until: int) -> None:
        """Read for a decision that has this deadline."""
        self.until, self.resent = until, ""

    def end(self) -> str:
        """Return what more was asked for its reads."""
        self.until = 0
        return self.resent


class Reads:
    """Reads of one server, which fail at once for a while when it did not answer.

    So a server that hangs costs one caller in `REST` seconds its wait, not each. For any number of threads.

    Parameters
    ----------
    client : Client
        Does not send again by itself.
    where : str
        The server, for messages.
    budget : Budget
        For what is sent again after a broken connection.
    hedge : Hedge, optional
        When, and how often, a read is sent twice.
    """

    def __init__(self, client: Client, where: str, budget: Budget, hedge: Hedge | None = None) -> None:
        import redis

        self._fault, self._broken = redis.RedisError, redis.ConnectionError
        self._silent = redis.TimeoutError
        self._client = client
        self._where = where
        self._until = 0.0
        self._budget = budget
        self._hedge = hedge
        self.asking = Asking()

    def ask(self, *command: Any) -> Any:
        """Send one command that only reads; return its answer as it came.

        Raises
        ------
        UnreachableError, StorageError
        """
        return self._guarded(self._ask if self._hedge is None else self._ask_hedged, *command)

    def ask_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send some commands that only read in one round trip; return their answers. Raises as `ask`."""
        with self._client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            answers: list[Any] = self._guarded(pipe.execute)
        return answers

    def _guarded(self, call: Callable[..., Any], *arguments: Any) -> Any:
        if self._until and time.monotonic() < self._until:
            raise UnreachableError("the server did not answer a moment ago", where=self._where)
        try:
            answer = self._twice(call, *arguments)
        except self._fault as error:
            try:
                raise_for(error, self._where)
            except UnreachableError:
                self._until = time.monotonic() + REST
                raise
        self._until = 0.0
        self._budget.earn()
        return answer

    def _twice(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call, and once more after a broken connection; a server that is silent is not asked again."""
        try:
            return call(*arguments)
        except self._broken as error:
            if isinstance(error, self._silent) or left_until(self.asking.until) <= 0 or not self._budget.take():
                raise
        self.asking.resent = RETRY
        return call(*arguments)

    def _ask(self, *command: Any) -> Any:
        return self._client.execute_command(*command)

    def _ask_hedged(self, *command: Any) -> Any:
        """Send a command, and once more on another connection when no answer has come for a while; take the first."""
        hedge, pool = self._hedge, self._client.connection_pool
        assert hedge is not None
        began, asked = time.perf_counter(), [pool.get_connection()]
        try:
            asked[0].send_command(*command)
            if self._is_late(asked[0], hedge) and hedge.take():
                self._ask_beside(asked, command, began)
            answer = asked[0].read_response()
            hedge.note(time.perf_counter() - began)
            return answer
        except BaseException:
            asked[0].disconnect()
            raise
        finally:
            for loser in asked[1:]:
                loser.disconnect()  # what it still owes must not be taken for the answer to another command
            for connection in asked:
                pool.release(connection)

    def _is_late(self, connection: Any, hedge: Hedge) -> bool:
        delay = hedge.delay
        return delay is not None and left_until(self.asking.until) > delay and not connection.can_read(delay)

    def _ask_beside(self, asked: list[Any], command: tuple[Any, ...], began: float) -> None:
        """Ask on a second connection too, and put the one that answers first to the front."""
        with suppress(self._fault):  # no second connection: then the first is waited for
            asked.append(self._client.connection_pool.get_connection())
            asked[1].send_command(*command)
            self.asking.resent = HEDGED
            # Both at once: the client's own way to wait knows one connection only.
            sockets = {connection._sock.fileno(): connection for connection in asked}
            looking = select.poll()
            for descriptor in sockets:
                looking.register(descriptor, select.POLLIN)
            left = asked[0].socket_timeout - (time.perf_counter() - began)
            ready = [sockets[descriptor] for descriptor, _ in looking.poll(max(left, 0.0) * 1000)]
            if ready and asked[0] not in ready:
                asked.reverse()
                self.asking.resent = HEDGE_WON
