"""``tw.calibrate``: how scores are turned into probabilities, by rows held out of the fit."""

from tidewheel.definitions.models import Calibration, isotonic, platt

__all__ = ["beta", "isotonic", "platt"]


def beta() -> Calibration:
    """Calibrate scores by a beta curve: ``log odds = a log p - b log(1 - p) + c`` (Kull et al. 2017).

    Three numbers, so it needs fewer rows than isotonic regression; unlike `platt` it can leave scores as they are.

    Examples
    --------
    >>> beta().kind
    'beta'
    """
    return Calibration("beta")
