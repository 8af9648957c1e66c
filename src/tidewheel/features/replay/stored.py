"""Point-in-time join of stored features: tables of values with the time from which each row held.

For features that something else has computed. A row of such a table holds from its own time until the next row of the
same entity. Sorted once by entity and time, each label row finds its values by bisection: no pairs are made, so a hot
entity costs no more than the others, and every label row comes out, once, where it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.errors import FeatureError
from tidewheel.features.words import one_array
from tidewheel.kernel import count_visible, group_sorted

Ints = npt.NDArray[np.int64]
PRESENT, EXPIRED, MISSING = "present", "expired", "missing"
DENSE = 4
"""Whole-number keys whose range is at most so many times the rows are their own codes."""


def join_as_of(
    rows: pa.Table,
    table: pa.Table,
    by: str | Sequence[str],
    *,
    at: str = "at",
    ttl: int | None = None,
    strict: bool = False,
    age: str = "",
    status: str = "",
) -> pa.Table:
    """Lay beside each row the values that stood in `table` at its time.

    Parameters
    ----------
    rows : pyarrow.Table
        Label rows: the key columns and `at`. They come out one for one, in their order, whatever is missing.
    table : pyarrow.Table
        Feature rows: the key columns, `at`, and the values. In any order; of two rows with one key and time the later
        one in the table wins.
    by : str or sequence of str
        The key columns, of the same name and type in both. A null key matches nothing.
    at : str
        The time column of both: timestamps with a zone, or int64 microseconds.
    ttl : int, optional
        Microseconds for which a value may be used; one exactly so old still is. Older ones come out null.
    strict : bool
        Leave out values of the row's very time, which otherwise count.
    age, status : str
        Names for two more columns: the value's age in seconds; ``present``, ``expired`` or ``missing``.

    Returns
    -------
    pyarrow.Table
        The columns of `rows`, then the values, then age and status where asked for.

    Raises
    ------
    FeatureError
        A column is missing, is there twice, or a time has no zone or is null.

    Examples
    --------
    >>> labels = pa.table({"card": ["a", "b", "a"], "at": [10, 10, 4]})
    >>> limits = pa.table({"card": ["a", "a"], "at": [5, 10], "limit": [100.0, 250.0]})
    >>> join_as_of(labels, limits, "card", status="known").drop_columns(["at"]).to_pydict()
    {'card': ['a', 'b', 'a'], 'limit': [250.0, None, None], 'known': ['present', 'missing', 'missing']}
    """
    keys = [by] if isinstance(by, str) else list(by)
    values = [name for name in table.column_names if name not in (*keys, at)]
    _check(rows, table, keys, at, [*values, *(name for name in (age, status) if name)])
    asked, held = _instants(rows, at, "the rows"), _instants(table, at, "the table")
    asked_codes, held_codes, n_codes = _codes(rows, table, keys)
    found = _newest(held_codes, held, asked_codes, asked, n_codes, inclusive=not strict)
    known = found >= 0
    ages = asked - held[np.where(known, found, 0)] if len(held) else np.zeros(len(asked), np.int64)
    alive = known if ttl is None else known & (ages <= ttl)
    take = pa.array(found, mask=~alive)
    columns = {name: rows[name] for name in rows.column_names}
    columns |= {name: one_array(table[name]).take(take) for name in values}
    if age:
        columns[age] = pa.array(ages / 1e6, mask=~known)
    if status:
        columns[status] = _status(known, alive)
    return pa.table(columns)


def _newest(held_codes: Ints, held: Ints, codes: Ints, asked: Ints, n_codes: int, *, inclusive: bool) -> Ints:
    """Return the row of the newest value that each asker sees; -1 for none."""
    found = np.full(len(asked), -1)
    keyed = np.flatnonzero(codes >= 0)
    order = np.flatnonzero(held_codes >= 0)
    if len(order) < len(held):
        held_codes, held = held_codes[order], held[order]
    if not len(held):
        return found
    permutation, starts, times = group_sorted(held_codes, held, n_codes)
    codes, asked = codes[keyed], asked[keyed]
    seen = count_visible(starts, times, codes, asked, inclusive=inclusive)
    some = seen > 0
    place = permutation[starts[codes[some]] + seen[some] - 1]
    found[keyed[some]] = place if len(order) == len(permutation) and order[-1] == len(order) - 1 else order[place]
    return found


def _codes(rows: pa.Table, table: pa.Table, keys: Sequence[str]) -> tuple[Ints, Ints, int]:
    """Return each row's entity as a number, the same in both tables; -1 where a part of the key is null."""
    n = rows.num_rows
    codes = np.zeros(n + table.num_rows, np.int64)
    size = 1
    for key in keys:
        part, more = _part_codes(one_array(rows[key]), one_array(table[key]), key)
        if size * more >= 1 << 62:
            codes, size = _compact(codes)
        codes = np.where((codes < 0) | (part < 0), -1, codes * more + part) if len(keys) > 1 else part
        size *= more
    if size > DENSE * max(len(codes), 1):
        codes, size = _compact(codes)
    return codes[:n], codes[n:], size


def _compact(codes: Ints) -> tuple[Ints, int]:
    """Return codes numbered from 0 without gaps, and how many there are; -1 stays."""
    known, compact = np.unique(codes, return_inverse=True)
    nulls = int(len(known) > 0 and known[0] < 0)
    return compact.astype(np.int64) - nulls, len(known) - nulls


def _part_codes(asked: pa.Array, held: pa.Array, key: str) -> tuple[Ints, int]:
    if asked.type != held.type:
        raise FeatureError(
            f"'{key}' is {asked.type} in the rows and {held.type} in the table", remedy=f"cast one to {held.type}"
        )
    both = pa.concat_arrays([asked, held])
    if pa.types.is_integer(both.type) and both.null_count == 0 and len(both):
        least, most = (int(edge.as_py()) for edge in pc.min_max(both).values())
        if most - least < DENSE * len(both):
            return both.to_numpy().astype(np.int64) - least, most - least + 1
    encoded = both.dictionary_encode()
    return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64), max(
        len(encoded.dictionary), 1
    )


def _instants(table: pa.Table, at: str, whose: str) -> Ints:
    column = one_array(table[at])
    if column.null_count:
        raise FeatureError(f"{column.null_count} nulls in the time column '{at}' of {whose}", remedy="leave them out")
    if pa.types.is_timestamp(column.type):
        if column.type.tz is None:
            raise FeatureError(
                f"the times '{at}' of {whose} have no zone",
                remedy="say which with pyarrow.compute.assume_timezone",
            )
        column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    if column.type != pa.int64():
        raise FeatureError(
            f"the time column '{at}' of {whose} is {column.type}", remedy="give timestamps or int64 microseconds"
        )
    return np.ascontiguousarray(column.to_numpy())


def _status(known: npt.NDArray[np.bool_], alive: npt.NDArray[np.bool_]) -> pa.Array:
    codes = np.where(alive, 0, np.where(known, 1, 2)).astype(np.int8)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([PRESENT, EXPIRED, MISSING])).cast(pa.string())


def _check(rows: pa.Table, table: pa.Table, keys: Sequence[str], at: str, added: Sequence[str]) -> None:
    for whose, columns in (("the rows", rows.column_names), ("the table", table.column_names)):
        missing = [name for name in (*keys, at) if name not in columns]
        if missing:
            raise FeatureError(f"{whose} lack {', '.join(missing)}", remedy=f"there are {', '.join(columns)}")
    taken = [name for name in added if name in rows.column_names]
    twice = taken or [name for name in added if added.count(name) > 1]
    if twice:
        raise FeatureError(f"two columns would be called '{twice[0]}'", remedy="rename one")
