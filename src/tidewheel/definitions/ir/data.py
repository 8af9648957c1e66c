"""The frozen form of a model's data: which rows are trained on, with what weight, and which are tested on.

Part of `tidewheel.definitions.ir`, which every room reads it from.
"""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.frozen import Frozen


class Split(Frozen, frozen=True):
    """Which rows are trained on and which are tested on.

    ``temporal``, and the final cut of ``expanding`` and ``sliding``: rows of the last `test` go to the test set;
    `gap` before them goes to neither. ``group`` and ``random``: `share` of the groups, or of the rows, by hash.
    """

    test: int
    gap: int
    kind: Literal["temporal", "group", "random", "expanding", "sliding"] = "temporal"
    share: float = 0.0
    by: tuple[str, ...] = ()
    """The column that says whose row it is. No entity of a test set is in the train set it is tested with."""
    folds: int = 0
    """Earlier cuts, each `test` long, by which the spread of a metric is known."""
    train: int = 0
    """For ``sliding``: how far back the train rows of a fold, and those of the final cut, go."""
    seed: int = 0


class Sample(Frozen, frozen=True):
    """One step of choosing or weighing train rows; the steps are taken in order."""

    kind: Literal["keep", "stratified", "balanced", "class_weights", "weights", "at_most"]
    shares: tuple[tuple[str, float], ...] = ()
    """For ``keep`` and ``class_weights``: a number a class ("0", "1"); for ``stratified``: a share a value of `by`."""
    share: float = 1.0
    """For ``stratified``: of values that `shares` does not name."""
    by: tuple[str, ...] = ()
    rows: int = 0
    """For ``at_most``: how many rows; for ``stratified``: of each value, 0 for any number."""
    column: str = ""
    """For ``weights``: a column of the model's view; "" for the one of the model's `weights`."""
    seed: int = 0
