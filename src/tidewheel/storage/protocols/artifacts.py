"""Artifacts: files named by what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Artifacts(Protocol):
    """Files named by the SHA-256 of their content.

    - An artifact is there whole or not at all, and never changes.
    - What was `put` survives a power loss.
    """

    def put(self, content: bytes | Path) -> str:
        """Store bytes or a copy of a file; return its digest."""
        ...

    def get(self, digest: str, *, verify: bool = True) -> Path:
        """Path of an artifact. Raises `NotFoundError`, or `CorruptError` when it no longer holds what its name says."""
        ...

    def read(self, digest: str) -> bytes:
        """Return the content, checked."""
        ...

    def digests(self) -> Iterator[str]:
        """All digests."""
        ...

    def has(self, digest: str) -> bool:
        """Whether there is an artifact of this digest."""
        ...

    def written(self, digest: str) -> float:
        """Return when an artifact was put last, in seconds since 1970; putting it again counts."""
        ...

    def size(self, digest: str) -> int:
        """Bytes of an artifact."""
        ...

    def discard(self, digest: str, before: float) -> bool:
        """Delete an artifact unless it was put at `before` or later; tell whether it is gone."""
        ...

    def supersede(self, digest: str, new: str) -> None:
        """Delete an artifact and let its name lead to another's."""
        ...

    def current(self, digest: str) -> str:
        """Digest of what an artifact is to be read as: its own, or that of what superseded it."""
        ...
