"""What a learner is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Matrix:
    """What a learner is given.

    Attributes
    ----------
    x : float64 array, shape (n, columns)
        In order of time.
    y, weight : float64 arrays, shape (n,)
        Labels, and what a fit weighs each row by.
    columns : sequence of str
    categories : sequence of int
        Positions of the columns whose numbers are category codes.
    stands_for : float64 array, shape (n,), optional
        How many rows of the world each one stands for, where `weight` is something else (class weights,
        negatives that were down-sampled): what probabilities are calibrated by. Given, it makes calibration
        necessary.
    target : float64 array, shape (n,), optional
        What a fit learns in place of `y`, where a teacher has a say. Nothing is measured or calibrated by it.
    group : int64 array, shape (n,), optional
        The list of each row, numbered, for a model that ranks.
    """

    x: Floats
    y: Floats
    weight: Floats
    columns: Sequence[str]
    categories: Sequence[int]
    stands_for: Floats | None = None
    target: Floats | None = None
    group: npt.NDArray[np.int64] | None = None

    def take(self, rows: npt.NDArray[np.int64]) -> Matrix:
        """Return the matrix of some rows."""
        true, target = (None if part is None else part[rows] for part in (self.stands_for, self.target))
        return replace(
            self, x=self.x[rows], y=self.y[rows], weight=self.weight[rows], stands_for=true, target=target,
            group=None if self.group is None else self.group[rows],
        )  # fmt: skip

    def by_list(self) -> Matrix:
        """Return the rows with those of one list side by side, lists in order of their first rows."""
        if self.group is None:
            return self
        _, first, code = np.unique(self.group, return_index=True, return_inverse=True)
        return self.take(np.argsort(first[code], kind="stable"))

    @property
    def true_weight(self) -> Floats:
        """`stands_for`, or the weight where that is the same."""
        return self.weight if self.stands_for is None else self.stands_for
