"""Segments: live and dead writers, torn tails, damage, rolling, sealing."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from pathlib import Path

import pytest

from tidewheel.errors import ConflictError, CorruptError, NotFoundError, StorageError
from tidewheel.storage.journal import segments
from tidewheel.storage.journal.segments import (
    LARGEST_PAYLOAD,
    is_live,
    is_sealed,
    list_segments,
    read_segment,
    remove_segment,
    unread_bytes,
)
from tidewheel.storage.journal.writer import JournalWriter


def payloads(path: Path, position: int = 0) -> list[bytes]:
    return [payload for _, _, payload in read_segment(path, position)]


def sealed(folder: Path, records: int = 5) -> Path:
    with JournalWriter.open(folder, "w") as journal:
        for n in range(records):
            journal.append(b"record %d" % n)
    return list_segments(folder)[0]


def test_a_segment_is_live_until_its_writer_ends(tmp_path: Path) -> None:
    journal = JournalWriter.open(tmp_path, "w")
    [path] = list_segments(tmp_path)
    assert is_live(path)
    assert not is_sealed(path)
    with pytest.raises(ConflictError):
        remove_segment(path)
    journal.close()
    assert not is_live(path)
    assert is_sealed(path)
    remove_segment(path)
    assert list_segments(tmp_path) == []
    with pytest.raises(NotFoundError):
        is_live(path)


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = JournalWriter.open(tmp_path, "w")
    [path] = list_segments(tmp_path)
    position, found = 0, []
    for n in range(20):
        assert journal.append(b"%d" % n)[0] == path.stem
        for _, after, payload in read_segment(path, position):
            found.append(payload)
            position = after
    assert found == [b"%d" % n for n in range(20)]
    journal.close()


def test_segments_roll_and_are_sealed_in_order(tmp_path: Path) -> None:
    with JournalWriter.open(tmp_path, "w", segment_bytes=200) as journal:
        for n in range(100):
            journal.append(b"%04d" % n)
        journal.commit()
        assert journal.unsynced() == 0
        *old, newest = list_segments(tmp_path)
        assert len(old) > 3
        assert all(is_sealed(path) and not is_live(path) for path in old)
        assert is_live(newest)
    assert [payload for path in [*old, newest] for payload in payloads(path)] == [b"%04d" % n for n in range(100)]


def test_a_torn_tail_is_left_out(tmp_path: Path) -> None:
    journal = JournalWriter.open(tmp_path, "w")
    for n in range(3):
        journal.append(b"whole %d" % n)
    [path] = list_segments(tmp_path)
    whole = path.read_bytes()
    ends = [after for _, after, _ in read_segment(path)]
    for cut in range(ends[1] + 1, ends[2]):
        (tmp_path / "torn.journal").write_bytes(whole[:cut])
        assert payloads(tmp_path / "torn.journal") == [b"whole 0", b"whole 1"]
        assert unread_bytes(tmp_path / "torn.journal", ends[1]) == cut - ends[1]
    (tmp_path / "torn.journal").write_bytes(whole + bytes(4096))
    assert len(payloads(tmp_path / "torn.journal")) == 3
    journal.close()


def test_damage_in_a_sealed_segment_is_told(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"record 2", b"recXrd 2"))
    with pytest.raises(CorruptError, match="checksum"):
        payloads(path)
    path.write_bytes(b"something else")
    with pytest.raises(CorruptError, match="not a journal segment"):
        payloads(path)


def test_a_sealed_segment_has_nothing_unread(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    end = max(after for _, after, _ in read_segment(path))
    assert unread_bytes(path, end) == 0
    assert payloads(path, end) == []


def test_a_record_may_not_be_too_large(tmp_path: Path) -> None:
    with JournalWriter.open(tmp_path, "w") as journal, pytest.raises(StorageError, match="at most"):
        journal.append(b"x" * (LARGEST_PAYLOAD + 1))


@pytest.mark.parametrize("writer", ["", "a/b", ".hidden"])
def test_a_writer_needs_a_name_for_its_file(writer: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        JournalWriter.open(tmp_path, writer)


def test_a_disk_that_refuses_to_flush_is_told_to_who_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = JournalWriter.open(tmp_path, "w")
    real = os.fdatasync

    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    journal.append(b"x")
    with pytest.raises(StorageError, match="Input/output"):
        journal.commit()
    with pytest.raises(StorageError):
        journal.commit()
    monkeypatch.setattr(os, "fdatasync", real)
    journal.close()


def test_flushing_goes_on_once_a_descriptor_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, dup = [], os.dup

    def none_free_at_first(descriptor: int) -> int:
        tried.append(descriptor)
        if len(tried) < 3:
            raise OSError(errno.EMFILE, "Too many open files")
        return dup(descriptor)

    monkeypatch.setattr(os, "dup", none_free_at_first)
    with JournalWriter.open(tmp_path, "w") as journal:
        journal.append(b"one")
        journal.commit()
        assert (len(tried), journal.unsynced()) == (3, 0)


def test_records_written_in_one_go_stand_one_by_one(tmp_path: Path) -> None:
    given = [b"first", b"", b"third" * 100]
    with JournalWriter.open(tmp_path, "w", segment_bytes=64) as journal:
        alone = journal.append(b"alone")
        places = journal.append_all(given)
        assert journal.append_all([]) == []
        following = journal.append(b"following")
    assert {name for name, _ in places} == {alone[0]}
    assert following[0] != alone[0], "the segment was full"
    first, second = list_segments(tmp_path)
    read = {(first.stem, position): payload for position, _, payload in read_segment(first)}
    assert read == dict(zip([alone, *places], [b"alone", *given], strict=True))
    assert [payload for _, _, payload in read_segment(second)] == [b"following"]


def test_a_segment_longer_than_a_piece_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "PIECE", 100)
    given = [bytes([number]) * (number * 7 % 301) for number in range(200)]
    with JournalWriter.open(tmp_path, "w") as journal:
        places = journal.append_all(given)
        (path,) = list_segments(tmp_path)
        assert [payload for _, _, payload in read_segment(path)] == given
        assert [payload for _, _, payload in read_segment(path, places[150][1])] == given[150:]
    assert [(path.stem, position) for position, _, _ in read_segment(path)] == places


def test_a_segment_that_goes_on_and_is_sealed_while_it_is_read_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = JournalWriter.open(tmp_path, "w")
    journal.append(b"first")
    (path,) = list_segments(tmp_path)

    class Late(io.FileIO):
        """Meets the end just before the writer goes on."""

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(-1 if size is None else size) or b""
            if not found:
                with contextlib.suppress(StorageError):
                    journal.append(b"second")
                journal.close()
            return found

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda path, mode: Late(path, "r"))
        assert [payload for _, _, payload in read_segment(path)] == [b"first"]
    assert payloads(path) == [b"first", b"second"]
