"""Derived functions: the user's Python over arrays, run from its frozen source.

A function gets one numpy array per argument, all of one length: numbers, booleans (1.0/0.0) and
times (microseconds) as float64 with NaN for null, strings as an object array of ``str`` or
``None``. It returns an array of that length: numbers or booleans, or strings for a text column.
It is the same function in serving, on arrays of length one.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.errors import FeatureError
from tidewheel.features.words import Texts, Words, canonical, hashes_of

Function = Callable[..., Any]
Strings = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.object_]]


@functools.lru_cache(maxsize=1024)
def load(name: str, source: str) -> Function:
    r"""Return the function `name` that `source` defines, in a namespace of its own.

    Raises
    ------
    FeatureError
        When the source does not run or does not define `name`.

    Examples
    --------
    >>> load("double", "def double(x):\n    return 2 * x\n")(21)
    42
    """
    namespace: dict[str, Any] = {"__builtins__": builtins, "__name__": f"derived.{name}"}
    try:
        exec(compile(source, f"<derived {name}>", "exec"), namespace)
        function: Function = namespace[name]
    except Exception as error:
        raise FeatureError(
            f"its source can't be run: {type(error).__name__}: {error}",
            where=f"derived '{name}'",
            remedy="a derived function may use what its module imports and defines at the top",
        ) from error
    return function


def call(name: str, function: Function, args: Sequence[npt.NDArray[Any]], text: bool, texts: Texts, rows: int) -> Words:
    """Call a derived function and return its result as words; strings it made are added to `texts`.

    Raises
    ------
    FeatureError
        When it raises, or returns anything but an array of one value per row.
    """
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(function(*args))
    except Exception as error:
        raise FeatureError(f"raised {type(error).__name__}: {error}", where=f"derived '{name}'") from error
    if result.shape != (rows,):
        raise FeatureError(
            f"returned shape {result.shape} for {rows} rows",
            where=f"derived '{name}'",
            remedy="return one value per row, as an array as long as the arguments",
        )
    return _texts(name, result, texts) if text else _numbers(name, result)


def _numbers(name: str, result: npt.NDArray[Any]) -> Words:
    if result.dtype.kind in "biuf":
        return canonical(result.astype(np.float64))
    try:
        values = [np.nan if value is None else float(value) for value in result.tolist()]
    except (TypeError, ValueError) as error:
        raise FeatureError(
            f"returned values of type {result.dtype} where numbers were expected",
            where=f"derived '{name}'",
            remedy="return numbers or booleans; annotate `-> str` for a text column",
        ) from error
    return canonical(np.array(values, np.float64))


def _texts(name: str, result: npt.NDArray[Any], texts: Texts) -> Words:
    values = result.tolist()
    odd = next((value for value in values if not (value is None or isinstance(value, str) or value != value)), None)
    if odd is not None:
        raise FeatureError(
            f"returned {odd!r} where a string was expected",
            where=f"derived '{name}'",
            remedy="return strings or None for a text column",
        )
    column = pa.array([value if isinstance(value, str) else None for value in values], pa.string())
    texts.add(column)
    return hashes_of(column).view(np.float64)
