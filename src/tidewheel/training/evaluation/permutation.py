"""How much worse the model gets when a column tells it nothing (Breiman 2001; Fisher, Rudin, Dominici 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.metrics import Metric
from tidewheel.training.evaluation.spread import spread

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SHUFFLES = 3
MOST_ROWS, MOST_COLUMNS = 2_500, 20


def permutation_importance(
    measure: Metric,
    score: Callable[[Floats], Floats],
    x: Floats,
    y: Floats,
    weight: Floats,
    columns: Sequence[int],
    *,
    group: Ints | None = None,
    seed: int = 0,
    shuffles: int = SHUFFLES,
) -> dict[int, tuple[float, float]]:
    """Return, per column, the mean loss of the metric over shuffles of the column, and its spread.

    Parameters
    ----------
    measure : Metric
    score : callable
        Rows in, one score a row.
    x, y, weight : float64 arrays
        Test rows; an even spread of `MOST_ROWS` is used.
    columns : sequence of int
        Which to shuffle.
    group : int64 array, optional
        The list of each row, for a metric of lists; lists are kept whole.
    seed, shuffles : int

    Notes
    -----
    Columns that say the same share it: shuffling one of them costs little, since the other still tells.
    """
    kept = spread(y.size, MOST_ROWS, group)
    rows, labels, weights, lists = x[kept].copy(), y[kept], weight[kept], None if group is None else group[kept]
    sign = 1.0 if measure.greater_is_better else -1.0
    whole = measure(labels, score(rows), weights, lists)
    rng = np.random.default_rng(seed)
    found = {}
    for column in columns:
        held = rows[:, column].copy()
        lost = []
        for _ in range(shuffles):
            rows[:, column] = rng.permutation(held)
            lost.append(sign * (whole - measure(labels, score(rows), weights, lists)))
        rows[:, column] = held
        found[column] = (float(np.mean(lost)), float(np.std(lost, ddof=1)) if shuffles > 1 else 0.0)
    return found
