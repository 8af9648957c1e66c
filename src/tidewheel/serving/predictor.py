"""From a view's row of words to one score, by a bundle's neutral predictor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError
from tidewheel.kernel import fill_levels, level_tables

if TYPE_CHECKING:
    from tidewheel.registry.bundles import Bundle


class Scorer:
    """Scores one row at a time. Keeps a row of its own to work in, so each thread makes its own.

    Parameters
    ----------
    bundle : Bundle
        Its columns, levels and predictor.
    names : sequence of str
        The view's columns, in the order of its words.

    Raises
    ------
    CorruptError
        The bundle wants a column that its view does not have.
    """

    def __init__(self, bundle: Bundle, names: Sequence[str]) -> None:
        manifest = bundle.manifest
        missing = [column for column in manifest.columns if column not in names]
        if missing:
            raise CorruptError(
                f"the bundle wants {missing}, which its view does not give", where=manifest.model, remedy="train again"
            )
        places = [list(names).index(column) for column in manifest.columns]
        self._places = None if places == list(range(len(names))) else np.array(places, np.intp)
        levels = [manifest.levels.get(column) for column in manifest.columns]
        self._levels = level_tables(levels) if any(level is not None for level in levels) else None
        self._codes = np.empty((1, len(places)))
        self._predictor = bundle.predictor()

    def __call__(self, words: npt.NDArray[np.float64], until: int = 0) -> float:
        """Return the score of one row of words, shape (columns,): at once, so that `until` is nothing to it."""
        if self._places is not None:
            words = words[self._places]
        row = words.reshape(1, -1)
        if self._levels is not None:
            fill_levels(row, self._levels, self._codes)
            row = self._codes
        return self._predictor.score_one(row)
