"""What a metric prepares once from a sample, so that a reweighting of it costs one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError


class State(NamedTuple):
    """Arguments of a compiled metric, without the counts.

    Attributes
    ----------
    arguments : tuple
        Arrays of one value a row, then parameters.
    order : array of int, optional
        Row of the sample at each place of the arrays, when they were sorted.
    """

    arguments: tuple[Any, ...]
    order: npt.NDArray[np.int64] | None = None

    def with_parameter(self, value: float) -> State:
        """Return the state with one more argument."""
        return State((*self.arguments, float(value)), self.order)

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.arguments[0].size)

    def value(self, function: Callable[..., float], name: str) -> float:
        """Return the metric of the sample itself.

        Raises
        ------
        MetricError
            When the metric is undefined: one class, or no spread.
        """
        value = float(function(*self.arguments, np.ones(self.size, dtype=np.uint16)))
        if np.isnan(value):
            raise MetricError(
                f"{name} is undefined here: the {self.size} labels are all alike",
                remedy="measure over a longer period",
            )
        return value
