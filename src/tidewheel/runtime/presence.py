"""Who has a workspace open: everybody shares it, and now and then one must have it alone.

A shared lock (``flock``) on one file is held for as long as a process has the workspace open; what rewrites the
stores' files, as an erasure does, asks for the lock alone. Locks go with their process, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidewheel.errors import BusyError

_LOOK_EVERY = 0.02
OPENING_WAITS = 600.0
"""Seconds for which opening a workspace waits for who has it alone."""


class Presence:
    """One opening of a workspace.

    Raises
    ------
    BusyError
        Somebody has had the workspace alone for longer than we wait.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "open.lock"
    >>> here, there = Presence(path), Presence(path)
    >>> there.close()
    >>> with here.alone("an erasure"):
    ...     pass
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._lock(fcntl.LOCK_SH, OPENING_WAITS, "it is being rewritten", "wait until the erasure is done")
        except BaseException:
            self.close()
            raise

    @contextmanager
    def alone(self, what: str, *, wait: float = 0.0) -> Iterator[None]:
        """Have the workspace alone inside the block.

        Parameters
        ----------
        what : str
            How the error names it.
        wait : float
            Seconds to wait for others to close it.

        Raises
        ------
        BusyError
            Others have it open.
        """
        remedy = "stop `tidewheel up` and close what else has this workspace open, then try again"
        try:
            self._lock(fcntl.LOCK_EX, wait, f"{what} needs the workspace for itself, and others have it open", remedy)
            yield
        finally:
            self._lock(fcntl.LOCK_SH, OPENING_WAITS, "it is being rewritten", "wait until the erasure is done")

    def close(self) -> None:
        """Say that it is closed here."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _lock(self, kind: int, wait: float, problem: str, remedy: str) -> None:
        until = time.monotonic() + wait
        while True:
            try:
                return fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    raise BusyError(problem, where=str(self._path.parent.parent), remedy=remedy) from error
            time.sleep(_LOOK_EVERY)
