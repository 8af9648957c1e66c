"""Leases: one process at a time holds a role, and each holder gets a higher number than the one before.

The lock is the kernel's (``flock``), so it goes when the process goes, however that happens. The number, a
fencing token, is written with what a process stores, so that a holder who was paused and replaced is seen
to be late.
"""

from __future__ import annotations

import fcntl
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tidewheel.errors import LeaseError, StorageError

GLANCE = 0.05
"""Seconds that :func:`holder_of` may keep a free lease from being taken, at the very most."""
HANDOVER = 15.0
"""Seconds that a supervised process waits for its role: one whose supervisor was killed takes up to ten to end."""


class Holder(msgspec.Struct, frozen=True):
    """Who holds, or last held, a lease."""

    role: str
    pid: int
    since: int
    """Microseconds UTC, by the machine's clock."""
    token: int

    def describe(self) -> str:
        """Return ``pid 123, since 2026-11-22 10:00:00 UTC``."""
        since = datetime.fromtimestamp(self.since / 1e6, UTC)
        return f"pid {self.pid}, since {since:%Y-%m-%d %H:%M:%S} UTC"


class Lease:
    """A held role. Made by :meth:`acquire`; released by :meth:`release`, or by the death of the process.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with Lease.acquire(folder / "up.lease", "tidewheel up") as first:
    ...     first.token
    1
    >>> with Lease.acquire(folder / "up.lease", "tidewheel up") as second:
    ...     second.token
    2
    """

    def __init__(self, descriptor: int, path: Path, holder: Holder) -> None:
        self._descriptor = descriptor
        self.path = path
        self.holder = holder

    held = True
    """The kernel keeps it: nobody else can have it while this process lives."""
    taken = False

    @property
    def token(self) -> int:
        """The fencing token: higher than every earlier holder's."""
        return self.holder.token

    @classmethod
    def acquire(cls, path: Path, role: str, *, wait: float = 0.0) -> Self:
        """Take the role whose file is `path`.

        Parameters
        ----------
        path : Path
            Made when absent, with its folder.
        role : str
            How errors name it, such as ``tidewheel up``.
        wait : float
            Seconds to go on trying while another process holds it.

        Raises
        ------
        LeaseError
            Another process holds it; the message says which, and since when.
        StorageError
            The file can't be written, as on a full disk.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _lock(descriptor, path, role, time.monotonic() + max(wait, GLANCE))
            before = _read(descriptor)
            holder = Holder(role, os.getpid(), time.time_ns() // 1000, before.token + 1 if before else 1)
            _write(descriptor, holder)
        except OSError as error:
            os.close(descriptor)
            raise StorageError(f"can't be written: {error.strerror}", where=str(path)) from error
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor, path, holder)

    def release(self) -> None:
        """Let the role go; harmless when done twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder_of(path: Path) -> Holder | None:
    """Return who holds the lease at `path` now, or None when it is free."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(descriptor)
    finally:
        os.close(descriptor)
    return None


def _lock(descriptor: int, path: Path, role: str, until: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                holder = _read(descriptor)
                raise LeaseError(
                    f"another `{role}` runs on this workspace ({holder.describe() if holder else 'just started'})",
                    where=str(path),
                    remedy=f"stop it first: kill {holder.pid}" if holder else "wait for it, or stop it",
                ) from error
        time.sleep(0.01)


def _read(descriptor: int) -> Holder | None:
    text = os.pread(descriptor, 4096, 0)
    try:
        return msgspec.json.decode(text, type=Holder)
    except msgspec.DecodeError:
        return None


def _write(descriptor: int, holder: Holder) -> None:
    text = msgspec.json.encode(holder)
    os.pwrite(descriptor, text + b" " * (512 - len(text)), 0)
    os.fsync(descriptor)
