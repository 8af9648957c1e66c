"""Artifacts: files named by the SHA-256 of what they hold. Written whole or not at all, never changed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.storage.places.disks import make_folder, sync_folder, write_durably
from tidewheel.storage.places.environments import translated

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
            make_folder(folder / "tmp")
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
        with self._locked(fcntl.LOCK_SH):
            self._publish_locked(temporary, digest)

    def _publish_locked(self, temporary: Path, digest: str) -> None:
        target = self._path(digest)
        if target.exists() and target.stat().st_size == temporary.stat().st_size and _digest_of(target) == digest:
            os.utime(target)  # it is used again: `discard` must not take it for old
            return
        make_folder(target.parent)
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
            raise damaged(str(path))
        return content

    def verify(self, digest: str) -> None:
        """Raise `CorruptError` when the file no longer holds what its name says."""
        path = self._path(digest)
        with translated(str(path)):
            if _digest_of(path) != digest:
                raise damaged(str(path))

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

    def written(self, digest: str) -> float:
        """Return when an artifact was put last, seconds since 1970. Raises `NotFoundError`."""
        return self._stat(digest).st_mtime

    def size(self, digest: str) -> int:
        """Return an artifact's bytes. Raises `NotFoundError`."""
        return self._stat(digest).st_size

    def discard(self, digest: str, before: float) -> bool:
        """Delete an artifact unless it was put, by whatever process, at `before` or later; tell whether it is gone."""
        with translated(str(self.folder)), self._locked(fcntl.LOCK_EX):
            path = self._path(digest)
            if path.exists() and path.stat().st_mtime >= before:
                return False
            path.unlink(missing_ok=True)
        return True

    def _stat(self, digest: str) -> os.stat_result:
        try:
            return self._path(digest).stat()
        except FileNotFoundError:
            raise NotFoundError(f"no artifact {digest}", where=str(self.folder)) from None

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the folder's lock: shared by those who put, alone by who deletes what looks old."""
        with (self.folder / "tmp" / "lock").open("a") as file:
            fcntl.flock(file, how)
            yield

    def supersede(self, digest: str, new: str) -> None:
        """Delete an artifact and let its name lead to another's, which it is to be read as from now on."""
        note = self._note(digest)
        note.parent.mkdir(exist_ok=True)
        write_durably(note, new.encode())
        self.delete(digest)

    def current(self, digest: str) -> str:
        """Digest of what an artifact is to be read as: its own, or that of what superseded it."""
        note = self._note(digest)
        while note.exists():
            digest = note.read_text()
            note = self._note(digest)
        return digest

    def _note(self, digest: str) -> Path:
        return self.folder / "superseded" / digest

    def _path(self, digest: str) -> Path:
        check_digest(digest, str(self.folder))
        return self.folder / digest[:2] / digest[2:]


def is_digest(name: str) -> bool:
    """Tell whether a name is a SHA-256 in hexadecimal."""
    return _DIGEST.fullmatch(name) is not None


def check_digest(digest: str, where: str) -> None:
    """Raise `NotFoundError` for what is no SHA-256 in hexadecimal."""
    if not is_digest(digest):
        raise NotFoundError(f"{digest!r} is no SHA-256 digest", where=where)


def damaged(where: str) -> CorruptError:
    """Return the error that tells of an artifact whose content has changed."""
    return CorruptError(
        "the artifact no longer holds what its name says",
        where=where,
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
