"""Turning scores into probabilities by held-out rows: isotonic steps, a logistic curve or a beta curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tidewheel.errors import TrainingError
from tidewheel.registry.models.links import Beta, beta_of

Floats = npt.NDArray[np.float64]
SLICE = 0.1
"""Share of the train rows, the last ones, that calibration is fitted on."""
_SLOPE = 1e-6


@dataclass(frozen=True)
class Isotonic:
    """A rising piecewise linear curve through (xs, ys); flat beyond its ends."""

    xs: Floats
    ys: Floats


@dataclass(frozen=True)
class Platt:
    """``1 / (1 + exp(-(a * score + b)))``."""

    a: float
    b: float


Curve = Isotonic | Platt | Beta
Kind = Literal["isotonic", "platt", "beta"]


def fit_calibration(kind: Kind, score: Floats, y: Floats, weight: Floats) -> Curve:
    """Fit the curve that turns `score` into the share of positives.

    Raises
    ------
    TrainingError
        When the held-out rows have one class.
    """
    if np.all(y == y[0]):
        raise TrainingError(f"all {y.size} rows held out for calibration have label {y[0]:g}")
    # Weights are known up to a factor, and the softening counts rows: a row of the class that stands for less is one.
    unit = min(float(weight[y == label].mean()) for label in (0.0, 1.0))
    weight = weight / unit if unit > 0.0 else weight
    fits: dict[Kind, Callable[[Floats, Floats, Floats], Curve]] = {"isotonic": isotonic, "platt": platt, "beta": beta}
    return fits[kind](score, y, weight)


def calibrated(curve: Curve | None, score: Floats) -> Floats:
    """Return probabilities for scores; the scores themselves without a curve.

    Examples
    --------
    >>> calibrated(Isotonic(np.array([0.0, 1.0]), np.array([0.2, 0.4])), np.array([0.5, 2.0])).round(6).tolist()
    [0.3, 0.4]
    """
    if curve is None:
        return score
    if isinstance(curve, Isotonic):
        return np.asarray(np.interp(score, curve.xs, curve.ys))
    if isinstance(curve, Beta):
        return np.array([beta_of(value, curve) for value in score.tolist()], np.float64)
    return np.asarray(1.0 / (1.0 + np.exp(-(curve.a * score + curve.b))))


def isotonic(score: Floats, y: Floats, weight: Floats) -> Isotonic:
    """Fit centred isotonic regression (Oron and Flournoy 2017).

    Pool-adjacent-violators gives blocks of one value; the curve runs straight between the blocks'
    centres instead of in steps, and keeps a slope of one millionth in the end blocks, so two scores that
    differ stay apart and the ranking within a block is kept.

    Examples
    --------
    >>> curve = isotonic(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]), np.ones(4))
    >>> calibrated(curve, np.array([0.15, 0.5, 0.85])).round(3).tolist()
    [0.1, 0.5, 0.9]
    """
    from sklearn.isotonic import isotonic_regression

    values, place = np.unique(score, return_inverse=True)
    mass = np.bincount(place, weight)
    mean = np.bincount(place, weight * y) / np.where(mass > 0, mass, 1.0)
    steps = isotonic_regression(mean[mass > 0], sample_weight=mass[mass > 0], y_min=0.0, y_max=1.0)
    values, mass = values[mass > 0], mass[mass > 0]
    block = np.concatenate([[0], np.cumsum(np.diff(steps) > 0)])
    centre = np.bincount(block, mass * values) / np.bincount(block, mass)
    rare = 0.5 / (mass.sum() + 1.0)  # no rate is told as certain: half a row short of it
    level = np.clip(steps[np.concatenate([[True], np.diff(steps) > 0])], rare, 1.0 - rare)
    low, high = min(0.0, values[0]), max(1.0, values[-1])
    xs = np.concatenate([[low], centre, [high]])
    ys = np.concatenate([[level[0] * (1 - _SLOPE)], level, [level[-1] + (1 - level[-1]) * _SLOPE]])
    apart = np.concatenate([[True], np.diff(xs) > 0])
    return Isotonic(xs[apart], ys[apart])


def platt(score: Floats, y: Floats, weight: Floats) -> Platt:
    """Fit a logistic curve by Newton's method, with Platt's (1999) softened targets.

    Examples
    --------
    >>> curve = platt(np.array([-2.0, -1.0, 1.0, 2.0] * 50), np.array([0.0, 1.0, 0.0, 1.0] * 50), np.ones(200))
    >>> curve.a > 0
    True
    """
    positives, negatives = float(weight @ y), float(weight @ (1 - y))
    target = np.where(y == 1.0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    spread = float(np.std(score)) or 1.0
    a, b = _logistic(np.column_stack([score / spread, np.ones_like(score)]), target, weight)
    return Platt(a / spread, b)


def beta(score: Floats, y: Floats, weight: Floats) -> Beta:
    """Fit beta calibration (Kull, Silva Filho and Flach 2017): a logistic curve over ``log p`` and ``-log(1 - p)``.

    A slope that would come out negative is held at zero, so the curve never falls. ``a = b = 1, c = 0`` leaves
    probabilities as they are: unlike Platt's curve it can tell that nothing has to be mended. Slopes are drawn a little
    towards 1: rows whose classes no score mixes up, as few rows may be, would have them grow without end.

    Raises
    ------
    TrainingError
        When scores are no probabilities.

    Examples
    --------
    >>> p = np.repeat([0.2, 0.5, 0.8], 100)
    >>> y = np.concatenate([np.arange(100) < share for share in (20, 50, 80)]).astype(float)
    >>> [round(number, 6) for number in beta(p, y, np.ones(300))]
    [1.0, 1.0, 0.0]
    """
    if score.min() < 0.0 or score.max() > 1.0:
        raise TrainingError(
            f"beta calibration takes probabilities, found scores from {score.min():.4g} to {score.max():.4g}",
            remedy="take tw.isotonic() or tw.calibrate.platt()",
        )
    p = np.clip(score, _EDGE, 1.0 - _EDGE)
    design = np.column_stack([np.log(p), -np.log1p(-p), np.ones_like(p)])
    kept = [0, 1, 2]
    while True:
        found = dict(zip(kept, _logistic(design[:, kept], y, weight, _PULL), strict=True))
        falling = [place for place in kept[:-1] if found[place] < 0]
        if not falling:
            return Beta(*(found.get(place, 0.0) for place in range(3)))
        kept.remove(min(falling, key=lambda place: found[place]))


_EDGE = 1e-15
_PULL = 0.1
"""What a slope's square distance to 1 costs, in log loss of rows: a prior of deviation 3."""


def _logistic(design: Floats, target: Floats, weight: Floats, pull: float = 0.0) -> list[float]:
    """Return the coefficients of logistic regression, by Newton's method; the last column is of ones.

    The others are pulled towards 1.
    """
    held = np.full(design.shape[1], pull)
    held[-1] = 0.0
    rate = float(np.clip(np.average(target, weights=weight), 1e-9, 1 - 1e-9))
    at = np.zeros(design.shape[1])
    at[-1] = np.log(rate / (1.0 - rate))
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-design @ at))
        gradient = design.T @ (weight * (p - target)) + held * (at - 1.0)
        curvature = (design * (weight * np.maximum(p * (1 - p), 1e-12))[:, None]).T @ design
        step = np.linalg.solve(curvature + np.diag(held + 1e-10), gradient)
        at = at - np.clip(step, -5.0, 5.0)
        if np.abs(step).max() < 1e-10:
            break
    return [float(value) for value in at]
