"""Turning scores into probabilities by held-out rows: isotonic steps or a logistic curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tidewheel.errors import TrainingError

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


def fit_calibration(kind: Literal["isotonic", "platt"], score: Floats, y: Floats, weight: Floats) -> Isotonic | Platt:
    """Fit the curve that turns `score` into the share of positives.

    Raises
    ------
    TrainingError
        When the held-out rows have one class.
    """
    if np.all(y == y[0]):
        raise TrainingError(f"all {y.size} rows held out for calibration have label {y[0]:g}")
    return isotonic(score, y, weight) if kind == "isotonic" else platt(score, y, weight)


def calibrated(curve: Isotonic | Platt | None, score: Floats) -> Floats:
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
    design = np.column_stack([score, np.ones_like(score)])
    spread = float(np.std(score)) or 1.0
    design[:, 0] /= spread
    beta = np.array([0.0, np.log((positives + 1) / (negatives + 1))])
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-design @ beta))
        gradient = design.T @ (weight * (p - target))
        curvature = (design * (weight * np.maximum(p * (1 - p), 1e-12))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-10 * np.eye(2), gradient)
        beta = beta - np.clip(step, -5.0, 5.0)
        if np.abs(step).max() < 1e-10:
            break
    return Platt(float(beta[0] / spread), float(beta[1]))
