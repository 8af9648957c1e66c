"""When scores can't be read as probabilities without calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tidewheel.training.fit import estimators, focal
from tidewheel.training.fit.matrix import Matrix

DEFAULT: Final = "beta"
"""The calibration that is added where one is necessary and none was declared: it can leave scores as they are."""
_WEIGHING = frozenset({"class_weight", "class_weights", "scale_pos_weight", "is_unbalance", "auto_class_weights"})


def why_calibrate(
    estimator: Any, matrix: Matrix, space: Mapping[str, Any] | None = None, temperature: float = 1.0
) -> str:
    """Return what makes calibration necessary; "" when nothing does.

    Weights of classes and focal loss move scores off the share of positives on purpose, and so does leaving
    negatives out, or learning from a teacher at another temperature than 1. `space` is the search space: a weight of
    classes may be searched for.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> rows = Matrix(np.zeros((2, 1)), np.array([0.0, 1.0]), np.ones(2), ["a"], [])
    >>> why_calibrate(LogisticRegression(class_weight="balanced"), rows)
    "class_weight='balanced'"
    """
    if matrix.group is not None or not np.isin(matrix.y, (0.0, 1.0)).all():
        return ""
    if focal.of(estimator) is not None:
        return "focal loss"
    searched = dict.fromkeys(space or {}, "searched")
    for name, value in sorted((estimators.parameters(estimator) | searched).items()):
        if name.split("__")[-1] in _WEIGHING and not _off(value):
            return f"{name}={value!r}"
    if temperature != 1.0:
        return f"a teacher at temperature {temperature:g}"
    return "rows that are weighed or sampled by class" if matrix.stands_for is not None else ""


def _off(value: Any) -> bool:
    return value is None or value is False or value == "None" or (value is not True and value == 1)
