# ruff: noqa: D102 (a test says by its name what is promised)
"""What every decision journal must do."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tidewheel.errors import StorageError
from tidewheel.storage.protocols import Journal


class JournalContract:
    """Subclass with `open` and `payloads`; each test gets an empty folder."""

    def open(self, folder: Path, writer: str) -> Journal:
        """Open the journal of a writer."""
        raise NotImplementedError

    def payloads(self, folder: Path) -> list[bytes]:
        """All records in the folder, each writer's in order."""
        raise NotImplementedError

    def test_records_are_read_while_the_writer_lives(self, tmp_path: Path) -> None:
        journal = self.open(tmp_path, "w")
        written = [bytes([n]) * n for n in range(50)]
        places = [journal.append(payload) for payload in written]
        assert len(set(places)) == 50
        assert self.payloads(tmp_path) == written
        journal.close()
        assert self.payloads(tmp_path) == written

    def test_each_writer_keeps_its_own_order(self, tmp_path: Path) -> None:
        first, second = self.open(tmp_path, "a"), self.open(tmp_path, "b")
        for n in range(10):
            first.append(b"a%d" % n)
            second.append(b"b%d" % n)
        first.close()
        second.close()
        assert self.payloads(tmp_path) == [b"a%d" % n for n in range(10)] + [b"b%d" % n for n in range(10)]

    def test_a_writer_comes_back_under_its_name(self, tmp_path: Path) -> None:
        for n in range(3):
            journal = self.open(tmp_path, "w")
            journal.append(b"%d" % n)
            journal.close()
        assert self.payloads(tmp_path) == [b"0", b"1", b"2"]

    def test_commit_waits_for_the_disk(self, tmp_path: Path) -> None:
        journal = self.open(tmp_path, "w")
        journal.commit()
        journal.append(b"x")
        future = journal.committed()
        future.result(10)
        journal.commit()
        journal.close()

    def test_a_closed_journal_takes_nothing(self, tmp_path: Path) -> None:
        journal = self.open(tmp_path, "w")
        journal.close()
        journal.close()
        with pytest.raises(StorageError):
            journal.append(b"x")

    def test_threads_may_share_a_writer(self, tmp_path: Path) -> None:
        journal = self.open(tmp_path, "w")

        def append(worker: int) -> None:
            for n in range(200):
                journal.append(b"%d:%d" % (worker, n))

        threads = [threading.Thread(target=append, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        journal.close()
        found = self.payloads(tmp_path)
        for worker in range(4):
            mine = [payload for payload in found if payload.startswith(b"%d:" % worker)]
            assert mine == [b"%d:%d" % (worker, n) for n in range(200)]
