"""The temporal split: what was known before the test period trains, the rest is tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import TrainingError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sides:
    """Positions of the rows on each side of a split.

    Attributes
    ----------
    train, test : int64 arrays
        Each in order of time.
    test_from : int
        Instant after which test rows lie.
    gap_rows : int
        Rows between the two: too late to train on, too early to test on.
    """

    train: Ints
    test: Ints
    test_from: int
    gap_rows: int


def temporal(split: ir.Split, horizon: int, at: Ints, order: Ints | None = None) -> Sides:
    """Put the rows of the last ``split.test`` in the test set, and those known before it in the train set.

    A train row's label must be known when the test begins: rows less than the gap before it, which is
    never shorter than the label's horizon, go to neither side.

    Parameters
    ----------
    split : ir.Split
    horizon : int
        The label's, microseconds.
    at : int64 array
        Event time of each row.
    order : int64 array, optional
        Breaks ties of `at` (log offsets).

    Raises
    ------
    TrainingError
        When a side is empty.

    Examples
    --------
    >>> sides = temporal(ir.Split(test=20, gap=0), 10, np.arange(0, 100, 10))
    >>> sides.train.tolist(), sides.test.tolist(), sides.gap_rows
    ([0, 1, 2, 3, 4, 5, 6], [8, 9], 1)
    """
    if at.size == 0:
        raise TrainingError("no row has a label yet", remedy="wait until labels are mature, or ingest more history")
    gap = max(split.gap, horizon)
    test_from = int(at.max()) - split.test
    rank = np.lexsort((np.arange(at.size) if order is None else order, at))
    sorted_at = at[rank]
    train = rank[: np.searchsorted(sorted_at, test_from - gap, side="right")]
    test = rank[np.searchsorted(sorted_at, test_from, side="right") :]
    if train.size == 0 or test.size == 0:
        days = (int(at.max()) - int(at.min())) / 86_400_000_000
        raise TrainingError(
            f"{train.size} rows to train on and {test.size} to test on: "
            f"the {at.size} labelled rows cover {days:.1f} days, the test {split.test / 86_400_000_000:.1f} "
            f"and the gap {gap / 86_400_000_000:.1f}",
            remedy="shorten tw.temporal(test=...), or ingest more history",
        )
    return Sides(train, test, test_from, at.size - train.size - test.size)


def require_two_classes(y: Floats, side: str) -> None:
    """Refuse a side on which nothing can be told apart.

    Raises
    ------
    TrainingError
        When all labels of a side are equal.
    """
    if y.size and np.all(y == y[0]):
        raise TrainingError(
            f"all {y.size} labels of the {side} rows are {y[0]:g}",
            remedy="train over a longer period, or check the label's declaration",
        )


def tail(rows: Ints, y: Floats, *, share: float, least: int = 20) -> tuple[Ints, Ints]:
    """Cut time-ordered train rows into an earlier part and a last `share`, widened until it can serve.

    The last part grows, up to half of the rows, until it holds `least` rows of each class (of any
    kind, for a number).

    Raises
    ------
    TrainingError
        When even half of the rows does not.

    Examples
    --------
    >>> fit, held = tail(np.arange(10), np.array([0.0, 1.0] * 5), share=0.2, least=1)
    >>> held.tolist()
    [8, 9]
    """
    classes = np.unique(y[rows]) if np.isin(y[rows], (0.0, 1.0)).all() else None
    while True:
        cut = rows.size - max(1, round(rows.size * share))
        held = y[rows[cut:]]
        counts = [held.size] if classes is None else [int(np.count_nonzero(held == value)) for value in classes]
        if cut > 0 and min(counts) >= least:
            return rows[:cut], rows[cut:]
        if share >= 0.5:
            break
        share = min(0.5, share * 1.5)
    raise TrainingError(
        f"{rows.size} train rows are too few to hold some out: {least} of each class are needed",
        remedy="ingest more history, or train without calibration and search",
    )
