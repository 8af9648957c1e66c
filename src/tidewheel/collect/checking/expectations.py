"""Holding rows to what their event's declaration expects: one row at a time at the door, columns of a batch at once.

Both ways judge alike: a regular expression is Python's in both, and a null meets everything but a rate of nulls.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tidewheel.definitions.ir import Expectation, Source
from tidewheel.errors import ExpectationError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Mask = npt.NDArray[np.bool_]

ROW_KINDS = ("between", "in_set", "matches")
"""A row alone says whether it meets one of these."""
CLOCK_KINDS = ("fresh", "volume")
"""No row is to blame for these."""
AT = "at"


class RowExpectation(NamedTuple):
    """What a single row is held to at the door."""

    expectation: Expectation
    test: Callable[[Any], bool]
    personal: bool

    @property
    def name(self) -> str:
        """The expectation's name."""
        return self.expectation.name

    def met(self, columns: Mapping[str, object], at: int) -> bool:
        """Return whether a row meets it."""
        name = self.expectation.columns[0]
        value = at if name == AT else columns[name]
        return value is None or self.test(value)

    def reason(self, columns: Mapping[str, object], at: int) -> str:
        """Say why a row is refused."""
        name = self.expectation.columns[0]
        value = at if name == AT else columns[name]
        return refusal(self.expectation, "a personal value" if self.personal else repr(value))


def refusal(expectation: Expectation, found: str) -> str:
    """Return the reason why a row is put aside.

    Examples
    --------
    >>> refusal(Expectation("plausible", "between", ("amount",), low=0, high=10.0), "-3.0")
    "amount: found -3.0, expected 0 to 10.0 (expectation 'plausible')"
    """
    what = ", ".join(expectation.columns)
    return f"{what}: found {found}, expected {described(expectation)} (expectation '{expectation.name}')"


def described(expectation: Expectation) -> str:
    """Say in a few words what is expected."""
    kind = expectation.kind
    if kind == "between":
        low, high = expectation.low, expectation.high
        return f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
    if kind == "in_set":
        shown = ", ".join(map(repr, expectation.values[:5]))
        return f"one of {shown}" + (f" and {len(expectation.values) - 5} more" if len(expectation.values) > 5 else "")
    if kind == "fresh":
        return f"an event within {expectation.within / 1e6:g} s"
    return {
        "matches": f"a match of {expectation.pattern!r}",
        "null_rate": f"at most {expectation.limit:.3g} of nulls",
        "unique": "no two rows alike",
        "increasing": "values that do not fall",
        "volume": f"{expectation.low:g} to {expectation.high:g} times the usual number in this hour of the week"
        if kind == "volume"
        else "",
    }.get(kind, "what its function says")


def row_expectations(source: Source) -> tuple[RowExpectation, ...]:
    """Return what a row of `source` is refused for at the door; empty where nothing is declared."""
    personal = {column.name for column in source.columns if column.personal}
    return tuple(
        RowExpectation(expectation, _test(expectation), expectation.columns[0] in personal)
        for expectation in source.expects
        if expectation.kind in ROW_KINDS and expectation.policy != "warn"
    )


def _test(expectation: Expectation) -> Callable[[Any], bool]:
    low, high = expectation.low, expectation.high
    if expectation.kind == "in_set":
        return frozenset(expectation.values).__contains__
    if expectation.kind == "matches":
        match = re.compile(expectation.pattern).fullmatch
        return lambda value: match(value) is not None
    if low is None:
        return lambda value: bool(value <= high)
    if high is None:
        return lambda value: bool(value >= low)
    return lambda value: bool(low <= value <= high)


def failing(expectation: Expectation, batch: pa.Table) -> Mask:
    """Return which rows of a batch fail an expectation.

    Parameters
    ----------
    expectation : Expectation
        Of any kind that looks at rows.
    batch : pyarrow.Table
        Its columns in their canonical types, in order of arrival; the row's instant is ``_at``.

    Raises
    ------
    ExpectationError
        A custom function raised, or returned no answer for each row.
    """
    columns = [batch["_at" if name == AT else name] for name in expectation.columns]
    if batch.num_rows == 0:
        import numpy as np

        return np.zeros(0, np.bool_)
    return _FAILING[expectation.kind](expectation, columns)


def _masked(met: pa.ChunkedArray) -> Mask:
    """Return where a condition does not hold; null, where there was no value, holds."""
    import pyarrow.compute as pc

    holds: Mask = pc.fill_null(met, True).to_numpy()
    return ~holds


def _between(expectation: Expectation, columns: list[pa.ChunkedArray]) -> Mask:
    import pyarrow.compute as pc

    met = pc.is_valid(columns[0])
    bounds = ((expectation.low, pc.greater_equal), (expectation.high, pc.less_equal))
    for bound, holds in bounds:
        if bound is not None:
            met = pc.and_(met, pc.fill_null(holds(columns[0], bound), False))
    return _masked(pc.or_(met, pc.is_null(columns[0])))


def _by_value(expectation: Expectation, columns: list[pa.ChunkedArray]) -> Mask:
    """Test each different value once."""
    import numpy as np
    import pyarrow.compute as pc

    test = _test(expectation)
    coded = pc.dictionary_encode(columns[0]).combine_chunks()
    fine = np.array([test(value) for value in coded.dictionary.to_pylist()] + [True], np.bool_)
    found: Mask = ~fine[coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)]
    return found


def _null_rate(expectation: Expectation, columns: list[pa.ChunkedArray]) -> Mask:
    import pyarrow.compute as pc

    found: Mask = pc.is_null(columns[0]).to_numpy()
    return found


def _unique(expectation: Expectation, columns: list[pa.ChunkedArray]) -> Mask:
    import numpy as np

    codes, known = _codes(columns)
    index = np.flatnonzero(known)
    found = known.copy()
    found[index[np.unique(codes[index], return_index=True)[1]]] = False
    return found


def _increasing(expectation: Expectation, columns: list[pa.ChunkedArray]) -> Mask:
    import numpy as np

    # Not as float64: microseconds since 1970 do not fit.
    values = columns[0].fill_null(0).to_numpy()
    codes, known = _codes(columns[1:]) if len(columns) > 1 else (np.zeros(len(values), np.int64), True)
    index = np.flatnonzero(known & columns[0].is_valid().to_numpy())
    index = index[np.argsort(codes[index], kind="stable")]
    same = codes[index[1:]] == codes[index[:-1]]
    found = np.zeros(len(values), np.bool_)
    found[index[1:]] = same & (values[index[1:]] < values[index[:-1]])
    return found


def _check(expectation: Expectation, columns: list[pa.ChunkedArray]) -> Mask:
    import numpy as np

    rows, where = len(columns[0]), f"expectation '{expectation.name}'"
    try:
        with np.errstate(all="ignore"):
            fine = np.asarray(_function(expectation.name, expectation.source)(*map(_argument, columns)))
    except Exception as error:
        raise ExpectationError(f"its function raised {type(error).__name__}: {error}", where=where) from error
    if fine.shape not in ((), (rows,)) or fine.dtype.kind not in "b":
        raise ExpectationError(
            f"its function returned {fine.dtype} of shape {fine.shape} for {rows} rows",
            where=where,
            remedy="return True or False for each row, or one answer for all",
        )
    found: Mask = ~np.broadcast_to(fine, rows)
    return found


_FAILING: dict[str, Callable[[Expectation, list[Any]], Mask]] = {
    "between": _between,
    "in_set": _by_value,
    "matches": _by_value,
    "null_rate": _null_rate,
    "unique": _unique,
    "increasing": _increasing,
    "check": _check,
}


def _codes(columns: list[pa.ChunkedArray]) -> tuple[npt.NDArray[np.int64], Mask]:
    """Return a number for each row that is the same for the same values, and which rows have them all."""
    import numpy as np
    import pyarrow.compute as pc

    codes = np.zeros(len(columns[0]), np.int64)
    known = np.ones(len(codes), np.bool_)
    for column in columns:
        coded = pc.dictionary_encode(column).combine_chunks()
        known &= coded.is_valid().to_numpy(zero_copy_only=False)
        own = coded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        # Made dense again after each column, so that the product stays small.
        codes = np.unique(codes * (len(coded.dictionary) + 1) + own, return_inverse=True)[1].astype(np.int64)
    return codes, known


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    import numpy as np
    import pyarrow as pa

    found: npt.NDArray[np.float64] = column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy()
    return found


def _argument(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    import numpy as np
    import pyarrow as pa

    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), dtype=object)
    return _numbers(column)


@lru_cache(maxsize=1024)
def _function(name: str, source: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {"__builtins__": builtins, "__name__": f"expectation.{name}"}
    exec(compile(source, f"<expectation {name}>", "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    return function
