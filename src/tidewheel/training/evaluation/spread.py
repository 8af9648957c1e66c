"""So many rows of all, evenly spread: what costly measures are taken of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidewheel.training.evaluation.curves import thinned

Ints = npt.NDArray[np.int64]


def spread(rows: int, most: int, group: Ints | None = None) -> Ints:
    """Return places of an even spread of at most `most` rows; of whole lists, about so many, where rows have one.

    Examples
    --------
    >>> spread(5, 3).tolist()
    [0, 2, 4]
    >>> spread(6, 4, np.array([7, 7, 8, 8, 9, 9])).tolist()
    [0, 1, 4, 5]
    """
    if group is None or rows <= most:
        return thinned(rows, most)
    lists = np.unique(group)
    return np.flatnonzero(np.isin(group, lists[thinned(lists.size, max(1, lists.size * most // rows))]))
