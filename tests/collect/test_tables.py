from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from collect_sources import NOON, PAYMENT
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.collect.checking.checks import RowCheck
from tidewheel.collect.checking.columns import read_column
from tidewheel.collect.checking.tables import TableCheck
from tidewheel.collect.checking.values import (
    EARLIEST,
    LARGEST_WHOLE,
    LATEST,
    clock_oddity,
    local_to_utc,
    value_from_text,
)
from tidewheel.collect.checking.zones import clock_to_utc
from tidewheel.definitions.ir import Kind
from tidewheel.errors import FileError, SchemaError

ZONES = ["Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "UTC"]
whole = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([LARGEST_WHOLE, LARGEST_WHOLE + 1, -LARGEST_WHOLE]))
instants = st.one_of(st.integers(EARLIEST - 5, LATEST + 5), whole)
texts = st.one_of(st.text(max_size=4), st.sampled_from(["", "x" * 200, "x" * 201, "é" * 101, "y" * 65_537]))
few, unsigned = st.integers(-9, 9), st.integers(0, 2**64 - 1)
CELLS: dict[str, list[tuple[pa.DataType, st.SearchStrategy[Any]]]] = {
    "id": [(pa.string(), texts), (pa.int64(), whole), (pa.dictionary(pa.int32(), pa.string()), texts)],
    "card": [(pa.large_string(), texts), (pa.uint64(), unsigned), (pa.string_view(), texts)],
    "amount": [(pa.float64(), st.floats()), (pa.float32(), st.floats(width=32)), (pa.int64(), whole), (pa.int8(), few)],
    "country": [(pa.string(), texts), (pa.int16(), few)],
    "items": [(pa.int64(), whole), (pa.float64(), st.floats() | few.map(float)), (pa.uint64(), unsigned)],
    "online": [(pa.bool_(), st.booleans())],
    "due": [(pa.int64(), instants), (pa.timestamp("us", "UTC"), st.integers(EARLIEST, LATEST))],
    "note": [(pa.string(), texts), (pa.large_string(), texts)],
    "at": [(pa.int64(), instants), (pa.timestamp("ms", "Europe/Stockholm"), st.integers(-(10**12), 10**12))],
}  # fmt: skip


@st.composite
def batches(draw: st.DrawFn) -> pa.RecordBatch:
    rows = draw(st.integers(1, 4))
    arrays = {}
    for name, choices in CELLS.items():
        kind, values = draw(st.sampled_from(choices))
        cells = draw(st.lists(st.one_of(st.none(), values, values, values), min_size=rows, max_size=rows))
        arrays[name] = pa.array(cells, kind)
    return pa.RecordBatch.from_pydict(arrays)


def agree(check: TableCheck, batch: pa.RecordBatch, *, as_text: bool = False) -> None:
    found = check.check(batch, np.arange(1, len(batch) + 1), now=0)
    kept = {row.pop("_row"): row for row in found.table.to_pylist()}
    reasons = {int(bad.source.rpartition(" ")[2]): bad.reason for bad in found.bad}
    assert sorted([*kept, *reasons]) == list(range(1, len(batch) + 1))
    rows = RowCheck(PAYMENT, zone=check.zone)
    for number, row in enumerate(batch.to_pylist(), 1):
        try:
            columns, at = rows.values(row, as_text=as_text)
        except SchemaError as error:
            reason = str(error)
            assert reasons[number] == reason
        else:
            assert number in kept, reasons[number]
            assert kept[number] == {**columns, "_at": at, "_arrived": None}


@given(batches())
def test_tables_and_rows_are_judged_alike(batch: pa.RecordBatch) -> None:
    agree(TableCheck(PAYMENT, batch.schema), batch)


number_texts = st.one_of(
    st.floats().map(str),
    st.integers(-(2**65), 2**65).map(str),
    st.sampled_from(["1e5", "+1", ".5", "5.", " 7 ", "0x10", "1_000", "nan", "-inf", "1e999", "1,5", "٣", "3.0", ""]),
    st.sampled_from(["1" * 500, "007"]),
    st.text(max_size=3),
)
time_texts = st.one_of(
    st.datetimes().map(dt.datetime.isoformat),
    st.datetimes(timezones=st.timezones()).map(dt.datetime.isoformat),
    st.from_regex(r"\A\d{4}-[01]\d-[0-3]\d([T ][0-2]\d(:[0-6]\d(:[0-6]\d(\.\d{1,9})?)?)?)?(Z|z|[+-]\d\d(:?\d\d)?)?\Z"),
    st.integers(-(10**18), 10**18).map(str),
    st.sampled_from(["2013-03-31 02:30", "2013-10-27T02:30:00", "2013-01-01T00:00:00Z", "2013-01-01", "20130101"]),
)
bool_texts = st.one_of(st.sampled_from(["true", "False", " YES", "n", "0", "1", "2", "", "t"]), st.text(max_size=2))


@given(
    st.data(),
    st.sampled_from([("float", number_texts), ("int", number_texts), ("bool", bool_texts), ("time", time_texts)]),
    st.sampled_from([None, ZoneInfo("Europe/Stockholm")]),
)
def test_cells_of_text_are_read_alike(data: st.DataObject, what: tuple[Kind, Any], zone: ZoneInfo | None) -> None:
    kind, strategy = what
    cells = data.draw(st.lists(st.one_of(st.none(), strategy), min_size=1, max_size=4))
    read = read_column(kind, pa.array(cells, pa.string()), zone)
    for place, cell in enumerate(cells):
        bad = read.bad is not None and bool(read.bad[place])
        try:
            value = None if cell is None else value_from_text(kind, cell, zone)
        except SchemaError:
            assert bad, (cell, read.values[place])
        else:
            assert not bad, cell
            assert read.values[place].as_py() == value, cell


@given(st.data())
def test_rows_of_text_are_judged_alike(data: st.DataObject) -> None:
    row = st.fixed_dictionaries(
        {
            "id": st.sampled_from(["t1", ""]),
            "card": texts,
            "amount": number_texts,
            "country": texts,
            "items": number_texts,
            "online": bool_texts,
            "due": time_texts,
            "at": time_texts,
        }
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=3))
    batch = pa.RecordBatch.from_pylist(rows, pa.schema([(name, pa.string()) for name in rows[0]]))
    agree(TableCheck(PAYMENT, batch.schema, zone=ZoneInfo("Europe/Stockholm")), batch, as_text=True)


@given(st.sampled_from(ZONES), st.lists(st.integers(-(2 * 10**15), 4 * 10**15), max_size=20))
def test_clock_readings_turn_to_utc_alike(name: str, readings: list[int]) -> None:
    zone = ZoneInfo(name)
    found = clock_to_utc(np.array(readings, np.int64), zone)
    moments = [dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=reading) for reading in readings]
    assert found.instants.tolist() == [local_to_utc(moment, zone) for moment in moments]
    oddities = [clock_oddity(moment, zone) for moment in moments]
    assert (found.repeated, found.skipped) == (oddities.count("repeated"), oddities.count("skipped"))


@pytest.mark.parametrize(
    ("kind", "unit"), [("timestamp", "s"), ("timestamp", "ms"), ("timestamp", "us"), ("timestamp", "ns"), ("date", "")]
)
@pytest.mark.parametrize("day", [dt.datetime(2013, 3, 31, 2, 30), dt.datetime(2013, 10, 27, 2, 30)])
def test_the_stated_rule_for_odd_hours_holds_for_every_type(kind: str, unit: str, day: dt.datetime) -> None:
    zone = ZoneInfo("Europe/Stockholm")
    found = pa.array([day], pa.timestamp(unit)) if kind == "timestamp" else pa.array([day.date()])
    read = read_column("time", found, zone)
    moment = day if kind == "timestamp" else dt.datetime(day.year, day.month, day.day)
    assert read.values[0].as_py() == local_to_utc(moment, zone)
    assert read.repeated + read.skipped == (1 if kind == "timestamp" else 0)


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("amount", pa.array([True]), "column 'amount' is bool, but numbers are expected"),
        ("amount", pa.array([[1]]), "numbers are expected"),
        ("id", pa.array([1.5]), "column 'id' is double, but text is expected"),
        ("note", pa.array([1]), "column 'note' is int64, but text is expected"),
        ("online", pa.array([1]), "true and false are expected"),
        ("at", pa.array([1.5]), "times are expected"),
        ("at", pa.array([dt.datetime(2013, 1, 1)]), "holds times without a zone; say .* --timezone"),
        ("at", pa.array([dt.date(2013, 1, 1)]), "--timezone"),
    ],
)
def test_a_column_that_can_give_no_row_refuses_the_file(name: str, column: pa.Array, said: str) -> None:
    good = {"id": ["t1"], "card": ["c"], "amount": [1.0], "country": ["SE"], "at": [NOON]}
    with pytest.raises(FileError, match=said):
        TableCheck(PAYMENT, pa.table({**good, name: column}).schema)


def test_decimals_binaries_and_nulls_are_read() -> None:
    assert read_column("float", pa.array([Decimal("1.5")])).values.to_pylist() == [1.5]
    assert read_column("int", pa.array([Decimal("3.00"), Decimal("3.50")])).bad.tolist() == [False, True]  # type: ignore[union-attr]  # one is bad
    read = read_column("id", pa.array([b"a", b"\xff", b"", None], pa.binary()))
    assert read.bad is not None
    assert read.bad.tolist() == [False, True, True, False]
    assert read_column("time", pa.nulls(2)).values.type == pa.int64()


def test_the_reason_for_broken_text_and_missing_arrivals() -> None:
    cells = {"id": [b"t1", b"\xff"], "card": [b"c"] * 2, "amount": [b"1"] * 2, "country": [b"SE"] * 2}
    batch = pa.RecordBatch.from_pydict({**cells, "_arrived": [None, b"2013-01-01T00:00:00Z"]})
    found = TableCheck(PAYMENT, batch.schema).check(batch, np.arange(1, 3), now=0)
    assert [bad.reason for bad in found.bad] == ["_arrived: missing", "id: not valid Unicode text"]
