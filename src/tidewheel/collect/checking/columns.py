"""One Arrow column to one declared column: canonical values, and which rows hold what they may not.

Each reader does for a column what `values.checked_value` does for a value. Where Arrow's own parsing
refuses a whole column because of one cell, the cells are read one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.checking.values import (
    EARLIEST,
    FALSE_WORDS,
    KEY_KINDS,
    LARGEST_WHOLE,
    LATEST,
    LONGEST_KEY,
    LONGEST_TEXT,
    TRUE_WORDS,
    WHOLE_AS_TEXT,
    clock_oddity,
    time_from_text,
    value_from_text,
)
from tidewheel.collect.checking.zones import clock_to_utc
from tidewheel.definitions.ir import TEXT_KINDS, Column, Kind
from tidewheel.errors import SchemaError

Values = TypeVar("Values", pa.Array, pa.ChunkedArray)
Mask = npt.NDArray[np.bool_]
_MICROSECONDS = r"^-?[0-9]{15,18}$"
"""As in `values.instant_from_text`."""
_TICKS = {"s": 1_000_000, "ms": 1_000, "us": 1}


class ColumnRead(NamedTuple):
    """A column in its canonical type; `bad` marks values that may not stand (None: all may)."""

    values: pa.Array
    bad: Mask | None = None
    repeated: int = 0
    skipped: int = 0


def arrow_type(kind: Kind) -> pa.DataType:
    """Return the canonical Arrow type of a column of this kind; times are int64 microseconds."""
    if kind in TEXT_KINDS:
        return pa.string()
    return {"float": pa.float64(), "bool": pa.bool_()}.get(kind, pa.int64())


def with_default(values: Values, column: Column | None) -> Values:
    """Return a column's values with its default where they are null: what a row that came without one has.

    Examples
    --------
    >>> with_default(pa.array([1.5, None]), Column("tip", "float", default=0.0)).to_pylist()
    [1.5, 0.0]
    """
    if column is None or column.default is None or not values.null_count:
        return values
    type = arrow_type(column.kind)
    return values.cast(type).fill_null(pa.scalar(column.default, type))


def type_problem(kind: Kind, found: pa.DataType, zone: ZoneInfo | None) -> str:
    """Say why a file's column of type `found` can't give a column of this kind at all ("" when it can)."""
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_null(found) or _is_text(found):
        return ""
    if kind in TEXT_KINDS:
        fine = pa.types.is_integer(found) and kind in WHOLE_AS_TEXT
        return "" if fine else f"is {found}, but text is expected"
    if kind == "bool":
        return "" if pa.types.is_boolean(found) else f"is {found}, but true and false are expected"
    if kind == "time":
        return _time_problem(found, zone)
    numeric = pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_decimal(found)
    return "" if numeric else f"is {found}, but numbers are expected"


def read_column(kind: Kind, found: pa.Array, zone: ZoneInfo | None = None) -> ColumnRead:
    """Read an Arrow array as a column of this kind. `type_problem` must have said "" for its type."""
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    if pa.types.is_null(found.type):
        return ColumnRead(pa.nulls(len(found), arrow_type(kind)))
    if kind in TEXT_KINDS:
        return _read_text(kind, found)
    if _is_text(found.type):
        return _read_cells(kind, found, zone)
    if kind == "time":
        return _read_time(found, zone)
    if kind == "bool":
        return ColumnRead(found)
    return _read_number(kind, found)


def _is_text(found: pa.DataType) -> bool:
    return found in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary())


def _time_problem(found: pa.DataType, zone: ZoneInfo | None) -> str:
    if pa.types.is_integer(found):
        return ""
    if not (pa.types.is_timestamp(found) or pa.types.is_date(found)):
        return f"is {found}, but times are expected (timestamps, RFC 3339 text or whole microseconds)"
    if zone is None and (pa.types.is_date(found) or found.tz is None):
        return "holds times without a zone; say which clock they were read off with --timezone"
    return ""


def _read_text(kind: Kind, found: pa.Array) -> ColumnRead:
    if pa.types.is_integer(found.type):
        found = found.cast(pa.string())
    values, bad = _as_string(found)
    sizes = pc.binary_length(values)
    most = LONGEST_KEY if kind in KEY_KINDS else LONGEST_TEXT
    wrong = pc.greater(sizes, most)
    if kind in KEY_KINDS:
        wrong = pc.or_(wrong, pc.equal(sizes, 0))
    return ColumnRead(values, _either(bad, _mask(wrong)))


def _as_string(found: pa.Array) -> tuple[pa.Array, Mask | None]:
    try:
        return found.cast(pa.string()), None
    except pa.ArrowInvalid:
        cells = [cell if cell is None else _decoded(cell) for cell in found.to_pylist()]
        wrong = np.array([cell is False for cell in cells])
        return pa.array([None if cell is False else cell for cell in cells], pa.string()), wrong


def _decoded(cell: bytes | str) -> str | bool:
    try:
        return cell.decode() if isinstance(cell, bytes) else cell
    except UnicodeDecodeError:
        return False


def _read_number(kind: Kind, found: pa.Array) -> ColumnRead:
    if pa.types.is_integer(found.type):
        return ColumnRead(found.cast(arrow_type(kind), safe=False), _beyond(found))
    numbers = found.cast(pa.float64())
    if kind == "float":
        return ColumnRead(numbers, _mask(pc.invert(pc.is_finite(numbers))))
    return _whole_numbers(numbers)


def _beyond(found: pa.Array) -> Mask | None:
    """Where whole numbers are beyond what float64 counts without gaps."""
    if found.type.bit_width < 64:
        return None
    wrong = pc.greater(found, pa.scalar(LARGEST_WHOLE, found.type))
    if found.type == pa.int64():
        wrong = pc.or_(wrong, pc.less(found, -LARGEST_WHOLE))
    return _mask(wrong)


def _whole_numbers(numbers: pa.Array) -> ColumnRead:
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less_equal(pc.abs(numbers), float(LARGEST_WHOLE)))
    bad = _mask(pc.invert(whole))
    kept = numbers if bad is None else pc.if_else(whole, numbers, 0.0)
    return ColumnRead(kept.cast(pa.int64()), bad)


def _read_cells(kind: Kind, found: pa.Array, zone: ZoneInfo | None) -> ColumnRead:
    """Read the text of a column; first with Arrow's parsers, then, if they refuse a cell, cell by cell."""
    cells, bad = _as_string(found)
    try:
        read = _PARSERS[kind](cells, zone)
    except pa.ArrowInvalid:
        read = _cell_by_cell(kind, cells, zone)
    return read._replace(bad=_either(bad, read.bad))


def _cell_by_cell(kind: Kind, cells: pa.Array, zone: ZoneInfo | None) -> ColumnRead:
    values: list[object] = []
    wrong = np.zeros(len(cells), np.bool_)
    oddities = {"": 0, "repeated": 0, "skipped": 0}
    for position, cell in enumerate(cells.to_pylist()):
        try:
            values.append(None if cell is None else value_from_text(kind, cell, zone))
            if kind == "time" and zone is not None and cell is not None:
                oddities[_oddity(cell, zone)] += 1
        except SchemaError:
            values.append(None)
            wrong[position] = True
    array = pa.array(values, arrow_type(kind))
    return ColumnRead(array, wrong if wrong.any() else None, oddities["repeated"], oddities["skipped"])


def _oddity(cell: str, zone: ZoneInfo) -> str:
    try:
        moment = time_from_text(cell.strip())
    except SchemaError:
        return ""  # digits: microseconds, which no clock repeats
    return clock_oddity(moment, zone) if moment.tzinfo is None else ""


def _parse_floats(cells: pa.Array, zone: ZoneInfo | None) -> ColumnRead:
    return _read_number("float", cells.cast(pa.float64()))


def _parse_wholes(cells: pa.Array, zone: ZoneInfo | None) -> ColumnRead:
    # Arrow reads 0x10 as sixteen; nobody writes that in a file of events.
    if pc.any(pc.match_substring(cells, "x", ignore_case=True)).as_py():
        raise pa.ArrowInvalid("hexadecimal")
    try:
        return _read_number("int", cells.cast(pa.int64()))
    except pa.ArrowInvalid:
        return _whole_numbers(cells.cast(pa.float64()))


def _parse_bools(cells: pa.Array, zone: ZoneInfo | None) -> ColumnRead:
    words = pc.ascii_lower(pc.utf8_trim_whitespace(cells))
    true, false = (pc.is_in(words, pa.array(sorted(choice))) for choice in (TRUE_WORDS, FALSE_WORDS))
    bad = _mask(pc.and_(pc.invert(pc.or_(true, false)), pc.is_valid(cells)))
    return ColumnRead(pc.if_else(pc.is_valid(cells), true, None), bad)


def _parse_times(cells: pa.Array, zone: ZoneInfo | None) -> ColumnRead:
    if pc.all(pc.match_substring_regex(cells, _MICROSECONDS)).as_py():
        return _read_time(cells.cast(pa.int64()), zone)
    # Arrow takes some forms that one value may not have, all of them shorter than a full date and minutes.
    if pc.any(pc.less(pc.binary_length(cells), 16)).as_py():
        return _cell_by_cell("time", cells, zone)
    try:
        return _read_time(cells.cast(pa.timestamp("us", "UTC")), zone)
    except pa.ArrowInvalid:
        if zone is None:
            raise
        return _read_time(cells.cast(pa.timestamp("us")), zone)


_PARSERS: dict[str, Callable[[pa.Array, ZoneInfo | None], ColumnRead]] = {
    "float": _parse_floats,
    "int": _parse_wholes,
    "bool": _parse_bools,
    "time": _parse_times,
}


def _read_time(found: pa.Array, zone: ZoneInfo | None) -> ColumnRead:
    valid = found.is_valid().to_numpy(zero_copy_only=False)
    ticks, wrong = _microseconds(found)
    naive = pa.types.is_date(found.type) or (pa.types.is_timestamp(found.type) and found.type.tz is None)
    repeated = skipped = 0
    if naive and zone is not None:
        usable = valid & ~wrong
        converted = clock_to_utc(ticks[usable], zone)
        ticks = ticks.copy()
        ticks[usable], repeated, skipped = converted
        wrong |= (ticks < EARLIEST) | (ticks > LATEST)
    wrong &= valid
    return ColumnRead(pa.array(ticks, mask=~valid), wrong if wrong.any() else None, repeated, skipped)


def _microseconds(found: pa.Array) -> tuple[npt.NDArray[np.int64], Mask]:
    """Ticks of any time type in microseconds (0 where null), and where they leave the years 1 to 9999."""
    if pa.types.is_date32(found.type):
        found, scale, divide = (
            found.cast(pa.int32()).cast(pa.int64()),
            timedelta(days=1) // timedelta(microseconds=1),
            1,
        )
    elif pa.types.is_date64(found.type):
        found, scale, divide = found.cast(pa.int64()), 1000, 1
    elif pa.types.is_timestamp(found.type):
        unit = found.type.unit
        found, scale, divide = found.cast(pa.int64()), _TICKS.get(unit, 1), 1000 if unit == "ns" else 1
    else:
        scale = divide = 1
        if found.type == pa.uint64():
            found = pc.min_element_wise(found, pa.scalar(LATEST + 1, pa.uint64()), skip_nulls=False)
        found = found.cast(pa.int64())
    ticks = found.fill_null(0).to_numpy(zero_copy_only=False) // divide
    wrong = (ticks < EARLIEST // scale) | (ticks > LATEST // scale)
    return np.where(wrong, 0, ticks) * scale, wrong


def _mask(wrong: pa.Array) -> Mask | None:
    """Turn an Arrow mask into numpy's (null is False); None when no value is marked."""
    if not pc.any(wrong).as_py():
        return None
    return wrong.fill_null(False).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]  # pyarrow has no types


def _either(left: Mask | None, right: Mask | None) -> Mask | None:
    if left is None or right is None:
        return left if right is None else right
    return left | right
