"""``tw.calibrate``: how scores are turned into probabilities, by rows held out of the fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["beta", "isotonic", "platt"]


@dataclass(frozen=True)
class Calibration:
    """Made by `isotonic`, `platt` and ``tw.calibrate.beta``."""

    kind: Literal["isotonic", "platt", "beta"]


def isotonic() -> Calibration:
    """Calibrate scores by isotonic regression."""
    return Calibration("isotonic")


def platt() -> Calibration:
    """Calibrate scores by a logistic curve."""
    return Calibration("platt")


def beta() -> Calibration:
    """Calibrate scores by a beta curve: ``log odds = a log p - b log(1 - p) + c`` (Kull et al. 2017).

    Three numbers, so it needs fewer rows than isotonic regression; unlike `platt` it can leave scores as they are.

    Examples
    --------
    >>> beta().kind
    'beta'
    """
    return Calibration("beta")
