"""From raw scores to probabilities, number by number by the C library: one row and many give the same bits."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import NamedTuple

_LARGEST = 709.0
"""``exp`` of more than this is infinite."""
_EDGE = 1e-15
"""Beta calibration keeps probabilities this far from 0 and 1, where their logarithms are infinite."""


def sigmoid_of(value: float) -> float:
    """Return ``1 / (1 + exp(-value))``.

    Examples
    --------
    >>> sigmoid_of(0.0)
    0.5
    """
    return 1.0 / (1.0 + math.exp(min(-value, _LARGEST)))


def focal_of(raw: float, gamma: float, negative: float, positive: float) -> float:
    """Return the probability for which a raw score minimises the expected focal loss (Lin et al. 2017).

    The sigmoid of a score learned by focal loss is not a probability: where the loss is least,
    ``eta * positive * h(p) = (1 - eta) * negative * h(1 - p)``, with ``p`` the sigmoid and
    ``h(u) = (1 - u)**gamma * ((1 - u) - gamma * u * log(u))``. That is solved for ``eta``
    (Charoenphakdee et al. 2021, with the weights of the classes added).

    Examples
    --------
    >>> focal_of(0.4, 0.0, 1.0, 1.0) == sigmoid_of(0.4)
    True
    >>> round(focal_of(1.0, 2.0, 1.0, 1.0), 4)
    0.9359
    """
    if raw != raw:
        return raw
    p, q = sigmoid_of(raw), sigmoid_of(-raw)
    if gamma == 0.0 and negative == positive:
        return p
    for_positive = positive * _h(q, p, gamma)
    for_negative = negative * _h(p, q, gamma)
    return for_negative / (for_positive + for_negative)


def _h(other: float, own: float, gamma: float) -> float:
    """Return h(own), of which `other` is the rest to 1."""
    log_own = math.log(own) if own < 0.5 else math.log1p(-other)
    return math.pow(other, gamma) * (other - gamma * own * log_own)


class Beta(NamedTuple):
    """Beta calibration (Kull et al. 2017): ``log odds = a * log(p) - b * log(1 - p) + c``."""

    a: float
    b: float
    c: float


def beta_of(p: float, curve: Beta) -> float:
    """Return a probability calibrated by a beta curve.

    Examples
    --------
    >>> round(beta_of(0.3, Beta(1.0, 1.0, 0.0)), 12)
    0.3
    """
    p = min(max(p, _EDGE), 1.0 - _EDGE) if p == p else p
    return sigmoid_of(curve.a * math.log(p) - curve.b * math.log1p(-p) + curve.c)


def on_curve(x: float, xs: list[float], ys: list[float]) -> float:
    """Interpolate one value by the arithmetic of ``numpy.interp``."""
    if x >= xs[-1] or x < xs[0]:
        return ys[-1] if x >= xs[-1] else ys[0]
    at = bisect_right(xs, x) - 1
    if math.isnan(x) or x == xs[at]:
        return x if math.isnan(x) else ys[at]
    return (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at]) * (x - xs[at]) + ys[at]
