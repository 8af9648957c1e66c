"""Bodies that are handed over while they come in, and the bytes of bodies that a worker holds in all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from tidewheel.errors import OverloadedError

WINDOW = 512 * 1024
"""Bytes that wait for their reader before the socket is left alone."""
COUNTED = 64 * 1024
"""Smaller bodies that came whole are not counted: there are no more of them than answers that are waited for."""


class Held:
    """The bytes of bodies that are held for all connections of a worker.

    Parameters
    ----------
    most : int
        So many may be.

    Examples
    --------
    >>> held = Held(100)
    >>> held.add(80), held.add(30), held.bytes
    (True, False, 110)
    """

    __slots__ = ("bytes", "most", "refused")

    def __init__(self, most: int) -> None:
        self.most = most
        self.bytes = 0
        self.refused = 0
        """Bodies that there was no room for."""

    def add(self, number: int) -> bool:
        """Count some more; return whether there is room for them. They are counted in either case."""
        self.bytes += number
        return self.bytes <= self.most

    def let_go(self, number: int) -> None:
        """Count some less."""
        self.bytes -= number

    def refusal(self) -> OverloadedError:
        """Return the error for who sent what there is no room for."""
        self.refused += 1
        return OverloadedError(
            f"the bodies that this worker holds are more than {self.most} bytes together (max_held)",
            remedy="send it again in a second, fewer at the same time; or raise max_held",
        )


class Stream(Protocol):
    """A body as its reader sees it."""

    async def read(self) -> bytes:
        """Return what has come; nothing at its end. Raises when it broke off."""
        ...

    def let_go(self, number: int) -> None:
        """Say that some bytes are needed no more."""
        ...


class BodyStream:
    """A body that comes in on a connection. It holds back its sender while its reader is behind.

    Parameters
    ----------
    hold : callable
        Told when the socket is to be left alone, or read again.
    held : Held
        Counts what came and is not let go.
    """

    __slots__ = ("_come", "_ended", "_error", "_held", "_hold", "_mine", "_parts", "_waiting")

    def __init__(self, hold: Callable[[], None], held: Held) -> None:
        self._hold = hold
        self._held = held
        self._parts: deque[bytes] = deque()
        self._come = asyncio.Event()
        self._waiting = self._mine = 0
        self._ended = False
        self._error: Exception | None = None

    @property
    def full(self) -> bool:
        """Whether the socket is to be left alone."""
        return self._waiting > WINDOW and not self._ended

    @property
    def ended(self) -> bool:
        """Whether all has come that will."""
        return self._ended

    def append(self, data: bytes) -> None:
        """Take what came."""
        if self._ended:
            return
        self._parts.append(data)
        self._waiting += len(data)
        self._mine += len(data)
        if not self._held.add(len(data)):
            self.end(self._held.refusal())
        self._come.set()

    def end(self, error: Exception | None = None) -> None:
        """Say that this was all, or that there will be no more and why."""
        if not self._ended:
            self._ended, self._error = True, error
            self._come.set()

    def close(self, *_: object) -> None:
        """Drop what nobody reads any more."""
        self.end()
        self._parts.clear()
        self._held.let_go(self._mine)
        self._waiting = self._mine = 0

    async def read(self) -> bytes:
        """Return what has come; nothing at its end.

        Raises
        ------
        TidewheelError
            It broke off.
        """
        if not self._parts and not self._ended:
            self._come.clear()
            await self._come.wait()
        if not self._parts:
            if self._error is not None:
                raise self._error
            return b""
        data = b"".join(self._parts)
        self._parts.clear()
        was_full, self._waiting = self.full, 0
        if was_full:
            self._hold()
        return data

    def let_go(self, number: int) -> None:
        """Say that some bytes are needed no more."""
        number = min(number, self._mine)
        self._mine -= number
        self._held.let_go(number)
