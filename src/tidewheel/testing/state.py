# ruff: noqa: D102 (a test says by its name what is promised)
"""What every state store must do."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tidewheel.errors import ConflictError, LeaseError
from tidewheel.storage.protocols import State
from tidewheel.storage.state.partition import Reference

FIRST, SECOND = "00000000000000aa", "ff000000000000bb"


def words_of(blobs: Sequence[Sequence[int]]) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    """Return blobs as the kernel has them: words and starts."""
    starts = np.cumsum([0, *map(len, blobs)], dtype=np.int64)
    return np.array([word for blob in blobs for word in blob], np.int64), starts


class StateContract:
    """Subclass with `open`; each test gets an empty folder."""

    def open(self, folder: Path, partitions: int) -> State:
        """Open the store in a folder; called again, it opens the same one."""
        raise NotImplementedError

    def read(self, store: State, state_id: str, key: bytes) -> list[int] | None:
        """Read one blob as words."""
        with store.snapshot() as snapshot:
            blob = snapshot.get(state_id, key)
            return None if blob is None else np.frombuffer(blob, np.int64).tolist()

    def test_blobs_are_kept_by_state_and_key(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        writer = store.writer(0)
        keys = [b"b", b"a", b"x" * 600, b"x" * 601, b"nothing"]
        blobs = [[1, 2], [3], [4, 5, 6], [7], []]
        with writer.batch() as batch:
            batch.put_blobs(FIRST, keys, *words_of(blobs))
            batch.put_blobs(SECOND, [b"a"], *words_of([[9]]))
        assert [self.read(store, FIRST, key) for key in keys] == [*blobs[:-1], None]
        assert self.read(store, SECOND, b"a") == [9]
        assert self.read(store, SECOND, b"b") is None
        with writer.batch() as batch:
            words, starts = batch.blobs(FIRST, keys)
        assert words.tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert starts.tolist() == [0, 2, 3, 6, 7, 7]
        writer.close()
        store.close()

    def test_a_batch_is_all_or_nothing(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        writer = store.writer(0)
        with writer.batch() as batch:
            batch.put_blobs(FIRST, [b"a"], *words_of([[1]]))
            batch.set_offset(FIRST, 10)
        with pytest.raises(ZeroDivisionError), writer.batch() as batch:  # noqa: PT012 (what is tested is the block)
            batch.put_blobs(FIRST, [b"a"], *words_of([[2]]))
            batch.set_offset(FIRST, 20)
            _ = 1 / 0
        assert self.read(store, FIRST, b"a") == [1]
        assert store.offsets() == [{FIRST: 10}]
        writer.close()
        store.close()

    def test_what_is_read_together_is_of_one_commit(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        writer = store.writer(0)
        keys = [f"k{n}".encode() for n in range(50)]
        done = threading.Event()
        seen: list[set[bytes]] = []

        def read() -> None:
            while not done.is_set():
                with store.snapshot() as snapshot:
                    found = snapshot.get_many([(FIRST, key) for key in keys])
                    seen.append({bytes(blob or b"") for blob in found})

        thread = threading.Thread(target=read)
        thread.start()
        for n in range(1, 200):
            with writer.batch() as batch:
                batch.put_blobs(FIRST, keys, *words_of([[n]] * len(keys)))
        done.set()
        thread.join()
        assert seen
        assert all(len(blobs) == 1 for blobs in seen)
        writer.close()
        store.close()

    def test_a_batch_reads_what_it_wrote(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        writer = store.writer(0)
        with writer.batch() as batch:
            batch.put_blobs(FIRST, [b"a", b"b"], *words_of([[1], [2]]))
            batch.put_references("Sale", [("a", Reference(1, 10, {}))])
            batch.wait("Sale", "x", 1, b"one")
        with writer.batch() as batch:
            batch.put_blobs(FIRST, [b"a"], *words_of([[3, 3]]))
            assert batch.blobs(FIRST, [b"b", b"a"])[0].tolist() == [2, 3, 3]
            batch.put_references("Sale", [("a", Reference(2, 20, {}))])
            assert batch.references("Sale", ["a"]) == [Reference(2, 20, {})]
            batch.wait("Sale", "x", 2, b"two")
            assert batch.take_waiting("Sale", ["x"]) == [("x", 1, b"one"), ("x", 2, b"two")]
            batch.wait("Sale", "x", 3, b"three")
            batch.set_offset(FIRST, 7)
            assert batch.offset(FIRST) == 7
        with writer.batch() as batch:
            assert batch.take_waiting("Sale", ["x"]) == [("x", 3, b"three")]
        writer.close()
        store.close()

    def test_each_partition_has_its_own_entities_and_offset(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 3)
        keys = [f"k{n}".encode() for n in range(30)]
        assert store.partitions == 3
        for partition in range(3):
            writer = store.writer(partition)
            mine = [key for key in keys if store.partition_of(key) == partition]
            with writer.batch() as batch:
                batch.put_blobs(FIRST, mine, *words_of([[partition]] * len(mine)))
                batch.set_offset(FIRST, partition + 1)
            writer.close()
        with store.snapshot() as snapshot:
            for key in keys:
                blob = snapshot.get(FIRST, key)
                assert blob is not None
                assert int.from_bytes(blob, "little") == store.partition_of(key)
        assert store.offsets() == [{FIRST: 1}, {FIRST: 2}, {FIRST: 3}]
        assert (store.offset(FIRST), store.offset(SECOND)) == (1, 0)
        assert sorted(key for key, _ in store.scan(FIRST)) == sorted(keys)
        assert list(store.scan(SECOND)) == []
        store.close()

    def test_the_number_of_partitions_is_fixed(self, tmp_path: Path) -> None:
        self.open(tmp_path, 2).close()
        with pytest.raises(ConflictError):
            self.open(tmp_path, 3)

    def test_a_stale_writer_is_refused(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        old, new = store.writer(0, token=1), store.writer(0, token=2)
        with old.batch() as batch:
            batch.set_offset(FIRST, 1)
        with new.batch() as batch:
            batch.set_offset(FIRST, 2)
        with pytest.raises(LeaseError), old.batch() as batch:
            batch.set_offset(FIRST, 3)
        assert store.offsets() == [{FIRST: 2}]
        old.close()
        new.close()
        store.close()

    def test_texts_are_found_by_their_hash(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 2)
        writer = store.writer(1)
        with writer.batch() as batch:
            batch.put_strings({-5: "minus", 7: "på", 2**63 - 1: ""})
            batch.put_strings({7: "på"})
        assert [store.text(hash) for hash in (-5, 7, 2**63 - 1, 8)] == ["minus", "på", "", None]
        writer.close()
        store.close()

    def test_references_are_kept_by_type_and_id(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        writer = store.writer(0)
        kept = Reference(5, 50, {"terminal": "m1", "amount": 1.5, "none": None})
        with writer.batch() as batch:
            batch.put_references("Sale", [("a", kept), ("b", Reference(6, 60, {}))])
            batch.put_references("Sales", [("a", Reference(7, 70, {}))])
            assert batch.references("Sale", ["a", "c", "b"]) == [kept, None, Reference(6, 60, {})]
        assert writer.prune_references("Sale", 60) == 1
        with writer.batch() as batch:
            assert batch.references("Sale", ["a", "b"]) == [None, Reference(6, 60, {})]
            assert batch.references("Sales", ["a"]) == [Reference(7, 70, {})]
        writer.close()
        store.close()

    def test_events_wait_for_their_target(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        writer = store.writer(0)
        with writer.batch() as batch:
            batch.wait("Sale", "a", 9, b"nine")
            batch.wait("Sale", "a", 3, b"three")
            batch.wait("Sale", "ab", 4, b"four")
            batch.wait("Sale", "x" * 900, 5, b"five")
        with writer.batch() as batch:
            assert batch.take_waiting("Other", ["a"]) == []
            assert batch.take_waiting("Sale", ["a", "x" * 900, "none"]) == [
                ("a", 3, b"three"),
                ("x" * 900, 5, b"five"),
                ("a", 9, b"nine"),
            ]
            assert batch.take_waiting("Sale", ["a"]) == []
            assert batch.take_waiting("Sale", ["ab"]) == [("ab", 4, b"four")]
        writer.close()
        store.close()

    def test_a_state_can_be_dropped_and_a_partition_reset(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        writer = store.writer(0, token=4)
        with writer.batch() as batch:
            for state_id in (FIRST, SECOND):
                batch.put_blobs(state_id, [b"a", b"b"], *words_of([[1], [2]]))
                batch.set_offset(state_id, 5)
        assert writer.drop(FIRST) == 2
        assert self.read(store, FIRST, b"a") is None
        assert self.read(store, SECOND, b"a") == [1]
        assert store.offsets() == [{SECOND: 5}]
        writer.reset()
        assert store.offsets() == [{}]
        assert self.read(store, SECOND, b"a") is None
        stale = store.writer(0, token=3)
        with pytest.raises(LeaseError), stale.batch():
            pass
        stale.close()
        writer.close()
        store.close()

    def test_it_is_the_same_store_after_reopening(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        writer = store.writer(0)
        with writer.batch() as batch:
            batch.put_blobs(FIRST, [b"a"], *words_of([[1]]))
            batch.set_offset(FIRST, 5)
        writer.close()
        store.close()
        store.close()
        again = self.open(tmp_path, 1)
        assert self.read(again, FIRST, b"a") == [1]
        assert again.offsets() == [{FIRST: 5}]
        again.close()
