"""The supervisor: starts the workspace's processes, starts again those that die, and stops all of them together."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import msgspec

from tidewheel.runtime.child import HOPELESS
from tidewheel.runtime.processes import Child, ChildSpec

__all__ = ["ChildSpec", "ChildStatus", "Supervisor", "read_status"]

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
HEALTHY = 10.0
"""Seconds of work after which an earlier death no longer counts."""

_log = logging.getLogger("tidewheel.supervisor")


class ChildStatus(msgspec.Struct, frozen=True):
    """How a child does."""

    name: str
    pid: int
    state: Literal["starting", "ready", "waiting", "stopped"]
    """``waiting``: it died, and is started again after a pause."""
    restarts: int
    since: float
    """Seconds since 1970 at which this life of it began."""


class Supervisor:
    """Keeps a set of processes alive until it is asked to stop.

    Parameters
    ----------
    specs : sequence of ChildSpec
        In the order in which they are started; they are stopped in the opposite one.
    grace : float
        Seconds that a child has to stop before it is killed.
    status_file : Path, optional
        Where :func:`read_status` finds how the children do.
    on_ready : callable, optional
        Called once, when every child has said that it is ready.
    level : str
        Least level of the children's log lines.
    log_format : str
        Of those lines: ``text`` or ``json``.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        *,
        grace: float = 10.0,
        status_file: Path | None = None,
        on_ready: Callable[[], None] | None = None,
        level: str = "info",
        log_format: str = "text",
    ) -> None:
        self._children = [Child(spec, level, grace, log_format) for spec in specs]
        self._grace = grace
        self._status_file = status_file
        self._on_ready = on_ready
        self._asked = 0
        self._failed = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> int:
        """Start the children and keep them; return 0 when asked to stop, 1 when one could not start at all.

        Must be called in the main thread. SIGTERM and SIGINT stop it; a second one kills what still runs.
        """
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            for child in self._children:
                self._start(child)
            while not self._asked and not self._failed:
                self._turn()
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(self._wake_read)
            os.close(self._wake_write)
        return 1 if self._failed else 0

    def stop(self) -> None:
        """Ask the supervisor to stop; may be called from any thread."""
        self._asked += 1
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"!")

    def status(self) -> list[ChildStatus]:
        """Return how each child does."""
        return [
            ChildStatus(child.spec.name, child.pid, child.state, child.restarts, child.since)
            for child in self._children
        ]

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def _start(self, child: Child) -> None:
        child.start()
        _log.info("started %s (pid %d)", child.spec.name, child.pid)
        self._changed()

    def _turn(self) -> None:
        """Wait for something to happen: a word from a child, its death, the end of a pause, a signal."""
        waiting = {child.listening: child for child in self._children if child.listening >= 0}
        ready, _, _ = select.select([self._wake_read, *waiting], [], [], self._patience())
        for descriptor in ready:
            if descriptor == self._wake_read:
                os.read(self._wake_read, 64)
            else:
                self._hear(waiting[descriptor])
        for child in self._children:
            if child.state in ("starting", "ready") and not child.running():
                self._bury(child)
                self._changed()
            if child.state == "waiting" and time.monotonic() >= child.again_at and not self._asked:
                self._start(child)

    def _patience(self) -> float:
        due = [child.again_at for child in self._children if child.state == "waiting"]
        return max(0.0, min([*due, time.monotonic() + 1.0]) - time.monotonic())

    def _hear(self, child: Child) -> None:
        if child.hear():
            _log.info("%s is ready", child.spec.name)
            if self._on_ready is not None and all(other.state == "ready" for other in self._children):
                tell, self._on_ready = self._on_ready, None
                tell()
        else:
            self._bury(child)
        self._changed()

    def _bury(self, child: Child) -> None:
        """Take note of a death, and say when the child is started again, or that all is over.

        One that was ready once is always started again: what keeps it from it now, such as a full disk, may pass.
        """
        lived, said = child.age(), child.collect()
        if said == HOPELESS and not child.ever_ready:
            _log.error("%s can't start; stopping everything", child.spec.name)
            self._failed = True
            return
        child.pause = FIRST_PAUSE if lived >= HEALTHY else min(child.pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        child.rest()
        how = f"signal {-said}" if said < 0 else f"exit status {said}"
        _log.warning("%s died (%s); starting it again in %.1f s", child.spec.name, how, child.pause)

    def _stop_all(self) -> None:
        """Ask the children to stop, last started first; kill those that have not by the deadline."""
        _log.info("stopping")
        for child in reversed(self._children):
            child.terminate()
        asked, until = self._asked, time.monotonic() + self._grace
        while any(child.running() for child in self._children):
            if time.monotonic() >= until or self._asked > asked:
                for child in self._children:
                    if child.running():
                        _log.warning("%s did not stop in time; killing it", child.spec.name)
                        child.kill()
                until = float("inf")
            time.sleep(0.01)
        for child in self._children:
            child.close()
        self._changed()
        _log.info("stopped")

    def _changed(self) -> None:
        if self._status_file is not None:
            text = msgspec.json.encode({"pid": os.getpid(), "children": self.status()})
            fresh = self._status_file.with_suffix(".new")
            try:
                fresh.write_bytes(text)
                fresh.replace(self._status_file)
            except OSError as error:  # a full disk must not end the processes that could go on
                _log.warning("can't note how the processes do: %s: %s", fresh, error.strerror)


def read_status(path: Path) -> list[ChildStatus]:
    """Return what a running supervisor last wrote about its children; nothing when there is none.

    A supervisor that was killed leaves its file: ask the lease whether one runs.
    """
    try:
        told: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return []
    return msgspec.convert(told["children"], list[ChildStatus])
