"""How much worse the model gets when a column tells it nothing (Breiman 2001; Fisher, Rudin, Dominici 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.metrics import Metric

Floats = npt.NDArray[np.float64]
SHUFFLES = 3
MOST_ROWS, MOST_COLUMNS = 5_000, 20


def permutation_importance(
    measure: Metric,
    score: Callable[[Floats], Floats],
    x: Floats,
    y: Floats,
    weight: Floats,
    columns: Sequence[int],
    *,
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
        Test rows; the first `MOST_ROWS` of an even spread are used.
    columns : sequence of int
        Which to shuffle.
    seed, shuffles : int

    Notes
    -----
    Columns that say the same share it: shuffling one of them costs little, since the other still tells.
    """
    kept = np.unique(np.linspace(0, y.size - 1, min(y.size, MOST_ROWS)).astype(np.int64))
    rows, labels, weights = x[kept].copy(), y[kept], weight[kept]
    sign = 1.0 if measure.greater_is_better else -1.0
    whole = measure(labels, score(rows), weights)
    rng = np.random.default_rng(seed)
    found = {}
    for column in columns:
        held = rows[:, column].copy()
        lost = []
        for _ in range(shuffles):
            rows[:, column] = rng.permutation(held)
            lost.append(sign * (whole - measure(labels, score(rows), weights)))
        rows[:, column] = held
        found[column] = (float(np.mean(lost)), float(np.std(lost, ddof=1)) if shuffles > 1 else 0.0)
    return found
