"""A model that is a Python function: run from the source that its bundle holds, over the arrays that it learned.

The source came with the version, as a derived column's comes with a view; nothing is imported from the user's project
and nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError, FeatureError, ServingError
from tidewheel.features.derived import load

Floats = npt.NDArray[np.float64]
LEARNED = "learned."


def row_function(name: str, source: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Callable[[Floats], Floats]:
    r"""Return what runs a function for each row by itself: rows in, one number a row out.

    Parameters
    ----------
    name, source : str
        `source` defines `name`, which takes an array of shape (1, columns) and what was learned by name.
    arrays : mapping
        What was learned, as ``learned.<name>``.

    Raises
    ------
    CorruptError
        The source can't be run.

    Examples
    --------
    >>> run = row_function("score", "def score(x, by):\n    return x[:, 0] * by\n", {"learned.by": np.array(2.0)})
    >>> run(np.array([[1.0], [4.0]])).tolist()
    [2.0, 8.0]
    """
    try:
        function = load(name, source)
    except FeatureError as error:
        raise CorruptError(f"the model's function {name!r} can't be run: {error.message}") from error
    learned = {key.removeprefix(LEARNED): _fixed(array) for key, array in arrays.items() if key.startswith(LEARNED)}

    def one(row: Floats) -> float:
        try:
            with np.errstate(all="ignore"):
                told = np.asarray(function(row, **learned), np.float64)
        except Exception as error:
            raise ServingError(f"the model's function {name!r} raised {type(error).__name__}: {error}") from error
        if told.size != 1:
            raise ServingError(f"the model's function {name!r} gave {told.size} numbers for one row")
        return float(told.reshape(-1)[0])

    # Copies, since a function may write to what it is given.
    return lambda rows: np.array([one(rows[place : place + 1].copy()) for place in range(len(rows))], np.float64)


def _fixed(array: npt.NDArray[Any]) -> npt.NDArray[Any] | float:
    """Return a number, or an array that a function can't change for the calls after it."""
    if array.ndim == 0:
        number: float = array.item()
        return number
    own = array.view()
    own.flags.writeable = False
    return own
