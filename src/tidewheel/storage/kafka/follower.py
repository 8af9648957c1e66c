"""The thread that keeps a host's copy of a log up with what other hosts append."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from tidewheel.errors import TidewheelError

_logger = logging.getLogger("tidewheel.storage.kafka")
BETWEEN_LOOKS = 0.5
"""Seconds until a process looks again whether the host's follower has died, or the broker is back."""


class Follower:
    """Follows in one process of the host at a time: whichever holds the lock, which the kernel frees with its death.

    Parameters
    ----------
    lock : Path
    follow : callable
        Applies what has come, waiting a short while for it.
    rejoin : callable
        Called after a failure: sees that the topic is still the same.
    joined : bool
        Whether that has been seen already.
    """

    def __init__(self, lock: Path, follow: Callable[[], object], rejoin: Callable[[], object], *, joined: bool) -> None:
        self._lock = lock
        self._joined = joined
        self._follow = follow
        self._rejoin = rejoin
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidewheel-follower", daemon=True)
        self.failure: TidewheelError | None = None
        """What keeps it from following now."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when it has."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            while not self._stop.is_set():
                if _taken(descriptor):
                    self._follow_on()
                self._stop.wait(BETWEEN_LOOKS)
        finally:
            os.close(descriptor)

    def _follow_on(self) -> None:
        """Follow until it fails, or to the end."""
        try:
            if not self._joined:
                self._rejoin()
                self._joined = True
            if self.failure is not None:
                _logger.warning("following the log again")
            self.failure = None
            while not self._stop.is_set():
                self._follow()
        except TidewheelError as error:
            if type(error) is not type(self.failure):
                _logger.warning("the log can't be followed: %s", error)
            self.failure, self._joined = error, False


def _taken(descriptor: int) -> bool:
    """Take the lock, or see that this process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
