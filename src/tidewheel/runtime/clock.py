"""The workspace's clock: the machine's, or one that a caller drives.

In a replay workspace all processes read one mapped file of int64 words: now, when the scheduler is next due,
and how often time has moved. Time stops at each due instant until the scheduler has done what was due, so a
replayed month of schedules falls where it would have fallen, at any speed.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tidewheel.errors import ClockError, CorruptError

NEVER = 2**63 - 1
"""The due instant of a scheduler that waits for nothing, or is not running."""

UNSET = 0
"""The instant of a replay clock that nobody has set yet: time begins with the first advance, and nothing is missed."""

_MAGIC = 0x7469_6465_636C_6B31
_WORDS = 8
_NOW, _DUE, _MOVES = 1, 2, 3


class Clock(Protocol):
    """Gives the workspace's instant."""

    replay: bool

    def now(self) -> int:
        """Return the instant, microseconds UTC; it never goes back within a process."""

    def advance(self, to: int, wait: float | None = None) -> int:
        """Move time to `to`; only a replay clock can."""


class RealClock:
    """The machine's clock, kept from running backwards within a process.

    Examples
    --------
    >>> clock = RealClock()
    >>> clock.now() <= clock.now()
    True
    """

    replay = False

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Return the instant, microseconds UTC."""
        now = time.time_ns() // 1000
        if now < self._last:
            return self._last
        self._last = now
        return now

    def advance(self, to: int, wait: float | None = None) -> int:
        """Refuse: nobody sets the time of a workspace on the real clock.

        Raises
        ------
        ClockError
            Always.
        """
        raise ClockError(
            "this workspace keeps the real time, and an instant was given",
            remedy='leave out the instant, or set clock = "replay" in tidewheel.toml for a workspace of its own',
        )


class ReplayClock:
    """A clock shared by the processes of a replay workspace.

    Parameters
    ----------
    path : Path
        The shared file; made when absent.
    start : int
        The first instant, where the file is made. ``UNSET`` leaves it to the first advance, which goes straight
        there: the past before it has no due instants.

    Examples
    --------
    >>> import tempfile
    >>> clock = ReplayClock(Path(tempfile.mkdtemp()) / "clock", start=1_000)
    >>> clock.advance(5_000)
    5000
    >>> clock.now(), clock.close()
    (5000, None)
    """

    replay = True

    def __init__(self, path: Path, start: int = UNSET) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        self._threads = threading.Lock()
        with self._alone():
            if os.fstat(descriptor).st_size < _WORDS * 8:
                os.pwrite(descriptor, struct.pack("=8q", _MAGIC, start, NEVER, 0, 0, 0, 0, 0), 0)
            self._map = mmap.mmap(descriptor, _WORDS * 8)
        self._words = memoryview(self._map).cast("q")
        if self._words[0] != _MAGIC:
            self.close()
            raise CorruptError("not a replay clock", where=str(path), remedy="remove the file; time starts anew")

    def now(self) -> int:
        """Return the instant, microseconds UTC."""
        return self._words[_NOW]

    @property
    def next_due(self) -> int:
        """When the scheduler is next due; ``NEVER`` when it waits for nothing."""
        return self._words[_DUE]

    @property
    def moves(self) -> int:
        """How often time has moved."""
        return self._words[_MOVES]

    def advance(self, to: int, wait: float | None = None) -> int:
        """Move time forward to `to`, stopping at due instants until the scheduler has handled each.

        Parameters
        ----------
        to : int
            Microseconds UTC. The instant that it is already is fine; an earlier one is not.
        wait : float, optional
            Seconds to wait for the scheduler in all; None waits for as long as it takes, 0 not at all.

        Returns
        -------
        int
            The instant reached: `to`, or the due instant at which the wait ran out.

        Raises
        ------
        ClockError
            `to` lies before the clock's instant.
        """
        if to < self.now():
            raise ClockError(
                f"the clock stands at {self.now()} and was asked to go back to {to}",
                where=str(self.path),
                remedy="post events in the order of their instants; time only goes forward",
            )
        until = None if wait is None else time.monotonic() + wait
        pause = 0.0002
        while True:
            reached = self._step(to)
            if reached >= to and self.next_due > to:
                return to
            if until is not None and time.monotonic() >= until:
                return min(reached, to)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)

    def _step(self, to: int) -> int:
        """Move as far towards `to` as the scheduler allows; return the clock's instant."""
        if self._words[_NOW] >= to:
            return self._words[_NOW]
        with self._alone():
            begun = self._words[_NOW] != UNSET
            target = min(to, self._words[_DUE]) if begun else to
            if target > self._words[_NOW]:
                self._words[_NOW] = target
                self._words[_MOVES] += 1
            return self._words[_NOW]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only thread of the only process that changes the words."""
        with self._threads:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def set_next_due(self, due: int) -> None:
        """Tell, from the scheduler, the instant at which time has to stop next: after all before it was done."""
        with self._alone():
            self._words[_DUE] = due

    def close(self) -> None:
        """Unmap the file."""
        self._words.release()
        self._map.close()
        self._file.close()


def open_clock(kind: str, path: Path, start: int = UNSET) -> RealClock | ReplayClock:
    """Return the clock that the settings name: ``real``, or ``replay`` from the file at `path`."""
    return ReplayClock(path, start) if kind == "replay" else RealClock()
