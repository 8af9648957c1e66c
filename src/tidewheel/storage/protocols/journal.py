"""The decision journal: one writer's decisions, safe before their answers leave."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol


class Journal(Protocol):
    """One writer's decisions, in order.

    - A record whose `append` returned survives a killed process; one for which `commit` returned after it, or some
      20 ms later, a power loss too.
    - A record is read whole or not at all.
    - Any number of threads may append.
    """

    def append(self, payload: bytes) -> tuple[str, int]:
        """Write one record, in microseconds; return its segment and position.

        Raises `FullError`, and can go on after it.
        """
        ...

    def commit(self, timeout: float = 10.0) -> None:
        """Wait until everything appended before is on the disk."""
        ...

    def committed(self) -> Future[None]:
        """Return the same as a future, for event loops."""
        ...

    def close(self) -> None:
        """Seal the segment; a second call does nothing."""
        ...
