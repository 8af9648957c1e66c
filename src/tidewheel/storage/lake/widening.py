"""Whole numbers that became floats: old files stay as they are, and new rows bring a column beside the old one.

A table whose column ``amount`` was made for whole numbers gets ``amount__float`` with the first row that is
declared as a float. Readers see one column ``amount`` of floats.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

WIDE = "__float"


def widened(rows: pa.Table, known: pa.Schema) -> pa.Table:
    """Return rows with floats, where the table has whole numbers, under the name of the column beside.

    Examples
    --------
    >>> widened(pa.table({"amount": [1.5]}), pa.schema([("amount", pa.int64())])).column_names
    ['amount__float']
    """
    return rows.rename_columns([_stored_name(field, known) for field in rows.schema])


def stored_names(names: Sequence[str], known: Collection[str]) -> list[str]:
    """Return the columns of a table that hold some columns of its readers."""
    return [stored for name in names for stored in (name, name + WIDE) if stored in known]


def read_names(known: Sequence[str]) -> list[str]:
    """Return the columns of a table as its readers see them."""
    return list(dict.fromkeys(name.removesuffix(WIDE) for name in known))


def joined(rows: pa.Table) -> pa.Table:
    """Return rows as readers see them.

    Examples
    --------
    >>> joined(pa.table({"amount": [2, None], "amount__float": [None, 1.5]})).to_pydict()
    {'amount': [2.0, 1.5]}
    """
    for wide in [name for name in rows.column_names if name.endswith(WIDE)]:
        name = wide.removesuffix(WIDE)
        if name in rows.column_names:
            both = pc.coalesce(rows[name].cast(pa.float64()), rows[wide].cast(pa.float64()))
            rows = rows.set_column(rows.column_names.index(name), name, both).drop_columns([wide])
        else:
            rows = rows.rename_columns([name if column == wide else column for column in rows.column_names])
    return rows


def _stored_name(field: pa.Field, known: pa.Schema) -> str:
    name: str = field.name
    narrow = name in known.names and pa.types.is_integer(known.field(name).type)
    return name + WIDE if narrow and pa.types.is_floating(field.type) else name
