"""From a view's words to a score, by a bundle's neutral predictor: at once where that is cheap, else in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError
from tidewheel.kernel import encode_levels, fill_levels, level_tables
from tidewheel.serving.deciding.batching import Batcher
from tidewheel.serving.deciding.own_thread import OwnThread

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from tidewheel.registry.models.bundles import Bundle
    from tidewheel.serving.deciding.scoring import Pending

    Floats = npt.NDArray[np.float64]

INLINE_NS = 60_000
"""A row that takes longer is scored in the model's own thread, which costs a request about half of this."""
TRIES = 5


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

    def score_many(self, words: npt.NDArray[np.float64]) -> list[float]:
        """Return the scores of rows of words, shape (n, columns): each the same to the bit as it is alone."""
        scores: list[float] = self._predictor.score(self._rows(words)).tolist()
        return scores

    def together(self, words: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the scores of rows of words, shape (n, columns); see `Predictor.score_together`."""
        return self._predictor.score_together(self._rows(words))

    def _rows(self, words: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        rows = words if self._places is None else np.ascontiguousarray(words[:, self._places])
        return rows if self._levels is None else encode_levels(rows, self._levels)


def scoring_of(bundle: Bundle, names: Sequence[str], loop: AbstractEventLoop | None = None) -> Scorer | Batcher:
    """Return the scoring of a bundle: trees and linear models at once, and so a net that is quick; others in batches.

    A Python function has its own thread however quick it is, since nobody knows what it does with the next row; its
    rows go one by one, each answered when it is done. `loop` is as of :class:`Batcher`.

    Raises
    ------
    CorruptError
        As :class:`Scorer`.
    """
    scorer = Scorer(bundle, names)
    kind = bundle.manifest.predictor.kind
    words = np.zeros(len(names))
    if kind == "function":
        return Batcher(scorer.together, len(names), bundle.manifest.model, most_rows=1)
    if kind != "onnx" or min(_timed(scorer, words) for _ in range(TRIES)) < INLINE_NS:
        return scorer
    batcher = Batcher(scorer.together, len(names), bundle.manifest.model, loop=loop)
    batcher.prime(words)
    return batcher


def item_scoring(bundle: Bundle, names: Sequence[str]) -> Callable[[Floats, int], Floats | Pending[Floats]]:
    """Return what scores rows of a list's candidates: trees and linear models at once, others in their own thread."""
    scorer = Scorer(bundle, names)
    if bundle.manifest.predictor.kind in ("function", "onnx"):
        return OwnThread(scorer.together, bundle.manifest.model)
    return lambda words, until: scorer.together(words)


def _timed(scorer: Scorer, words: npt.NDArray[np.float64]) -> int:
    start = perf_counter_ns()
    scorer(words)
    return perf_counter_ns() - start
