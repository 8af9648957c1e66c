"""Vectors of items, and an exact search among them: one product of a matrix and a vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.retrieval.best import best

Vectors = npt.NDArray[np.float32]


class VectorIndex:
    """Unit vectors of items, by rising id.

    Recall is 1: all items are looked at. A million vectors of 64 numbers are 256 MB, and a search is as long as it
    takes to read them once.

    Parameters
    ----------
    ids : sequence of str
    vectors : float array, shape (n, size)
        A row of nulls is an item without a vector: it is never found.

    Examples
    --------
    >>> index = VectorIndex(["a", "b", "c"], np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]))
    >>> index.nearest(np.array([1.0, 0.1]), 2)
    ['a', 'c']
    """

    def __init__(self, ids: Sequence[str], vectors: npt.NDArray[np.floating]) -> None:
        self.ids = list(ids)
        self._place = {id: place for place, id in enumerate(self.ids)}
        self._unit = _unit(vectors)

    def __len__(self) -> int:
        return len(self.ids)

    def nearest(self, query: npt.NDArray[np.floating], k: int) -> list[str]:
        """Return the ids of the `k` items with the highest cosine to a vector; none for a null one."""
        unit = _unit(query.reshape(1, -1))[0]
        if np.isnan(unit).any():
            return []
        return [self.ids[place] for place in best(self._unit @ unit, k).tolist()]

    def near_item(self, id: str, k: int) -> list[str]:
        """Return the items nearest to one, itself left out."""
        place = self._place.get(id)
        return [] if place is None else [found for found in self.nearest(self._unit[place], k + 1) if found != id][:k]

    def rows(self, ids: Sequence[str]) -> Vectors:
        """Return the unit vectors of some items; zeros, which are like nothing, for one without."""
        places = np.fromiter((self._place.get(id, -1) for id in ids), np.intp, len(ids))
        rows = np.zeros((len(ids), self._unit.shape[1]), np.float32)
        rows[places >= 0] = self._unit[places[places >= 0]]
        return np.nan_to_num(rows, copy=False, nan=0.0)


def _unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    """Return vectors of length one; nulls for a null one, and for one of no length."""
    rows = np.asarray(vectors, np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    lengths[lengths == 0.0] = np.nan
    return np.ascontiguousarray(rows / lengths[:, None], dtype=np.float32)
