"""Every check of a data set, in one place."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import TrainingError
from tidewheel.training.data.columns import check_columns
from tidewheel.training.data.draws import names_of
from tidewheel.training.data.findings import Finding
from tidewheel.training.data.gather import Gathered
from tidewheel.training.data.leakage import suspicious
from tidewheel.training.data.repeats import check_overlap, check_repeats

Floats = npt.NDArray[np.float64]
FEW = 50
"""Train rows below which what is learned is mostly chance."""


def look(
    gathered: Gathered,
    source: ir.Source,
    split: ir.Split,
    x: Floats,
    classification: bool,
    seed: int = 0,
    personal: Collection[str] = (),
) -> list[Finding]:
    """Return what looks wrong about a data set.

    Parameters
    ----------
    gathered : Gathered
    source : ir.Source
        The view's event.
    split : ir.Split
    x : float64 array, shape (n, columns)
        All rows, encoded.
    classification : bool
    seed : int
    personal : collection of str
        Columns of the view whose values nobody is shown.

    Raises
    ------
    TrainingError
        No column holds two values on the train rows: nothing could be learned from any.
    """
    data, sides = gathered.data, gathered.sides
    columns = data.view.column_names
    categories = [columns.index(name) for name in data.texts]
    found = list(gathered.findings)
    found += check_columns(data.view, data.texts, sides.train, sides.test)
    _refuse_nothing(found, len(columns), sides.train.size)
    found += suspicious(x[sides.train], data.y[sides.train], columns, categories, classification, seed)
    owners = {
        column.name: names_of(gathered.rows[column.name])
        for column in source.columns
        if column.kind == "ref" and column.name in gathered.rows.column_names
    }
    found += check_overlap(owners, sides, split.by[0] if split.by else "", split.kind not in ("group", "random"))
    found += check_repeats(x, data.y, data.ids, sides)
    if sides.train.size < FEW:
        said = f"{sides.train.size} train rows and {sides.test.size} test rows: what is learned is mostly chance"
        found.append(Finding("few rows", "", said, {"train": sides.train.size, "test": sides.test.size}))
    return [finding.without_examples() if finding.column in personal else finding for finding in found]


def _refuse_nothing(found: list[Finding], columns: int, rows: int) -> None:
    if rows > 1 and sum(finding.kind in ("empty", "constant") for finding in found) == columns:
        raise TrainingError(
            f"all {columns} columns are null or the same on all {rows} train rows: there is nothing to learn from",
            remedy="`tidewheel features visibility` and `tidewheel quality` show what the view and its events hold",
        )
