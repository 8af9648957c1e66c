"""Predictors in a neutral form: arrays and a few words. Training evaluates with the same code that serves.

A row is one float64 per column of the bundle, in its order: numbers as they are, a category as the code of
its level (one past the last for an unseen one), null as NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError
from tidewheel.registry.models.links import Beta, beta_of, focal_of, on_curve, sigmoid_of

Floats = npt.NDArray[np.float64]


class PredictorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The words of a predictor; its arrays travel beside it."""

    kind: Literal["trees", "linear", "constant", "onnx", "function"]
    objective: Literal["identity", "sigmoid", "focal"] = "identity"
    scale: float = 1.0
    """The sigmoid is ``1 / (1 + exp(-scale * raw))``."""
    intercept: float = 0.0
    """Of ``linear``; the score itself of ``constant``."""
    calibration: Literal["", "isotonic", "platt", "beta"] = ""
    slope: float = 1.0
    offset: float = 0.0
    """Platt: ``1 / (1 + exp(-(slope * score + offset)))``. Calibration takes what the objective gives."""
    second_slope: float = 0.0
    """Beta: the log odds are ``slope * log(score) - second_slope * log(1 - score) + offset``."""
    focal: tuple[float, float, float] = (0.0, 1.0, 1.0)
    """Of ``focal``: gamma, and what a negative and a positive row counted."""
    output: str = ""
    """Of ``onnx``: the graph's output that is read."""
    function: str = ""
    source: str = ""
    """Of ``function``: its name, and the source that defines it."""


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
        ``onnx``: ``graph``, the bytes of the model. ``function``: what it learned, as ``learned.<name>``.
        ``isotonic`` calibration: ``xs`` and ``ys``, rising.

    Examples
    --------
    >>> spec = PredictorSpec(kind="linear", objective="sigmoid", intercept=-1.0)
    >>> Predictor(spec, {"coef": np.array([0.5])}).score(np.array([[2.0], [4.0]])).round(3).tolist()
    [0.5, 0.731]
    """

    def __init__(self, spec: PredictorSpec, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.spec = spec
        self.arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        self._run = _function(spec, self.arrays)
        self._link = _link(spec)
        self._curve = _curve(spec, self.arrays)

    def __reduce__(self) -> tuple[type[Predictor], tuple[PredictorSpec, dict[str, npt.NDArray[Any]]]]:
        """Travel between processes as what it is made of."""
        return Predictor, (self.spec, self.arrays)

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
        return self._calibrated(self.uncalibrated(rows))

    def score_together(self, rows: Floats) -> Floats:
        """Return one score a row, as :meth:`score` does; a net's sooner, with other last bits than a row has alone."""
        return self._calibrated(self._linked(self._run.together(rows)))

    def _calibrated(self, scores: Floats) -> Floats:
        if self.spec.calibration == "isotonic":
            curved = np.interp(scores, self.arrays["xs"], self.arrays["ys"])
            return np.where(np.isnan(scores), scores, curved)
        return scores if self._curve is None else _each(self._curve, scores)

    def uncalibrated(self, rows: Floats) -> Floats:
        """Return the scores that calibration is given."""
        return self._linked(self._run.many(rows))

    def _linked(self, raw: Floats) -> Floats:
        return raw if self._link is None else _each(self._link, raw)

    def score_one(self, row: Floats) -> float:
        """Return the score of one row, shape (1, columns): the same to the bit as among others, sooner."""
        score = self._run.one(row)
        if self._link is not None:
            score = self._link(score)
        return score if self._curve is None else self._curve(score)

    def raw(self, rows: Floats) -> Floats:
        """Return the model's own output, before objective and calibration."""
        return self._run.many(rows)


def predict(predictor: Predictor, rows: Floats) -> Floats:
    """Return one score a row; see :meth:`Predictor.score`."""
    return predictor.score(rows)


def trees_arrays(trees: Any) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays under which a predictor keeps ``kernel.Trees``; a single number becomes an array of none."""
    return {f"trees.{name}": np.asarray(value) for name, value in trees._asdict().items()}


def sigmoid(raw: Floats) -> Floats:
    """Return ``1 / (1 + exp(-raw))`` of each number."""
    return _each(sigmoid_of, raw)


def _each(function: Callable[[float], float], values: Floats) -> Floats:
    return np.array([function(value) for value in values.tolist()], np.float64)


def _link(spec: PredictorSpec) -> Callable[[float], float] | None:
    """Return what turns a raw score into what calibration is given."""
    if spec.objective == "sigmoid":
        scale = spec.scale
        return lambda raw: sigmoid_of(scale * raw)
    if spec.objective == "focal":
        gamma, negative, positive = spec.focal
        return lambda raw: focal_of(raw, gamma, negative, positive)
    return None


def _curve(spec: PredictorSpec, arrays: Mapping[str, npt.NDArray[Any]]) -> Callable[[float], float] | None:
    """Return what turns a score into a probability."""
    if spec.calibration == "platt":
        slope, offset = spec.slope, spec.offset
        return lambda score: sigmoid_of(slope * score + offset)
    if spec.calibration == "beta":
        beta = Beta(spec.slope, spec.second_slope, spec.offset)
        return lambda score: beta_of(score, beta)
    if spec.calibration == "isotonic":
        xs, ys = arrays["xs"].tolist(), arrays["ys"].tolist()
        return lambda score: on_curve(score, xs, ys)
    return None


class _Raw(NamedTuple):
    """What gives raw scores: of many rows, of one, and of many when the last bits may depend on the others."""

    many: Callable[[Floats], Floats]
    one: Callable[[Floats], float]
    together: Callable[[Floats], Floats]


def _function(spec: PredictorSpec, arrays: Mapping[str, npt.NDArray[Any]]) -> _Raw:
    """Return what gives the raw scores of rows."""
    if spec.kind == "trees":
        return _tree_function(arrays)
    many, together = _array_functions(spec, arrays)
    return _Raw(many, lambda row: float(many(row)[0]), together)


def _array_functions(
    spec: PredictorSpec, arrays: Mapping[str, npt.NDArray[Any]]
) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    if spec.kind == "onnx":
        from tidewheel.registry.models.onnx import onnx_function

        return onnx_function(arrays["graph"], spec.output)
    if spec.kind == "function":
        from tidewheel.registry.models.functions import row_function

        apart = row_function(spec.function, spec.source, arrays)
        return apart, apart
    many = partial(_constant if spec.kind == "constant" else _linear, spec, arrays)
    return many, many


def _constant(spec: PredictorSpec, arrays: Mapping[str, npt.NDArray[Any]], rows: Floats) -> Floats:
    return np.full(len(rows), spec.intercept)


def _tree_function(arrays: Mapping[str, npt.NDArray[Any]]) -> _Raw:
    """Return what runs the flattened trees; only they need compiled code, so only here is it imported."""
    from tidewheel.kernel import lay_out, predict_trees, score_row
    from tidewheel.kernel.models.trees import Trees

    found = {name.removeprefix("trees."): value for name, value in arrays.items() if name.startswith("trees.")}
    differ = set(Trees._fields) ^ set(found)
    if differ:
        raise CorruptError(f"the predictor's trees and this release differ in {sorted(differ)}")
    fields: dict[str, Any] = {name: value.item() if value.ndim == 0 else value for name, value in found.items()}
    forest = lay_out(Trees(**fields))
    many = partial(predict_trees, forest)
    return _Raw(many, partial(score_row, forest), many)


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
