"""Sticky splits: a unit's arm follows from a hash of its name, so it needs no table and never flickers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tidewheel.errors import InputError
from tidewheel.routing.draws import Draw

CHAMPION = "champion"
CHALLENGER = "challenger"


class Arm(NamedTuple):
    """Which variant a unit gets, and how probable that was."""

    name: str
    propensity: float


class Split:
    """Splits units among arms by their shares; what the shares leave goes to the rest.

    Raising an arm's share never moves a unit out of it, nor from it to another arm: arms take their units from
    fixed, separate stretches of the hash's range when there are up to two of them beside the rest.

    Parameters
    ----------
    service, salt : str
        Splits with another service or salt deal anew.
    shares : mapping
        Share of each arm, at least 0, together at most 1. The first is dealt from the low end upward, the
        second from the high end downward, any others after the first.
    rest : str
        The arm of all other units.

    Raises
    ------
    InputError
        Shares below 0 or together above 1.

    Examples
    --------
    >>> split = Split("Score", "Fraud@2/7", {"challenger": 0.05})
    >>> arm = split("card 42")
    >>> arm == split("card 42")
    True
    >>> arm.propensity == {"challenger": 0.05, "champion": 0.95}[arm.name]
    True
    """

    __slots__ = ("_bounds", "_draw", "_rest")

    def __init__(self, service: str, salt: str, shares: Mapping[str, float], rest: str = CHAMPION) -> None:
        total = sum(shares.values())
        if any(not share >= 0.0 for share in shares.values()) or total > 1.0 + 1e-9:
            raise InputError(
                f"shares {dict(shares)} of {service}", remedy="give shares of at least 0 that sum to at most 1"
            )
        self._draw = Draw("split", service, salt)
        self._rest = Arm(rest, max(0.0, 1.0 - total))
        self._bounds = _bounds([Arm(name, share) for name, share in shares.items()])

    def __call__(self, unit: str) -> Arm:
        """Return the unit's arm, always the same one."""
        point = self._draw(unit)
        for low, high, arm in self._bounds:
            if low <= point < high:
                return arm
        return self._rest


def _bounds(arms: list[Arm]) -> tuple[tuple[float, float, Arm], ...]:
    """Return (from, to, arm): the first arm upward from 0, the second downward from 1, others after the first.

    An arm's place is the one it was given in, also while its share is 0: ramped up, it takes from its own end.
    """
    result, used = [], 0.0
    for place, arm in enumerate(arms):
        if place == 1:
            result.append((1.0 - arm.propensity, 1.0, arm))
        else:
            result.append((used, used + arm.propensity, arm))
            used += arm.propensity
    return tuple(bound for bound in result if bound[0] < bound[1])
