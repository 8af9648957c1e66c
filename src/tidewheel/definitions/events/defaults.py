"""Defaults of columns: which are allowed, and which an aggregate's state depends on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from tidewheel.definitions import ir
from tidewheel.errors import DefinitionError

Default = bool | int | float | str
_TYPES: dict[ir.Kind, type] = {
    "float": float, "int": int, "bool": bool, "category": str, "key": str, "text": str,
}  # fmt: skip
_LARGEST_WHOLE = 2**53


def with_default(column: ir.Column, value: object, *, personal: bool = False) -> ir.Column:
    """Return a column with a declared default (None is none).

    Raises
    ------
    DefinitionError
        The value is not of the column's kind, or the column can have no default.

    Examples
    --------
    >>> with_default(ir.Column("tip", "float"), 0).default
    0.0
    """
    if value is None:
        return column
    if column.nullable:
        raise DefinitionError("a column with a default is never null", remedy="remove '| None', or the default")
    if personal:
        raise DefinitionError(
            "a personal column can't have a default",
            remedy="write '| None': what is erased would be read as the default",
        )
    wanted = _TYPES.get(column.kind)
    if wanted is None:
        raise DefinitionError(f"a column of kind {column.kind} can't have a default", remedy="write '| None'")
    if wanted is float and type(value) is int and abs(value) <= _LARGEST_WHOLE:
        value = float(value)
    if type(value) is not wanted or not _is_value(value) or (column.kind == "key" and value == ""):
        raise DefinitionError(f"the default {value!r} is no value of a column of kind {column.kind}")
    return msgspec.structs.replace(column, default=value)


def _is_value(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or abs(value) <= _LARGEST_WHOLE


def defaults_read(
    sources: Mapping[str, ir.Source], source: ir.Source, paths: Iterable[ir.Path]
) -> tuple[tuple[str, Default], ...]:
    """Return the paths from a source's rows that lead to columns with a default, and that default.

    Examples
    --------
    >>> sale = ir.Source("Sale", (ir.Column("tip", "float", default=0.0), ir.Column("price", "float")))
    >>> defaults_read({}, sale, [("price",), ("tip",)])
    (('tip', 0.0),)
    """
    found: dict[str, Default] = {}
    for path in paths:
        here: ir.Source | None = source
        column = None
        for name in path:
            column = here.column(name) if here is not None else None
            here = sources.get(column.target or "") if column is not None else None
        if column is not None and column.default is not None:
            whole = type(column.default) is int  # one that was widened to floats is the same
            found[".".join(path)] = float(column.default) if whole else column.default
    return tuple(sorted(found.items()))
