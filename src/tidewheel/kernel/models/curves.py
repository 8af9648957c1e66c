"""Piecewise linear curves: isotonic calibration at serving time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidewheel.kernel._jit import Array, entry
from tidewheel.kernel.states.events import fixed

Floats = NDArray[np.float64]


def interpolate(x: Floats, xs: Floats, ys: Floats) -> Floats:
    """Interpolate as ``numpy.interp`` does; null (NaN) stays null.

    Parameters
    ----------
    x : float64[n]
    xs, ys : float64[k]
        The curve; `xs` not decreasing, k at least 1.

    Examples
    --------
    >>> interpolate(np.array([-1.0, 0.5, 9.0]), np.array([0.0, 1.0]), np.array([0.0, 10.0])).tolist()
    [0.0, 5.0, 10.0]
    """
    out = np.empty(len(x))
    _interpolate(fixed(x, np.float64), fixed(xs, np.float64), fixed(ys, np.float64), out)
    return out


@entry
def _interpolate(x: Array, xs: Array, ys: Array, out: Array) -> None:
    last = len(xs) - 1
    for i in range(len(x)):
        value = x[i]
        if value != value:
            out[i] = np.nan
        elif value >= xs[last]:
            out[i] = ys[last]
        elif value < xs[0]:
            out[i] = ys[0]
        else:
            low, high = 0, last
            while high - low > 1:
                middle = (low + high) >> 1
                if value >= xs[middle]:
                    low = middle
                else:
                    high = middle
            slope = (ys[low + 1] - ys[low]) / (xs[low + 1] - xs[low])
            out[i] = ys[low] if value == xs[low] else slope * (value - xs[low]) + ys[low]
