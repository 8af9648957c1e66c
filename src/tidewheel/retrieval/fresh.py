"""Indexes that are made anew beside the requests once they are too old."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger("tidewheel.retrieval")

T = TypeVar("T")


class Fresh(Generic[T]):
    """Something that takes a while to make, kept, and made anew in a thread when it is asked for and too old.

    Who asks is never kept waiting, but for the first time: what comes was current at most `seconds` ago plus the time
    it takes to make, where requests come that often. One that can't be made anew stays as it was, and is tried again.

    Parameters
    ----------
    make : callable
    seconds : float

    Examples
    --------
    >>> Fresh(lambda: 42, 30.0).get()
    42
    """

    def __init__(self, make: Callable[[], T], seconds: float) -> None:
        self._make = make
        self._seconds = seconds
        self._lock = threading.Lock()
        self._value: T | None = None
        self._since = float("-inf")

    def get(self) -> T:
        """Return it as it was made last."""
        value = self._value
        if value is None:
            return self.renew()
        if time.monotonic() - self._since > self._seconds and self._lock.acquire(blocking=False):
            threading.Thread(target=self._renew_beside, name="tidewheel-index", daemon=True).start()
        return value

    def renew(self) -> T:
        """Make it now."""
        with self._lock:
            return self._renewed()

    def _renewed(self) -> T:
        since = time.monotonic()
        self._value = value = self._make()
        self._since = since
        return value

    def _renew_beside(self) -> None:
        try:
            self._renewed()
        except Exception as error:
            self._since = time.monotonic()
            log.warning("an index could not be made anew and stays as it was: %s", error)
        finally:
            self._lock.release()
