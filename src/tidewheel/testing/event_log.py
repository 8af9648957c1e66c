# ruff: noqa: D102 (a test says by its name what is promised)
"""What every event log must do."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tidewheel.errors import ConflictError, NotFoundError
from tidewheel.storage.log.records import (
    FUTURE_ALLOWED,
    LATE_AFTER,
    BadRow,
    ImportRecord,
    LogRecord,
    NewEvent,
    Revisions,
    Times,
)
from tidewheel.storage.protocols import Log

NOW = 1_700_000_000_000_000


def sale(id: str, at: int = NOW, **columns: object) -> NewEvent:
    """Return an event of type ``Sale``."""
    return NewEvent("Sale", id, at, columns or {"amount": 1.5})


class EventLogContract:
    """Subclass with `open`; each test gets an empty folder."""

    def open(self, folder: Path) -> Log:
        """Open the log in a folder; called again, it opens the same log."""
        raise NotImplementedError

    def test_offsets_count_from_one(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        assert log.head() == 1
        outcomes = log.append([sale("a"), sale("b")], now=NOW)
        assert [(outcome.status, outcome.offset) for outcome in outcomes] == [("logged", 1), ("logged", 2)]
        assert log.append([], now=NOW) == []
        assert log.head() == 3
        log.close()

    def test_what_goes_in_comes_out(self, tmp_path: Path) -> None:
        columns = {"amount": -0.5, "n": -(2**62), "ok": True, "text": "på\0 🌊", "none": None, "empty": ""}
        log = self.open(tmp_path)
        log.append([NewEvent("Sale", "id-ö", NOW - 5, columns)], now=NOW)
        [record] = log.read(1, 10)
        assert record == LogRecord(1, "Sale", "id-ö", NOW - 5, NOW, None, columns)
        table = log.read_batch(1, 10).tables["Sale"]
        assert {name: table[name].to_pylist()[0] for name in columns} == columns
        log.close()

    def test_reading_resumes_anywhere(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        for n in range(10):
            log.append([sale(f"{n}-{i}") for i in range(n)], now=NOW + n)
        everything = log.read(1, 100)
        assert [record.offset for record in everything] == list(range(1, 46))
        for start in range(1, 46):
            assert log.read(start, 3) == everything[start - 1 : start + 2]
            batch = log.read_batch(start, 3)
            assert batch.next == min(start + 3, 46)
            assert batch.tables["Sale"]["_id"].to_pylist() == [r.id for r in everything[start - 1 : start + 2]]  # type: ignore[union-attr]  # events only
        assert log.read_batch(46, 3).next == 46
        log.close()

    def test_an_id_is_taken_once_within_its_type(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("a")], now=NOW)
        outcomes = log.append([sale("a"), NewEvent("Refund", "a", NOW, {}), sale("b"), sale("b")], now=NOW)
        assert [outcome.status for outcome in outcomes] == ["duplicate", "logged", "logged", "duplicate"]
        assert [outcome.offset for outcome in outcomes] == [1, 2, 3, 3]
        assert log.seen_many("Sale", ["a", "b", "c"]) == [1, 3, None]
        assert log.seen_many("Nothing", ["a"]) == [None]
        log.close()

    def test_long_ids_are_told_apart(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("x" * 5000), sale("x" * 5001)], now=NOW)
        assert log.seen_many("Sale", ["x" * 5000, "x" * 5001, "x" * 5002]) == [1, 2, None]
        log.close()

    def test_arrivals_never_decrease_within_a_type(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("a")], now=NOW)
        log.append([sale("b"), NewEvent("Refund", "r", 0, {})], now=NOW - 1000)
        given = NewEvent("Sale", "c", 7, {"amount": 1.5}, arrived=NOW + 50)
        log.append([given], now=NOW)
        arrivals = [record.arrived for record in log.read(1, 9) if isinstance(record, LogRecord)]
        assert arrivals == [NOW, NOW, NOW - 1000, NOW + 50]
        assert log.newest_arrived("Sale") == NOW + 50
        log.close()

    def test_the_near_future_is_clamped_and_the_far_one_put_aside(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        near, far = sale("near", NOW + FUTURE_ALLOWED), sale("far", NOW + FUTURE_ALLOWED + 1)
        outcomes = log.append([near, far], now=NOW)
        assert [outcome.status for outcome in outcomes] == ["logged", "quarantined"]
        [record] = log.read(1, 9)
        assert isinstance(record, LogRecord)
        assert (record.at, record.claimed_at) == (NOW, NOW + FUTURE_ALLOWED)
        [bad] = log.bad_rows()
        assert bad.type == "Sale"
        assert "after its arrival" in bad.reason
        assert log.seen_many("Sale", ["far"]) == [None]
        counters = log.stats().types["Sale"]
        assert (counters.logged, counters.clamped, counters.quarantined, counters.future) == (1, 1, 1, 1)
        log.close()

    def test_a_higher_revision_corrects_within_its_time(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)

        def revision(number: int | None, arrived: int, revisable: int = 100) -> NewEvent:
            return NewEvent("Sale", "a", NOW, {"revision": number}, arrived=arrived, revisable=revisable)

        given = [revision(None, NOW), revision(2, NOW + 1), revision(1, NOW + 2), revision(3, NOW + 100)]
        outcomes = log.append(given, now=NOW)
        assert [outcome.status for outcome in outcomes] == ["logged", "logged", "duplicate", "logged"]
        assert [outcome.offset for outcome in outcomes] == [1, 2, 1, 3]
        late = log.append([revision(4, NOW + 101), revision(3, NOW + 101), revision(5, NOW, revisable=0)], now=NOW)
        assert [outcome.status for outcome in late] == ["quarantined", "duplicate", "duplicate"]
        assert "too late" in late[0].reason
        record = log.append_import(
            "file", "Sale", 3, NOW + 101, NOW + 101, ["a", "b", "b"],
            revisions=Revisions(200, [4, 0, 1], [NOW + 101] * 3),
        )  # fmt: skip
        assert record.duplicates == ()
        with pytest.raises(ConflictError, match="1 rows correct Sale longer after"):
            log.append_import("next", "Sale", 1, NOW + 300, NOW + 300, ["a"], revisions=Revisions(9, [5], [NOW + 300]))
        counters = log.stats().types["Sale"]
        assert (counters.corrected, counters.duplicates, counters.quarantined) == (4, 3, 1)
        log.close()

    def test_lateness_is_counted_against_the_watermark(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("a", NOW - 5), sale("b", NOW - 6), sale("c", NOW - LATE_AFTER)], now=NOW)
        log.append([sale("d", NOW - LATE_AFTER - 1), sale("near", NOW + 7)], now=NOW)
        counters = log.stats().types["Sale"]
        assert (counters.out_of_order, counters.late, counters.watermark) == (3, 1, NOW)
        log.append_import("file", "Sale", 2, NOW, NOW, times=Times(NOW + 9, 4, 2, 1, 3))
        counters = log.stats().types["Sale"]
        assert (counters.out_of_order, counters.late, counters.watermark) == (7, 3, NOW + 9)
        assert (counters.clamped, counters.future) == (2, 3)
        log.close()

    def test_what_can_not_be_held_is_put_aside_alone(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        bad = [sale("big", n=2**70), sale("odd", x=[1]), sale("broken", x="\ud800"), sale("\ud800")]
        outcomes = log.append([sale("a"), *bad, sale("b")], now=NOW)
        assert [outcome.status for outcome in outcomes] == ["logged", *["quarantined"] * 4, "logged"]
        assert log.head() == 3
        assert len(log.bad_rows()) == 4
        log.close()

    def test_quarantine_is_numbered_filtered_and_emptied(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        rows = [BadRow("Sale", "odd", b'{"a":1}', "f.csv:3", NOW), BadRow("Refund", "odd", b"{}")]
        log.append([], now=NOW, quarantine=rows)
        assert [(row.seq, row.type, row.row) for row in log.bad_rows()] == [
            (1, "Sale", b'{"a":1}'),
            (2, "Refund", b"{}"),
        ]
        assert [row.seq for row in log.bad_rows("Refund")] == [2]
        assert [row.seq for row in log.bad_rows(after=1)] == [2]
        assert log.delete_bad_rows([1, 7]) == 1
        log.append([], now=NOW, quarantine=rows[:1])
        assert [row.seq for row in log.bad_rows()] == [2, 3]
        log.close()

    def test_positions_stand_or_fall_with_their_events(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("a")], now=NOW, positions={"segment": 100}, expected={"segment": 0})
        assert log.position("segment") == 100
        with pytest.raises(ConflictError):
            log.append([sale("b")], now=NOW, positions={"segment": 200}, expected={"segment": 0})
        assert log.position("segment") == 100
        assert log.head() == 2
        assert log.append([sale("b")], now=NOW)[0].offset == 2
        log.close()

    def test_an_import_takes_a_range_of_offsets_once(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("a"), sale("b")], now=NOW)
        record = log.append_import("file-1", "Sale", 3, NOW, NOW + 9, ["x", "a", "y"])
        assert record == ImportRecord(3, "file-1", "Sale", 3, NOW, NOW + 9, (1,))
        assert log.append_import("file-1", "Sale", 3, NOW, NOW + 9, ["x", "a", "y"]) == record
        assert log.head() == 6
        assert log.newest_arrived("Sale") == NOW + 9
        assert log.append([sale("y"), sale("c")], now=NOW)[0].offset == 5
        assert [type(record).__name__ for record in log.read(1, 9)] == ["LogRecord"] * 2 + ["ImportRecord", "LogRecord"]
        first = log.read_batch(1, 100)
        assert (first.next, first.imported) == (3, None)
        assert log.read_batch(3, 100).imported == record
        within = log.read_batch(4, 100)
        assert (within.start, within.imported, log.read(4, 9)[0]) == (4, record, record)
        assert log.read_batch(3, 100).next == 6
        assert log.imports() == [record]
        log.close()

    def test_an_import_older_than_the_log_is_refused(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("a")], now=NOW)
        with pytest.raises(ConflictError, match="--arrived now"):
            log.append_import("file-1", "Sale", 3, NOW - 1, NOW + 9)
        assert log.imports() == []
        assert log.head() == 2
        log.close()

    def test_rows_of_an_import_with_one_id_are_taken_once(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        record = log.append_import("file-1", "Sale", 4, 1, 2, ["a", "b", "a", "a"])
        assert record.duplicates == (2, 3)
        assert log.seen_many("Sale", ["a"]) == [1]
        log.close()

    def test_trimming_drops_events_and_keeps_ids_and_imports(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale(str(n)) for n in range(10)], now=NOW)
        log.append_import("file-1", "Sale", 5, NOW, NOW)
        log.append([sale(str(n)) for n in range(10, 20)], now=NOW)
        log.trim(18)
        with pytest.raises(NotFoundError):
            log.read(17, 1)
        with pytest.raises(NotFoundError):
            log.read_batch(1, 1)
        assert [record.offset for record in log.read(18, 2)] == [18, 19]
        assert log.seen_many("Sale", ["0"]) == [1]
        assert [record.import_id for record in log.imports()] == ["file-1"]
        log.trim(5)
        assert log.stats().first == 18
        log.close()

    def test_pruned_ids_may_come_again(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("old")], now=NOW)
        log.append([NewEvent("Refund", "old", NOW, {})], now=NOW)
        log.append([sale("new")], now=NOW + 100)
        assert log.prune_ids("Sale", NOW + 1) == 1
        assert log.seen_many("Sale", ["old", "new"]) == [None, 3]
        assert log.seen_many("Refund", ["old"]) == [2]
        assert log.prune_ids("Nothing", NOW) == 0
        log.close()

    def test_columns_may_change_their_kind_and_number(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        rows: list[dict[str, object]] = [{"a": None}, {"a": 1}, {"a": 2.5, "b": "x"}, {"a": None, "b": None}, {}]
        log.append([NewEvent("Sale", str(n), NOW, row) for n, row in enumerate(rows)], now=NOW)
        assert [record.columns for record in log.read(1, 9) if isinstance(record, LogRecord)] == rows
        table = log.read_batch(1, 9).tables["Sale"]
        assert table["_offset"].to_pylist() == [1, 2, 3, 4, 5]
        assert table["a"].to_pylist() == [None, 1.0, 2.5, None, None]
        assert table["b"].to_pylist() == [None, None, "x", None, None]
        log.close()

    def test_a_batch_can_be_read_for_some_types_alone(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("a"), NewEvent("Refund", "r", NOW, {}), sale("b")], now=NOW)
        batch = log.read_batch(1, 10, types=["Refund"])
        assert list(batch.tables) == ["Refund"]
        assert batch.next == 4
        log.close()

    def test_it_is_the_same_log_after_reopening(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([sale("a")], now=NOW, positions={"p": 5})
        before = (log.read(1, 9), log.stats().types)
        log.close()
        log.close()
        again = self.open(tmp_path)
        assert (again.read(1, 9), again.stats().types) == before
        assert again.position("p") == 5
        assert again.append([sale("a"), sale("b")], now=NOW)[1].offset == 2
        again.close()

    def test_threads_append_in_one_order(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)

        def append(worker: int) -> None:
            for n in range(20):
                log.append([sale(f"{worker}-{n}-{i}") for i in range(3)] + [sale(f"shared-{n}")], now=NOW + n)

        threads = [threading.Thread(target=append, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        records = [record for record in log.read(1, 1000) if isinstance(record, LogRecord)]
        assert [record.offset for record in records] == list(range(1, 4 * 60 + 20 + 1))
        assert len({record.id for record in records}) == len(records)
        assert [record.arrived for record in records] == sorted(record.arrived for record in records)
        log.close()
