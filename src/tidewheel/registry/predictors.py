"""Predictors in a neutral form: arrays and a few words. Training evaluates with the same code that serves.

A row is one float64 per column of the bundle, in its order: numbers as they are, a category as the code of
its level (one past the last for an unseen one), null as NaN.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError

Floats = npt.NDArray[np.float64]

_LARGEST = 709.0
"""``exp`` of more than this is infinite."""


class PredictorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The words of a predictor; its arrays travel beside it."""

    kind: Literal["trees", "linear", "constant"]
    objective: Literal["identity", "sigmoid"] = "identity"
    scale: float = 1.0
    """The sigmoid is ``1 / (1 + exp(-scale * raw))``."""
    intercept: float = 0.0
    """Of ``linear``; the score itself of ``constant``."""
    calibration: Literal["", "isotonic", "platt"] = ""
    slope: float = 1.0
    offset: float = 0.0
    """Platt: ``1 / (1 + exp(-(slope * score + offset)))``. Calibration takes what the objective gives."""


class Predictor:
    """A predictor ready to score rows. Its arrays are not changed after it is made.

    Parameters
    ----------
    spec : PredictorSpec
        What it is.
    arrays : mapping
        ``trees``: the fields of ``kernel.Trees`` as ``trees.<field>``. ``linear``: ``coef`` (one a column),
        and, when needed, ``mean`` and ``deviation`` (standardising), ``impute`` (in place of null), and for
        categories ``category_columns``, ``category_starts``, ``category_weights`` (one weight a level).
        ``isotonic`` calibration: ``xs`` and ``ys``, rising.

    Examples
    --------
    >>> spec = PredictorSpec(kind="linear", objective="sigmoid", intercept=-1.0)
    >>> Predictor(spec, {"coef": np.array([0.5])}).score(np.array([[2.0], [4.0]])).round(3).tolist()
    [0.5, 0.731]
    """

    def __init__(self, spec: PredictorSpec, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.spec = spec
        self.arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        self._trees = _tree_function(self.arrays) if spec.kind == "trees" else None
        self._curve = tuple(self.arrays[name].tolist() if name in self.arrays else [] for name in ("xs", "ys"))

    def score(self, rows: Floats) -> Floats:
        """Return one score a row.

        Parameters
        ----------
        rows : float64 array, shape (n, columns), C-contiguous
            A row's score does not depend on the rows beside it.

        Returns
        -------
        float64 array, shape (n,)
        """
        if len(rows) == 1:
            return np.array([self.score_one(rows)])
        raw, spec = self.raw(rows), self.spec
        scores = sigmoid(spec.scale * raw) if spec.objective == "sigmoid" else raw
        if spec.calibration == "platt":
            return sigmoid(spec.slope * scores + spec.offset)
        if spec.calibration == "isotonic":
            on_curve = np.interp(scores, self.arrays["xs"], self.arrays["ys"])
            return np.where(np.isnan(scores), scores, on_curve)
        return scores

    def score_one(self, row: Floats) -> float:
        """Return the score of one row, shape (1, columns): the same to the bit as among others, sooner."""
        spec = self.spec
        score = float(self.raw(row)[0])
        if spec.objective == "sigmoid":
            score = _sigmoid_of(spec.scale * score)
        if spec.calibration == "platt":
            return _sigmoid_of(spec.slope * score + spec.offset)
        return _on_curve(score, *self._curve) if spec.calibration == "isotonic" else score

    def raw(self, rows: Floats) -> Floats:
        """Return the model's own output, before objective and calibration."""
        if self._trees is not None:
            return self._trees(rows)
        if self.spec.kind == "constant":
            return np.full(len(rows), self.spec.intercept)
        return _linear(self.spec, self.arrays, rows)


def predict(predictor: Predictor, rows: Floats) -> Floats:
    """Return one score a row; see :meth:`Predictor.score`."""
    return predictor.score(rows)


def trees_arrays(trees: Any) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays under which a predictor keeps ``kernel.Trees``; a single number becomes an array of none."""
    return {f"trees.{name}": np.asarray(value) for name, value in trees._asdict().items()}


def _tree_function(arrays: Mapping[str, npt.NDArray[Any]]) -> Callable[[Floats], Floats]:
    """Return what runs the flattened trees; only they need compiled code, so only here is it imported."""
    from tidewheel.kernel.trees import Trees, predict_trees

    found = {name.removeprefix("trees."): value for name, value in arrays.items() if name.startswith("trees.")}
    differ = set(Trees._fields) ^ set(found)
    if differ:
        raise CorruptError(f"the predictor's trees and this release differ in {sorted(differ)}")
    fields: dict[str, Any] = {name: value.item() if value.ndim == 0 else value for name, value in found.items()}
    trees = Trees(**fields)

    def run(rows: Floats) -> Floats:
        return np.asarray(predict_trees(trees, rows))

    return run


def sigmoid(raw: Floats) -> Floats:
    """Return ``1 / (1 + exp(-raw))`` by the C library's ``exp``, one by one: the same for one row and for many."""
    return np.array([_sigmoid_of(value) for value in raw.tolist()], np.float64)


def _sigmoid_of(value: float) -> float:
    return 1.0 / (1.0 + math.exp(min(-value, _LARGEST)))


def _on_curve(x: float, xs: list[float], ys: list[float]) -> float:
    """Interpolate one value by the arithmetic of ``numpy.interp``."""
    if x >= xs[-1] or x < xs[0]:
        return ys[-1] if x >= xs[-1] else ys[0]
    at = bisect_right(xs, x) - 1
    if math.isnan(x) or x == xs[at]:
        return x if math.isnan(x) else ys[at]
    return (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at]) * (x - xs[at]) + ys[at]


def _linear(spec: PredictorSpec, arrays: Mapping[str, npt.NDArray[Any]], rows: Floats) -> Floats:
    filled = np.where(np.isnan(rows), arrays.get("impute", 0.0), rows)
    if "mean" in arrays:
        filled = (filled - arrays["mean"]) / arrays["deviation"]
    # A running sum adds from left to right whatever the number of rows; a matrix product would not.
    total = np.cumsum(filled * arrays["coef"], axis=1)[:, -1] if rows.shape[1] else np.zeros(len(rows))
    return np.asarray(total + _categories(arrays, rows) + spec.intercept, dtype=np.float64)


def _categories(arrays: Mapping[str, npt.NDArray[Any]], rows: Floats) -> Floats:
    """Sum the weights of each row's levels; null and unseen ones weigh nothing."""
    total = np.zeros(len(rows))
    if "category_columns" not in arrays:
        return total
    starts, weights = arrays["category_starts"], arrays["category_weights"]
    for number, column in enumerate(arrays["category_columns"]):
        own = weights[starts[number] : starts[number + 1]]
        codes = rows[:, column]
        known = (codes >= 0) & (codes < len(own))
        total[known] += own[codes[known].astype(np.int64)]
    return total
