"""Exploration of lists: now and then an item changes places with another candidate, by a probability that is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from tidewheel.routing.draws import Draw


class Swapped(NamedTuple):
    """A list as it is shown.

    Attributes
    ----------
    order : list of int
        Candidates, in the order of the list.
    explored : bool
    propensity : float
        Probability of this list.
    propensities : list of float
        For each item, that of standing at its place.
    """

    order: list[int]
    explored: bool
    propensity: float
    propensities: list[float]


class Swaps:
    """Draws, for one service, which of its lists are explored, and how.

    One place is drawn evenly, and one of the other candidates: from the list, which then changes places with what
    stands there, or from outside of it, which then takes the place. So each is seen now and then, and at each place.

    Parameters
    ----------
    service : str
        Its name; each service draws its own.
    share : float
        Of lists.

    Examples
    --------
    >>> Swaps("Recommend", 1.0)("01J0", [4, 2], [], ())
    Swapped(order=[2, 4], explored=True, propensity=1.0, propensities=[1.0, 1.0])
    >>> Swaps("Recommend", 0.1)("01J0", [4], [], ())
    Swapped(order=[4], explored=False, propensity=1.0, propensities=[1.0])
    """

    def __init__(self, service: str, share: float) -> None:
        self._share = share
        self._whether, self._where, self._what = (
            Draw(purpose, service) for purpose in ("explore", "explore place", "explore item")
        )

    def __call__(self, event: str, chosen: Sequence[int], rest: Sequence[int], fixed: Collection[int]) -> Swapped:
        """Return a list as it is shown.

        Parameters
        ----------
        event : str
            The event's id, which the draws are made from: a retry gets the same list.
        chosen : sequence of int
            The list.
        rest : sequence of int
            Other candidates that may stand in it.
        fixed : collection of int
            Of `chosen`: what stays where it is.
        """
        free = [place for place, item in enumerate(chosen) if item not in fixed]
        others = len(free) + len(rest) - 1
        if not free or others < 1:
            return Swapped(list(chosen), False, 1.0, [1.0] * len(chosen))
        order = list(chosen)
        outside = self._share / (len(free) * others)  # a place, and a candidate: within the list both ways are one
        stays = 1.0 - self._share / len(free) - (len(free) - 1) * outside
        propensities = [1.0 if item in fixed else stays for item in chosen]
        if self._whether(event) >= self._share:
            return Swapped(order, False, 1.0 - self._share, propensities)
        place = free[int(self._where(event) * len(free))]
        candidates = [*(order[other] for other in free if other != place), *rest]
        item = candidates[int(self._what(event) * others)]
        if item not in order:
            order[place] = item
            propensities[place] = outside
            return Swapped(order, True, outside, propensities)
        other = order.index(item)
        order[place], order[other] = item, order[place]
        propensities[place] = propensities[other] = 2.0 * outside
        return Swapped(order, True, 2.0 * outside, propensities)
