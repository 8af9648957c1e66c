# ruff: noqa: D102 (a test says by its name what is promised)
"""What every lake must do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tidewheel.errors import ConflictError, NotFoundError, SchemaError
from tidewheel.storage.protocols import HistoryLake

TABLE = "events/Sale"
DAY = 86_400_000_000


def rows(first: int, count: int, **more: list[object]) -> pa.Table:
    """Return rows with rising offsets, one arrival a day."""
    offsets = list(range(first, first + count))
    return pa.table(
        {"amount": [float(n) for n in offsets], "_offset": offsets, "_arrived": [n * DAY for n in offsets], **more}
    )


def batches(count: int, of: int, import_id: str = "file") -> Iterator[pa.RecordBatch]:
    """Yield batches of an import."""
    for n in range(count):
        places = list(range(n * of, n * of + of))
        yield pa.record_batch({"_row": places, "_arrived": [7] * of, "_import": [import_id] * of, "amount": [1.0] * of})


class LakeContract:
    """Subclass with `open`; each test gets an empty folder."""

    def open(self, folder: Path) -> HistoryLake:
        """Open the lake in a folder; called again, it opens the same one."""
        raise NotImplementedError

    def offsets(self, lake: HistoryLake, **how: object) -> list[int]:
        """Sorted offsets of the table."""
        return sorted(lake.scan(TABLE, ["_offset"], **how)["_offset"].to_pylist())  # type: ignore[arg-type]  # passed on as they are

    def test_nothing_is_there_at_first(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        assert lake.tables() == []
        assert lake.version(TABLE) == -1
        assert lake.position(TABLE, "flush") == 0
        with pytest.raises(NotFoundError):
            lake.scan(TABLE)

    def test_a_table_that_was_dropped_begins_anew(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        lake.drop(TABLE)
        lake.append(TABLE, rows(1, 3), position=("flush", 4))
        lake.append("events/Other", rows(1, 2), position=("flush", 4))
        lake.drop(TABLE)
        assert (lake.tables(), lake.version(TABLE)) == (["events/Other"], -1)
        assert self.open(tmp_path).position(TABLE, "flush") == 0
        assert lake.append(TABLE, rows(4, 1), position=("flush", 2))
        assert self.offsets(lake) == [4]

    def test_rows_are_stored_once_by_position(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        assert lake.append(TABLE, rows(1, 3), position=("flush", 4))
        assert not lake.append(TABLE, rows(1, 3), position=("flush", 4))
        assert not lake.append(TABLE, rows(1, 2), position=("flush", 3))
        assert lake.append(TABLE, rows(4, 2), position=("flush", 6), expected=4)
        with pytest.raises(ConflictError):
            lake.append(TABLE, rows(9, 2), position=("flush", 11), expected=9)
        assert lake.append(TABLE, rows(20, 1), position=("other", 1))
        assert self.offsets(lake) == [1, 2, 3, 4, 5, 20]
        again = self.open(tmp_path)
        assert again.position(TABLE, "flush") == 6
        assert not again.append(TABLE, rows(4, 2), position=("flush", 6))
        assert again.tables() == [TABLE]

    def test_rows_lie_by_day_of_arrival(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        lake.append(TABLE, rows(0, 3), position=("flush", 3))
        found = lake.scan(TABLE, ["_offset", "_date"], where=pc.field("_date") >= "1970-01-02")
        assert sorted(found["_date"].to_pylist()) == ["1970-01-02", "1970-01-03"]
        assert 2 in self.offsets(lake, among=[("_date", ">=", "1970-01-02"), ("_offset", ">", 1)])
        assert self.offsets(lake, among=[("_date", "=", "1970-01-09")]) == []

    def test_columns_and_rows_can_be_chosen(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        lake.append(TABLE, rows(1, 9), position=("flush", 10))
        found = lake.scan(TABLE, ["amount", "absent"], where=pc.field("_offset") < 3)
        assert found.column_names == ["amount", "absent"]
        assert sorted(found["amount"].to_pylist()) == [1.0, 2.0]
        assert found["absent"].null_count == 2

    def test_new_columns_are_added_and_null_before(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        lake.append(TABLE, rows(1, 1, unknown=[None]), position=("flush", 2))
        lake.append(TABLE, rows(2, 1, country=["SE"], unknown=[4]), position=("flush", 3))
        lake.append(TABLE, rows(3, 1), position=("flush", 4))
        found = lake.scan(TABLE, ["_offset", "country", "unknown"]).sort_by("_offset")
        assert found["country"].to_pylist() == [None, "SE", None]
        assert found["unknown"].to_pylist() == [None, 4, None]

    def test_a_column_keeps_its_type(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        lake.append(TABLE, rows(1, 1), position=("flush", 2))
        lake.append(TABLE, rows(2, 1).set_column(0, "amount", pa.array([3])), position=("flush", 3))
        bad = rows(3, 1).set_column(0, "amount", pa.array(["three"]))
        with pytest.raises(SchemaError):
            lake.append(TABLE, bad, position=("flush", 4))
        assert lake.position(TABLE, "flush") == 3
        assert sorted(lake.scan(TABLE, ["amount"])["amount"].to_pylist()) == [1.0, 3.0]

    def test_an_old_version_can_be_read(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        lake.append(TABLE, rows(1, 2), position=("flush", 3))
        old = lake.version(TABLE)
        lake.append(TABLE, rows(3, 2), position=("flush", 5))
        assert lake.version(TABLE) > old
        assert self.offsets(lake, version=old) == [1, 2]
        with pytest.raises(NotFoundError):
            lake.scan(TABLE, version=99)

    def test_a_file_is_staged_once(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        assert lake.write_import("Sale", "file", batches(3, 5)) == 15
        assert lake.write_import("Sale", "file", batches(3, 5)) == 15
        assert lake.write_import("Sale", "other", batches(1, 2, "other")) == 2
        found = lake.scan(TABLE, ["_row"], where=pc.field("_import") == "file")
        assert sorted(found["_row"].to_pylist()) == list(range(15))

    def test_a_file_that_breaks_off_leaves_nothing(self, tmp_path: Path) -> None:
        lake = self.open(tmp_path)
        lake.append(TABLE, rows(1, 1), position=("flush", 2))

        def broken() -> Iterator[pa.RecordBatch]:
            yield from batches(2, 5)
            raise ValueError("row 11")

        with pytest.raises(Exception, match="row 11"):
            lake.write_import("Sale", "file", broken())
        assert lake.scan(TABLE, ["_offset"]).num_rows == 1
        assert lake.write_import("Sale", "file", batches(3, 5)) == 15
