"""Artifacts on an object store, with a folder of this machine that keeps what was read."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from tidewheel.errors import CorruptError, NotFoundError, UnreachableError
from tidewheel.storage.artifacts.local import ArtifactStore, check_digest, damaged, is_digest
from tidewheel.storage.places.objects import ObjectFolder


class RemoteArtifacts:
    """Files by content under a prefix of an object store. Safe for any number of processes and machines at once.

    What is read is kept in a folder of this machine, so that a worker that loads the same bundle again does not
    need the store. `tidewheel.storage.protocols.Artifacts` is its contract.

    Parameters
    ----------
    objects : ObjectFolder
    kept : ArtifactStore
        Of this machine; may be emptied at any time.

    Examples
    --------
    ``RemoteArtifacts.open("s3://ml/fraud/artifacts", Path(".tidewheel/artifacts"))``
    """

    def __init__(self, objects: ObjectFolder, kept: ArtifactStore) -> None:
        self._objects = objects
        self._kept = kept

    @classmethod
    def open(cls, url: str, folder: Path) -> Self:
        """Open the store; `folder` keeps what is read. Raises `ConfigError`, `MissingExtraError`."""
        return cls(ObjectFolder(url), ArtifactStore.open(folder))

    def put(self, content: bytes | Path) -> str:
        """Store bytes or a copy of a file, kept by the object store on return; return the SHA-256 as hexadecimal.

        Raises
        ------
        NotFoundError
            There is no such file.
        UnreachableError, StorageError
        """
        digest = self._kept.put(content)
        with self._objects.translated():
            # An upload becomes visible whole; one that is there already is written again, in case it was damaged.
            self._objects.files.put_file(str(self._kept.get(digest, verify=False)), self._path(digest))
        return digest

    def get(self, digest: str, *, verify: bool = True) -> Path:
        """Path of a copy of an artifact, for reading.

        Raises
        ------
        NotFoundError
            There is none of this digest.
        CorruptError
            The object no longer holds what its name says.
        UnreachableError, StorageError
        """
        if self._kept.has(digest):
            try:
                return self._kept.get(digest, verify=verify)
            except CorruptError:
                self._kept.delete(digest)  # it was a copy only
        content = self._content(digest)
        if hashlib.sha256(content).hexdigest() != digest:
            raise damaged(self._path(digest))
        self._kept.put(content)
        return self._kept.get(digest, verify=False)

    def read(self, digest: str) -> bytes:
        """Content of an artifact, checked. Raises as `get`."""
        return self.get(digest).read_bytes()

    def verify(self, digest: str) -> None:
        """Raise `CorruptError` when the store's object no longer holds what its name says."""
        if hashlib.sha256(self._content(digest)).hexdigest() != digest:
            raise damaged(self._path(digest))

    def has(self, digest: str) -> bool:
        """Whether there is an artifact of this digest."""
        with self._objects.translated():
            return bool(self._objects.files.exists(self._path(digest)))

    def digests(self) -> Iterator[str]:
        """Yield the digests of all artifacts."""
        with self._objects.translated():
            found = self._objects.files.find(self._objects.path("").rstrip("/"))
        named = ("".join(path.rsplit("/", 2)[1:]) for path in found)
        yield from sorted(name for name in named if is_digest(name))

    def delete(self, digest: str) -> None:
        """Delete an artifact; one that is not there is fine."""
        self._kept.delete(digest)
        with self._objects.translated():
            if self._objects.files.exists(self._path(digest)):
                self._objects.files.rm_file(self._path(digest))

    def written(self, digest: str) -> float:
        """Return when an artifact was put last, seconds since 1970. Raises `NotFoundError`."""
        found = self._info(digest).get("LastModified") or self._info(digest).get("mtime") or time.time()
        return float(found.timestamp() if hasattr(found, "timestamp") else found)

    def size(self, digest: str) -> int:
        """Return an artifact's bytes. Raises `NotFoundError`."""
        return int(self._info(digest)["size"])

    def discard(self, digest: str, before: float) -> bool:
        """Delete an artifact unless it was put at `before` or later; tell whether it is gone.

        An object store has no lock: one that is put between the look and the deletion is lost. What keeps them apart is
        that `before` lies well in the past.
        """
        try:
            if self.written(digest) >= before:
                return False
        except NotFoundError:
            return True
        self.delete(digest)
        return True

    def _info(self, digest: str) -> dict[str, Any]:
        path = self._path(digest)
        try:
            with self._objects.translated():
                self._objects.files.invalidate_cache()
                found: dict[str, Any] = self._objects.files.info(path)
        except FileNotFoundError as error:
            raise NotFoundError(f"no artifact {digest}", where=self._objects.url) from error
        return found

    def supersede(self, digest: str, new: str) -> None:
        """Delete an artifact and let its name lead to another's, which it is to be read as from now on."""
        with self._objects.translated():
            self._objects.files.pipe_file(self._note(digest), new.encode())
        self._kept.supersede(digest, new)
        self.delete(digest)

    def current(self, digest: str) -> str:
        """Digest of what an artifact is to be read as: its own, or that of what superseded it.

        While the store does not answer, as this machine knows it.
        """
        try:
            with self._objects.translated():
                return self.current(self._objects.files.cat_file(self._note(digest)).decode())
        except FileNotFoundError:
            return digest
        except UnreachableError:
            return self._kept.current(digest)

    def _note(self, digest: str) -> str:
        check_digest(digest, self._objects.url)
        return self._objects.path(f"superseded/{digest}")

    def _content(self, digest: str) -> bytes:
        path = self._path(digest)
        try:
            with self._objects.translated():
                content: bytes = self._objects.files.cat_file(path)
        except FileNotFoundError as error:
            raise NotFoundError(f"no artifact {digest}", where=self._objects.url) from error
        return content

    def _path(self, digest: str) -> str:
        check_digest(digest, self._objects.url)
        return self._objects.path(f"{digest[:2]}/{digest[2:]}")
