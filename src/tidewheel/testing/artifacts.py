# ruff: noqa: D102 (a test says by its name what is promised)
"""What every artifact store must do."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.storage.protocols import Artifacts


class ArtifactContract:
    """Subclass with `open` and `damage`; each test gets an empty folder."""

    def open(self, folder: Path) -> Artifacts:
        """Open the store in a folder; called again, it opens the same one."""
        raise NotImplementedError

    def damage(self, folder: Path, digest: str) -> None:
        """Change some bytes of an artifact behind the store's back."""
        raise NotImplementedError

    def test_content_is_found_by_its_digest(self, tmp_path: Path) -> None:
        store = self.open(tmp_path / "store")
        for content in (b"", b"weights", b"x" * 3_000_000):
            digest = store.put(content)
            assert digest == hashlib.sha256(content).hexdigest()
            assert store.put(content) == digest
            assert store.get(digest).read_bytes() == content
            assert store.read(digest) == content
        assert len(list(store.digests())) == 3
        assert sorted(self.open(tmp_path / "store").digests()) == sorted(store.digests())

    def test_files_are_copied(self, tmp_path: Path) -> None:
        store = self.open(tmp_path / "store")
        file = tmp_path / "model.npz"
        file.write_bytes(b"arrays")
        digest = store.put(file)
        file.unlink()
        assert store.read(digest) == b"arrays"
        with pytest.raises(NotFoundError):
            store.put(file)

    def test_what_is_not_there_is_not_found(self, tmp_path: Path) -> None:
        store = self.open(tmp_path / "store")
        for digest in ("0" * 64, "../../etc/passwd", ""):
            with pytest.raises(NotFoundError):
                store.get(digest)

    def test_damage_is_told_and_mended_by_another_put(self, tmp_path: Path) -> None:
        store = self.open(tmp_path / "store")
        digest = store.put(b"weights")
        self.damage(tmp_path / "store", digest)
        with pytest.raises(CorruptError):
            store.get(digest)
        with pytest.raises(CorruptError):
            store.read(digest)
        store.put(b"weights")
        assert store.read(digest) == b"weights"

    def test_a_superseded_artifact_leads_to_the_other(self, tmp_path: Path) -> None:
        store = self.open(tmp_path / "store")
        old, new = store.put(b"c42"), store.put(b"[erased]")
        store.supersede(old, new)
        again = self.open(tmp_path / "store")
        assert (again.current(old), again.current(new)) == (new, new)
        assert list(again.digests()) == [new]
        with pytest.raises(NotFoundError):
            again.get(old)

    def test_only_what_nobody_put_lately_is_discarded(self, tmp_path: Path) -> None:
        store = self.open(tmp_path / "store")
        digest = store.put(b"weights")
        assert store.size(digest) == 7
        first = store.written(digest)
        assert abs(first - time.time()) < 60
        assert not store.discard(digest, first), "put at that very instant"
        time.sleep(1.1)  # an object store counts in whole seconds
        assert self.open(tmp_path / "store").put(b"weights") == digest
        assert store.written(digest) > first, "it was used again"
        assert not store.discard(digest, first + 0.5)
        assert store.has(digest)
        assert store.discard(digest, time.time() + 10)
        assert not store.has(digest)
        assert store.discard(digest, time.time() + 10), "gone is gone"
        with pytest.raises(NotFoundError):
            store.written(digest)
