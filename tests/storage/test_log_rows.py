"""The two ways to read the log (records, columns) agree, whatever the values."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.storage.log.chunks import MOST_BYTES, MOST_ROWS, split
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import LogRecord, NewEvent

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.floats(allow_nan=False) | st.none()
columns = st.fixed_dictionaries(
    {"text": texts | st.none(), "number": numbers, "whole": st.integers(-(2**63), 2**63 - 1) | st.none()},
    optional={"flag": st.booleans() | st.none(), "nothing": st.none()},
)
events = st.builds(NewEvent, st.sampled_from(["A", "B"]), texts, st.integers(0, 99), columns)
WIDE: dict[str, object] = {f"c{n}": None if n % 7 == 0 else [1.5, 3, "x" * n, True][n % 4] for n in range(200)}


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(events, max_size=6), max_size=6), start=st.integers(1, 20), limit=st.integers(1, 20))
def test_records_and_columns_agree(batches: list[list[NewEvent]], start: int, limit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog.open(Path(folder), sync="second")
        for batch in batches:
            log.append(batch, now=50)
        everything = [record for record in log.read(1, 1000) if isinstance(record, LogRecord)]
        kept = [event for batch in batches for event in batch]
        seen: dict[tuple[str, str], NewEvent] = {}
        for event in kept:
            seen.setdefault((event.type, event.id), event)
        assert [(r.type, r.id, r.columns) for r in everything] == [(e.type, e.id, e.columns) for e in seen.values()]
        assert all(r.at == min(seen[r.type, r.id].at, 50) for r in everything)
        assert log.read(start, limit) == everything[start - 1 : start - 1 + limit]
        found = log.read_batch(start, limit)
        rows = [
            (row["_offset"], type, row["_id"], row["_at"], row["_arrived"], row["_claimed_at"], row)
            for type, table in found.tables.items()
            for row in table.to_pylist()
        ]
        wanted = everything[start - 1 : start - 1 + limit]
        assert [row[:6] for row in sorted(rows, key=lambda row: row[0])] == [
            (r.offset, r.type, r.id, r.at, r.arrived, r.claimed_at) for r in wanted
        ]
        for row, record in zip(sorted(rows, key=lambda row: row[0]), wanted, strict=True):
            assert all(row[6][name] == value for name, value in record.columns.items())
        log.close()


def test_nan_and_infinity_are_kept(tmp_path: Path) -> None:
    log = EventLog.open(tmp_path)
    log.append([NewEvent("A", "a", 1, {"x": math.nan, "y": -math.inf})], now=1)
    table = log.read_batch(1, 1).tables["A"]
    assert math.isnan(table["x"].to_pylist()[0])
    assert table["y"].to_pylist() == [-math.inf]
    log.close()


def test_more_than_64_columns(tmp_path: Path) -> None:
    log = EventLog.open(tmp_path)
    log.append([NewEvent("A", "a", 1, WIDE)], now=1)
    [record] = log.read(1, 1)
    assert isinstance(record, LogRecord)
    assert record.columns == WIDE
    row = log.read_batch(1, 1).tables["A"].to_pylist()[0]
    assert {name: row[name] for name in WIDE} == WIDE
    log.close()


def test_chunks_are_bounded() -> None:
    rows = [b"x" * 8] * (MOST_ROWS * 2 + 1)
    assert [len(part) for part in split(rows)] == [MOST_ROWS, MOST_ROWS, 1]
    assert [len(part) for part in split([b"x" * MOST_BYTES] * 3)] == [1, 1, 1]
    assert list(split([])) == []


def test_another_process_reads_schemas_it_did_not_write(tmp_path: Path) -> None:
    log = EventLog.open(tmp_path)
    reader = EventLog.open(tmp_path)
    for n in range(5):
        log.append([NewEvent("A", str(n), 1, {f"c{n}": n})], now=1)
        assert reader.read(n + 1, 1) == log.read(n + 1, 1)
        assert reader.read_batch(n + 1, 1).tables["A"][f"c{n}"].to_pylist() == [n]
    log.close()
    reader.close()


def test_bad_rows_can_be_read_as_json(tmp_path: Path) -> None:
    log = EventLog.open(tmp_path)
    log.append([NewEvent("A", "a", 1, {"n": 2**80, "x": 1.5}), NewEvent("A", "\ud800", 1, {})], now=1)
    rows = [msgspec.json.decode(row.row) for row in log.bad_rows()]
    assert rows[0]["x"] == 1.5
    assert "ud800" in rows[1]["id"]
    log.close()
