"""Exploration: now and then let through what would be prevented, so that its outcome is seen, and log how often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tidewheel.errors import InputError
from tidewheel.routing.draws import Draw


class Explored(NamedTuple):
    """The action to take, and how probable it was that this one would be taken."""

    action: str
    explored: bool
    propensity: float


class Explorer:
    """Draws, for one service, which of the decisions that prevent an outcome are let through.

    Parameters
    ----------
    service : str
        Its name; each service draws its own.
    actions : sequence of str
        All actions, by rising score (``ir.Service.thresholds``).
    prevents : sequence of str
        Actions that keep the outcome from being seen.
    rate : float
        Share of would-be preventing decisions that get the highest action below that prevents nothing.

    Raises
    ------
    InputError
        A rate outside 0 to 1, or no action that prevents nothing to let through with.

    Examples
    --------
    >>> explorer = Explorer("Score", ["allow", "review", "block"], ["block"], rate=0.01)
    >>> explorer("01J0", "allow")
    Explored(action='allow', explored=False, propensity=1.0)
    >>> explorer("01J0", "block").propensity
    0.99
    """

    __slots__ = ("_draw", "_kept", "_let", "_rate")

    def __init__(self, service: str, actions: Sequence[str], prevents: Sequence[str], rate: float) -> None:
        if not 0.0 <= rate <= 1.0:
            raise InputError(f"explore = {rate!r} of {service}", remedy="give a share from 0 to 1")
        self._draw = Draw("explore", service)
        self._rate = rate
        self._let = _let_through(service, actions, prevents) if rate > 0.0 else {}
        self._kept = {action: Explored(action, False, 1.0 - rate) for action in self._let}

    def __call__(self, decision: str, action: str) -> Explored:
        """Return what to do where `action` was decided.

        Parameters
        ----------
        decision : str
            What the draw is made from: the event's id, so that a retry gets the same answer.
        action : str
            What the thresholds say. An action that prevents nothing is returned as it is, propensity 1.
        """
        instead = self._let.get(action)
        if instead is None:
            return Explored(action, False, 1.0)
        if self._draw(decision) < self._rate:
            return Explored(instead, True, self._rate)
        return self._kept[action]


def _let_through(service: str, actions: Sequence[str], prevents: Sequence[str]) -> dict[str, str]:
    """Return, for each preventing action, the nearest one below it that prevents nothing, or else above it."""
    result = {}
    for action in prevents:
        place = actions.index(action) if action in actions else len(actions)
        free = [other for other in (*reversed(actions[:place]), *actions[place + 1 :]) if other not in prevents]
        if not free:
            raise InputError(f"every action of {service} prevents the outcome", remedy="leave one out of `prevents`")
        result[action] = free[0]
    return result
