"""Doorbells: a process waits for one; any other rings it. Over datagrams on a unix socket.

A ring says only "look": what there is to see stands in the log or the catalog. So rings may be lost or run
together, nobody need be listening, and whoever waits looks again after its time-out anyway.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

LONGEST = 100
"""Bytes of a socket's path that fit everywhere; the kernel's own limit is 108 with the ending zero."""


class Doorbell:
    """A bell that this process waits for.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with Doorbell(folder, "stream") as bell:
    ...     _ = ring(folder, "stream")
    ...     bell.wait(1.0)
    True
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{name}.sock"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        with _address(self._path) as address:
            self._socket.bind(address)

    def fileno(self) -> int:
        """Return the descriptor, for an event loop's ``add_reader``."""
        return self._socket.fileno()

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; return True when somebody rang. Takes all rings there are at once."""
        ready, _, _ = select.select([self._socket], [], [], max(timeout, 0.0))
        return bool(ready) and self.drain()

    def drain(self) -> bool:
        """Take all rings there are, without waiting; return True when there was one."""
        rung = False
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(16)
                rung = True
        return rung

    def close(self) -> None:
        """Take the bell away."""
        if self._socket.fileno() >= 0:
            self._socket.close()
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Ringer:
    """Rings one bell often, for about 2 µs a ring."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def ring(self) -> bool:
        """Ring; return False when nobody listens. A full bell counts as rung."""
        try:
            with _address(self._path) as address:
                self._socket.sendto(b"!", address)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the sending socket."""
        self._socket.close()


def ring(folder: Path, name: str) -> bool:
    """Ring the bell `name` once; return False when nobody listens."""
    ringer = Ringer(folder, name)
    try:
        return ringer.ring()
    finally:
        ringer.close()


def ring_all(folder: Path, prefix: str) -> int:
    """Ring every bell whose name begins with `prefix`; return how many were heard."""
    return sum(ring(folder, path.stem) for path in sorted(folder.glob(f"{prefix}*.sock")))


class Carillon:
    """Rings every bell whose name begins with a prefix, often; looks for new bells when the folder changed."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder = folder
        self._prefix = prefix
        self._seen = -1
        self._ringers: list[Ringer] = []

    def ring(self) -> int:
        """Ring all; return how many were heard."""
        changed = os.stat(self._folder).st_mtime_ns
        if changed != self._seen:
            self.close()
            names = sorted(path.stem for path in self._folder.glob(f"{self._prefix}*.sock"))
            self._ringers = [Ringer(self._folder, name) for name in names]
            self._seen = changed
        return sum(ringer.ring() for ringer in self._ringers)

    def close(self) -> None:
        """Close the sending sockets."""
        for ringer in self._ringers:
            ringer.close()
        self._ringers = []


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """Give a path that fits a socket's address: by way of its folder's descriptor when it is too long itself."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
