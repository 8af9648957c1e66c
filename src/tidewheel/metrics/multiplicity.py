"""Many questions at once: what stays beyond chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Return the false discovery rate at which each of many hypotheses would be rejected (Benjamini, Hochberg 1995).

    Rejecting those at or below 0.05 keeps the expected share of false rejections at 5%, where tests are
    independent or positively dependent.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.02, 0.9]).round(3).tolist()
    [0.03, 0.03, 0.9]
    """
    values = np.asarray(p, dtype=np.float64)
    if not values.size:
        return values
    order = np.argsort(values, kind="stable")
    scaled = values[order] * values.size / np.arange(1, values.size + 1)
    rates = np.minimum.accumulate(scaled[::-1])[::-1]
    found = np.empty_like(values)
    found[order] = np.minimum(rates, 1.0)
    return found
