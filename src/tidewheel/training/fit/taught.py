"""Learning from a teacher: labels mixed with what it says, and soft labels as rows that any estimator takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tidewheel.errors import TrainingError
from tidewheel.training.fit.matrix import Matrix

Floats = npt.NDArray[np.float64]


def mixed(y: Floats, said: Floats, weight: float, temperature: float = 1.0, classes: bool = True) -> Floats:
    """Return ``(1 - weight) * y + weight * q``: labels and what a teacher says, together (Hinton et al. 2015).

    Parameters
    ----------
    y, said : float64 arrays
        Labels, and the teacher's scores of the same rows: probabilities where there are `classes`.
    weight : float
    temperature : float
        `q` is the sigmoid of the log odds of `said` divided by it.
    classes : bool

    Raises
    ------
    TrainingError
        The teacher of classes gives no probabilities.

    Examples
    --------
    >>> mixed(np.array([0.0, 1.0]), np.array([0.2, 0.8]), 0.5).tolist()
    [0.1, 0.9]
    >>> mixed(np.array([1.0]), np.array([0.8]), 1.0, temperature=2.0).round(6).tolist()
    [0.666667]
    """
    if classes and not (said.min() >= 0.0 and said.max() <= 1.0):
        raise TrainingError(
            f"the teacher gives scores from {said.min():.4g} to {said.max():.4g}, which are no probabilities",
            remedy="calibrate it, or name a version that predicts a probability",
        )
    if temperature != 1.0:
        with np.errstate(divide="ignore"):  # of a probability of 0 or 1 it is 0 or 1 at any temperature
            said = 1.0 / (1.0 + np.exp(-(np.log(said) - np.log1p(-said)) / temperature))
    return y if weight == 0.0 else np.asarray((1.0 - weight) * y + weight * said)


def as_taught(matrix: Matrix) -> Matrix:
    """Return the rows to fit on where `matrix` has targets; the matrix itself where it has none.

    A row of classes whose target ``t`` is neither 0 nor 1 becomes two: a positive of weight ``t`` and a negative of
    weight ``1 - t``. Log loss and squared error over them are those of the soft label (but for a constant), so every
    estimator that takes weights can learn it.

    Examples
    --------
    >>> x, target = np.array([[5.0], [6.0]]), np.array([0.25, 1.0])
    >>> rows = Matrix(x, np.array([0.0, 1.0]), np.ones(2), ["a"], [], target=target)
    >>> found = as_taught(rows)
    >>> found.x[:, 0].tolist(), found.y.tolist(), found.weight.tolist()
    ([5.0, 5.0, 6.0], [1.0, 0.0, 1.0], [0.25, 0.75, 1.0])
    """
    target = matrix.target
    if target is None:
        return matrix
    if not np.isin(matrix.y, (0.0, 1.0)).all() or target.min() < 0.0 or target.max() > 1.0:
        return replace(matrix, y=target, target=None)
    soft = (target > 0.0) & (target < 1.0)
    rows = np.repeat(np.arange(len(target)), 1 + soft)
    first = np.concatenate([[True], rows[1:] != rows[:-1]])[: len(rows)]
    taken, t, split = matrix.take(rows), target[rows], soft[rows]
    share = np.where(split, np.where(first, t, 1.0 - t), 1.0)
    y = np.where(split, first.astype(np.float64), t)
    return replace(taken, y=y, weight=taken.weight * share, target=None)
