"""Which rows are trained on and which are tested on: the final cut, and the earlier ones that a spread is known by.

What was known before a test period trains, the rest is tested on. Groups and rows may be dealt by hash instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import format_duration, ir
from tidewheel.errors import TrainingError
from tidewheel.training.data.draws import uniforms

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_DAY = 86_400_000_000
_SALT = 0x5911


@dataclass(frozen=True)
class Sides:
    """Positions of the rows on each side of a split.

    Attributes
    ----------
    train, test : int64 arrays
        Each in order of time.
    test_from : int
        Instant after which test rows lie; 0 when time does not part them.
    gap_rows : int
        Rows between the two: too late to train on, too early to test on.
    blocked_rows : int
        Rows left out of the train side because their entity is tested on.
    """

    train: Ints
    test: Ints
    test_from: int
    gap_rows: int
    blocked_rows: int = 0


class Fold(NamedTuple):
    """One earlier cut: positions of its rows, each side in order of time."""

    train: Ints
    test: Ints


@dataclass(frozen=True)
class Rows:
    """What a split looks at, one value a row.

    Attributes
    ----------
    at : int64 array
        Event time.
    order : int64 array
        Breaks ties of `at` (log offsets).
    ids : int64 array
        Hash of the row's id.
    owner : int64 array
        Hash of whose row it is, where the split says whose; the row's own id where that is null.
    """

    at: Ints
    order: Ints
    ids: Ints
    owner: Ints

    def ranked(self, chosen: Flags) -> Ints:
        """Return the positions of some rows in order of time."""
        rows = np.flatnonzero(chosen)
        return rows[np.lexsort((self.order[rows], self.at[rows]))]


def sides_of(split: ir.Split, horizon: int, rows: Rows) -> Sides:
    """Put rows on the two sides of a model's split.

    Parameters
    ----------
    split : ir.Split
    horizon : int
        The label's, microseconds: no gap is shorter.
    rows : Rows

    Raises
    ------
    TrainingError
        When a side is empty.
    """
    if rows.at.size == 0:
        raise TrainingError("no row has a label yet", remedy="wait until labels are mature, or ingest more history")
    if split.kind in ("group", "random"):
        return _dealt(split, rows)
    gap = max(split.gap, horizon)
    test_from = int(rows.at.max()) - split.test
    test, before = rows.at > test_from, rows.at <= test_from - gap
    train, blocked = _train_side(split, rows, test, before, test_from - gap)
    if not train.any() or not test.any():
        days = (int(rows.at.max()) - int(rows.at.min())) / _DAY
        raise TrainingError(
            f"{np.count_nonzero(train)} rows to train on and {np.count_nonzero(test)} to test on: "
            f"the {rows.at.size} labelled rows cover {days:.1f} days, the test {split.test / _DAY:.1f} "
            f"and the gap {gap / _DAY:.1f}" + f"; {blocked} rows are blocked by their entity" * bool(blocked),
            remedy="shorten the test of the split, or ingest more history",
        )
    between = int(np.count_nonzero(~test & ~before))
    return Sides(rows.ranked(train), rows.ranked(test), test_from, between, blocked)


def folds_of(split: ir.Split, horizon: int, rows: Rows) -> list[Fold]:
    """Return the earlier cuts of a split, oldest first; none for a split without folds.

    Their test periods lie one right before the other and end where the final gap begins, so no fold sees a row of
    the final test or of its gap. Each is trained on what came before its own gap.

    Raises
    ------
    TrainingError
        When a fold's side is empty.

    Examples
    --------
    >>> at = np.arange(0, 100, 10)
    >>> found = folds_of(ir.Split(20, 10, "expanding", folds=2), 10, Rows(at, at, at, at))
    >>> [(fold.train.tolist(), fold.test.tolist()) for fold in found]
    [([0, 1], [3, 4]), ([0, 1, 2, 3], [5, 6])]
    """
    gap = max(split.gap, horizon)
    end = int(rows.at.max()) - split.test - gap if rows.at.size else 0
    found = []
    for number in range(split.folds, 0, -1):
        start = end - number * split.test
        test = (rows.at > start) & (rows.at <= start + split.test)
        train, _ = _train_side(split, rows, test, rows.at <= start - gap, start - gap)
        if not train.any() or not test.any():
            raise TrainingError(
                f"fold {split.folds - number + 1} of {split.folds} has {np.count_nonzero(train)} rows to train on and "
                f"{np.count_nonzero(test)} to test on",
                remedy=f"ask for fewer folds, or for ones shorter than {format_duration(split.test)}",
            )
        found.append(Fold(rows.ranked(train), rows.ranked(test)))
    return found


def _train_side(split: ir.Split, rows: Rows, test: Flags, before: Flags, until: int) -> tuple[Flags, int]:
    """Return the rows to train on for a test set, and how many were blocked by their entity."""
    train = before & (rows.at > until - split.train) if split.train else before
    if not split.by:
        return train, 0
    blocked = train & np.isin(rows.owner, rows.owner[test])
    return train & ~blocked, int(np.count_nonzero(blocked))


def _dealt(split: ir.Split, rows: Rows) -> Sides:
    test = uniforms(rows.owner if split.kind == "group" else rows.ids, split.seed, _SALT) < split.share
    if test.all() or not test.any():
        what = "groups" if split.kind == "group" else "rows"
        raise TrainingError(
            f"all {np.unique(rows.owner).size if split.kind == 'group' else rows.at.size} {what} fell on one side",
            remedy="ingest more history, or take another share or seed",
        )
    return Sides(rows.ranked(~test), rows.ranked(test), 0, 0)


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
