"""Which worker gets which rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def deal(y: Floats, workers: int) -> list[Ints]:
    """Deal rows in order of their labels, one to each worker in turn; a worker's own are in their old order.

    So each worker has the same share of each class, or of each range of a number, and of each time.

    Parameters
    ----------
    y : float64 array, shape (n,)
        Labels.
    workers : int

    Examples
    --------
    >>> [rows.tolist() for rows in deal(np.array([0.0, 1.0, 0.0, 1.0, 0.0]), 2)]
    [[0, 3, 4], [1, 2]]
    """
    turn = np.empty(len(y), np.int64)
    turn[np.argsort(y, kind="stable")] = np.arange(len(y)) % workers
    return [np.flatnonzero(turn == worker) for worker in range(workers)]
