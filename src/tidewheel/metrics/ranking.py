"""How well scores order positives before negatives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidewheel.metrics import checks, compiled
from tidewheel.metrics.state import State

Floats = npt.NDArray[np.float64]


def ranked(y: Floats, score: Floats, weight: Floats) -> State:
    """Sort rows by falling score, once; every reweighting reads this order."""
    checks.binary(y)
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    last = np.ones(score.size, dtype=np.bool_)
    last[:-1] = falling[:-1] != falling[1:]
    return State((y[order], weight[order], last), order)


def average_precision(y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    r"""Area under the precision-recall curve by steps, :math:`\sum_k (R_k - R_{k-1}) P_k`.

    Rows of equal score enter together. The definition is scikit-learn's ``average_precision_score``.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
    score : array of float, shape (n,)
        Higher means more likely positive; any scale.
    weight : array of float, shape (n,), optional

    Raises
    ------
    MetricError
        When there is no positive row, or the input is unfit.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    return ranked(*checks.rows(y, score, weight)).value(compiled.average_precision, "average_precision")


def roc_auc(y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Chance that a positive row scores above a negative one; ties count half (Mann-Whitney).

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
    score : array of float, shape (n,)
    weight : array of float, shape (n,), optional

    Raises
    ------
    MetricError
        When there is but one class, or the input is unfit.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return ranked(*checks.rows(y, score, weight)).value(compiled.roc_auc, "roc_auc")


def precision_at(
    y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, recall: float
) -> float:
    """Best precision of the thresholds that find at least the share `recall` of the positives.

    Examples
    --------
    >>> precision_at([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], recall=0.5)
    1.0
    """
    state = ranked(*checks.rows(y, score, weight)).with_parameter(recall)
    return state.value(compiled.precision_at, "precision_at")


def recall_at(
    y: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, precision: float
) -> float:
    """Largest share of the positives found by a threshold whose precision is at least `precision`.

    0 when no threshold is that precise.

    Examples
    --------
    >>> recall_at([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], precision=0.9)
    0.5
    """
    state = ranked(*checks.rows(y, score, weight)).with_parameter(precision)
    return state.value(compiled.recall_at, "recall_at")
