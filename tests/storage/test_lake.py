"""The lake beyond its contract: compaction, many commits, columns as they come, two writers at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tidewheel.errors import ConflictError, CorruptError, FullError, NotFoundError, SchemaError, StorageError
from tidewheel.storage.lake import files as lake_files
from tidewheel.storage.lake.delta import DAY, Lake, dates_of
from tidewheel.storage.lake.upkeep import compact, drop_days, purge, replace_day

TABLE = "events/Sale"


def rows(n: int, count: int = 1) -> pa.Table:
    return pa.table({"_offset": list(range(n, n + count)), "_arrived": [n] * count})


def offsets(lake: Lake, **how: object) -> list[int]:
    return sorted(lake.scan(TABLE, ["_offset"], **how)["_offset"].to_pylist())  # type: ignore[arg-type]  # passed on as they are


def test_compaction_keeps_rows_positions_and_versions(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    for n in range(12):
        lake.append(TABLE, rows(n), position=("flush", n + 1))
    old = lake.version(TABLE)
    done = compact(lake, TABLE)
    assert (done["joined"], done["made"], done["deleted"]) == (12, 1, 0)
    assert offsets(lake) == list(range(12)) == offsets(lake, version=old)
    assert lake.position(TABLE, "flush") == 12
    assert compact(lake, TABLE, keep_hours=0)["deleted"] == 12
    assert offsets(lake) == list(range(12))


def test_a_day_is_replaced_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    for n in range(3):
        both = pa.table({"_offset": [2 * n, 2 * n + 1], "_arrived": [n * DAY, n * DAY], "who": ["anna-b", "other"]})
        lake.append(TABLE, both, position=("flush", n + 1))
    day = lake.scan(TABLE, where=pc.field("_date") == "1970-01-02")
    position = day.schema.get_field_index("who")
    replace_day(lake, TABLE, "1970-01-02", day.set_column(position, "who", pa.array([None, "other"])))
    assert drop_days(lake, TABLE, "1970-01-02") == 2
    assert drop_days(lake, TABLE, "1970-01-04", only="who = 'anna-b'") == 1
    assert purge(lake, TABLE) > 3
    assert lake.scan(TABLE, ["who"])["who"].drop_null().unique().to_pylist() == ["other"]
    assert lake.position(TABLE, "flush") == 3
    assert [file for file in tmp_path.rglob("*") if file.is_file() and b"anna-b" in file.read_bytes()] == []
    assert lake.append(TABLE, rows(9), position=("flush", 4))
    assert purge(Lake.open(tmp_path), TABLE) > 0
    assert offsets(Lake.open(tmp_path)) == [2, 3, 5, 9]


def test_more_commits_than_a_checkpoint_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake.open(tmp_path)
    # A hundred flushes of a busy disk take long, and are not what is looked at here.
    monkeypatch.setattr(lake_files, "flush_commits", lambda path, safe: safe)
    for n in range(105):
        lake.append(TABLE, rows(n), position=("flush", n + 1))
    again = Lake.open(tmp_path)
    assert offsets(again) == list(range(105))
    assert again.position(TABLE, "flush") == 105


def test_columns_are_taken_as_they_come(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    texts = pa.array(["SE", None, "NO"])
    table = rows(1, 3).append_column("a", texts.dictionary_encode()).append_column("b", texts.cast(pa.large_string()))
    lake.append(TABLE, table.append_column("c", texts.cast(pa.string_view())), position=("flush", 1))
    found = lake.scan(TABLE, ["a", "b", "c"])
    assert all(found[name].to_pylist() == ["SE", None, "NO"] for name in "abc")
    assert lake.schema(TABLE).field("a").type == pa.string()
    assert sum(batch.num_rows for batch in lake.batches(TABLE, ["a"], where=pc.field("a") == "SE")) == 1


def test_an_import_that_does_not_fit_is_told(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    lake.append(TABLE, rows(1).append_column("amount", pa.array([1.5])), position=("flush", 2))
    bad = pa.record_batch({"_row": [0], "_arrived": [1], "_import": ["f"], "amount": ["much"]})
    with pytest.raises(SchemaError):
        lake.write_import("Sale", "f", [bad])
    assert lake.import_rows("Sale", "f") == 0
    assert lake.write_import("Sale", "none", []) == 0


def test_two_writers_store_each_row_once(tmp_path: Path) -> None:
    def write() -> None:
        lake, done = Lake.open(tmp_path), 0
        while done < 15:
            done = lake.position(TABLE, "flush")
            try:
                lake.append(TABLE, rows(done), position=("flush", done + 1), expected=done)
            except ConflictError:
                continue

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lake = Lake.open(tmp_path)
    assert offsets(lake) == list(range(lake.position(TABLE, "flush")))


def test_readers_do_not_wait_for_a_long_import(tmp_path: Path) -> None:
    Lake.open(tmp_path).append(TABLE, rows(1), position=("flush", 2))
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[pa.RecordBatch]:
        begun.set()
        assert go_on.wait(30)
        yield pa.record_batch({"_row": [0], "_arrived": [1], "_import": ["f"]})

    thread = threading.Thread(target=lambda: Lake.open(tmp_path).write_import("Sale", "f", slowly()))
    thread.start()
    assert begun.wait(30)
    reader = Lake.open(tmp_path)
    assert offsets(reader) == [1]
    assert reader.count(TABLE) == 1
    go_on.set()
    thread.join()
    assert reader.import_rows("Sale", "f") == 1


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    lake.append(TABLE, rows(1), position=("flush", 2))
    for file in tmp_path.glob("events/Sale/**/*.parquet"):
        file.unlink()
    with pytest.raises(CorruptError):
        lake.scan(TABLE)


def test_a_damaged_table_is_not_taken_for_one_that_is_not_there(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    lake.append(TABLE, rows(1), position=("flush", 1))
    lake_files.commit_file(tmp_path / TABLE, 0).write_bytes(b"{")
    again = Lake.open(tmp_path)
    for use in (again.position, lambda *_: again.append(TABLE, rows(1), position=("flush", 1))):
        with pytest.raises(StorageError) as told:
            use(TABLE, "flush")
        assert not isinstance(told.value, NotFoundError)


def test_a_day_of_numbers_that_became_floats_is_replaced(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    lake.append(TABLE, rows(1).append_column("amount", pa.array([2])), position=("flush", 1))
    lake.append(TABLE, rows(2).append_column("amount", pa.array([1.5])), position=("flush", 2))
    day = lake.day(TABLE, "1970-01-01").sort_by("_offset")
    replace_day(lake, TABLE, "1970-01-01", day.slice(1))
    assert lake.day(TABLE, "1970-01-01").equals(day.slice(1))


@pytest.mark.parametrize("name", ["", "../elsewhere", "events/../../x"])
def test_a_table_stays_in_the_lake(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Lake.open(tmp_path).scan(name)


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file")
    with pytest.raises(Exception, match="lake") as told:
        Lake.open(tmp_path / "lake")
    assert not isinstance(told.value, FullError | OSError)


def test_an_old_table_without_its_note_is_taken_as_it_stands(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    lake.append(TABLE, rows(1), position=("flush", 2))
    (tmp_path / "events" / ".locks" / "Sale.safe").unlink()
    again = Lake.open(tmp_path)
    assert offsets(again) == [1]
    assert lake_files.safe_version(tmp_path / TABLE) == 0


def test_days_are_utc() -> None:
    assert dates_of(pa.array([0, 86_400_000_000 - 1, 86_400_000_000])).to_pylist() == [
        "1970-01-01",
        "1970-01-01",
        "1970-01-02",
    ]
