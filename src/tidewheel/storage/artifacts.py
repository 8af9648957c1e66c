"""Artifacts: files named by the SHA-256 of what they hold. Written whole or not at all, never changed."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.storage.disks import sync_folder
from tidewheel.storage.environments import translated

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PIECE = 1 << 20


class ArtifactStore:
    """Files by content, in folder `path`. Safe for any number of processes and threads at once.

    Examples
    --------
    >>> import tempfile
    >>> store = ArtifactStore.open(Path(tempfile.mkdtemp()))
    >>> digest = store.put(b"weights")
    >>> digest == store.put(b"weights"), store.get(digest).read_bytes()
    (True, b'weights')
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the store, made when missing."""
        with translated(str(folder)):
            (folder / "tmp").mkdir(parents=True, exist_ok=True)
        return cls(folder)

    def put(self, content: bytes | Path) -> str:
        """Store bytes or a copy of a file, safe from a power loss on return; return the SHA-256 as hexadecimal.

        Raises
        ------
        FullError
            No space; nothing is left behind.
        NotFoundError
            There is no such file.
        """
        if isinstance(content, Path) and not content.is_file():
            raise NotFoundError("there is no such file", where=str(content))
        temporary = self.folder / "tmp" / uuid.uuid4().hex
        with translated(str(self.folder)):
            try:
                digest = _copy(content, temporary)
                self._publish(temporary, digest)
            finally:
                temporary.unlink(missing_ok=True)
        return digest

    def _publish(self, temporary: Path, digest: str) -> None:
        target = self._path(digest)
        if target.exists() and target.stat().st_size == temporary.stat().st_size and _digest_of(target) == digest:
            return
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder)
        temporary.chmod(0o444)
        temporary.replace(target)
        sync_folder(target.parent)

    def get(self, digest: str, *, verify: bool = True) -> Path:
        """Path of an artifact, for reading.

        Raises
        ------
        NotFoundError
            There is none of this digest.
        CorruptError
            The file no longer holds what its name says (looked at unless `verify` is False).
        """
        path = self._path(digest)
        if not path.is_file():
            raise NotFoundError(f"no artifact {digest}", where=str(self.folder))
        if verify:
            self.verify(digest)
        return path

    def read(self, digest: str) -> bytes:
        """Content of an artifact, checked. Raises as `get`."""
        path = self.get(digest, verify=False)
        with translated(str(path)):
            content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise _corrupt(path)
        return content

    def verify(self, digest: str) -> None:
        """Raise `CorruptError` when the file no longer holds what its name says."""
        path = self._path(digest)
        with translated(str(path)):
            if _digest_of(path) != digest:
                raise _corrupt(path)

    def has(self, digest: str) -> bool:
        """Whether there is an artifact of this digest."""
        return self._path(digest).is_file()

    def digests(self) -> Iterator[str]:
        """Yield the digests of all artifacts."""
        for folder in sorted(self.folder.iterdir()):
            if len(folder.name) == 2:
                yield from sorted(f"{folder.name}{path.name}" for path in folder.iterdir())

    def delete(self, digest: str) -> None:
        """Delete an artifact; one that is not there is fine."""
        with translated(str(self.folder)):
            self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise NotFoundError(f"{digest!r} is no SHA-256 digest", where=str(self.folder))
        return self.folder / digest[:2] / digest[2:]


def _corrupt(path: Path) -> CorruptError:
    return CorruptError(
        "the artifact no longer holds what its name says",
        where=str(path),
        remedy="restore it from a copy, or register again",
    )


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _copy(content: bytes | Path, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("xb") as file:
        for piece in _pieces(content):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
