"""Features that know the answer too well, found before the model is trusted.

A single column that ranks the train rows almost perfectly is seldom a discovery: more often it was
written after the outcome. Nothing is removed: the finding is printed, recorded with the version,
and judged by a person.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.metrics import metric
from tidewheel.metrics.agreement import rank_correlation
from tidewheel.training.data.findings import Finding

Floats = npt.NDArray[np.float64]
SUSPICIOUS = 0.98
_MOST_ROWS = 50_000


def suspicious(
    x: Floats, y: Floats, columns: Sequence[str], categories: Sequence[int], classification: bool, seed: int = 0
) -> list[Finding]:
    """Return the columns that alone tell the label suspiciously well.

    Parameters
    ----------
    x : float64 array, shape (n, columns)
        Train rows. Categories are ranked by their mean label on one half and measured on the other.
    y : float64 array
    columns : sequence of str
    categories : sequence of int
    classification : bool
    seed : int
        Draws the rows when there are more than 50,000.

    Returns
    -------
    list of Finding
        Their evidence: ``strength``, the AUC of the column's values alone (turned so that it is at least 0.5), or its
        squared rank correlation; ``by_null``, the same for "is null" alone: a column that is filled only when the
        outcome came; ``rows`` looked at.

    Examples
    --------
    >>> y = np.array([0.0, 1.0] * 100)
    >>> x = np.column_stack([y * 3 - 1, np.arange(200.0) % 7])
    >>> [finding.column for finding in suspicious(x, y, ["delay", "hour"], [], True)]
    ['delay']
    """
    if y.size > _MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(y.size, _MOST_ROWS, replace=False))
        x, y = x[rows], y[rows]
    found = []
    for position, name in enumerate(columns):
        column = x[:, position]
        null = np.isnan(column).astype(np.float64)
        by_null = _strength(null, y, classification)
        if position in categories:
            strength = _category_strength(column, y, classification)
        else:
            strength = _filled_strength(column, y, classification)
        if max(strength, by_null) >= SUSPICIOUS:
            found.append(_finding(name, strength, by_null, y.size))
    return found


def _finding(column: str, strength: float, by_null: float, rows: int) -> Finding:
    how = "whether it is null" if by_null >= SUSPICIOUS else "its value"
    told = f"{how} alone tells the label apart ({max(strength, by_null):.4f} on {rows} train rows)"
    evidence = {"strength": strength, "by_null": by_null, "rows": rows}
    return Finding("tells the label", column, f"{told}; is it known when the row happens?", evidence)


def _filled_strength(column: Floats, y: Floats, classification: bool) -> float:
    """Return the strength over the rows that hold a value: nulls are judged apart."""
    filled = ~np.isnan(column)
    return _strength(column[filled], y[filled], classification) if filled.sum() >= 30 else 0.0


def _strength(values: Floats, y: Floats, classification: bool) -> float:
    if y.size < 2 or np.all(y == y[0]) or np.all(values == values[0]):
        return 0.5 if classification else 0.0
    if classification:
        auc = metric("roc_auc")(y, np.nan_to_num(values))
        return max(auc, 1.0 - auc)
    return rank_correlation(values, y) ** 2


def _category_strength(column: Floats, y: Floats, classification: bool) -> float:
    codes = np.where(np.isnan(column), -1.0, column)
    _, code = np.unique(codes, return_inverse=True)
    half = np.arange(y.size) % 2 == 0
    n = np.bincount(code[half], minlength=code.max() + 1)
    mean = (np.bincount(code[half], y[half], minlength=code.max() + 1) + y.mean()) / (n + 1)
    return _strength(mean[code[~half]], y[~half], classification)
