"""The frozen form of how several models' scores become one. Part of `tidewheel.definitions.ir`."""

from __future__ import annotations

from itertools import accumulate
from typing import Literal

from tidewheel.definitions.ir.expressions import Expr
from tidewheel.definitions.ir.frozen import Frozen


class Combine(Frozen, frozen=True):
    """What a service with more than one model does with their scores."""

    kind: Literal["weighted", "vote", "stack", "cascade", "expression"]
    members: tuple[str, ...]
    """Models in the order in which they are asked; of a ``stack``, what combines them comes last."""
    weights: tuple[float, ...] = ()
    """For ``weighted``, by member; together 1."""
    at: tuple[float, ...] = ()
    """For ``vote``, by member: from which score it says yes."""
    unsure: tuple[float, float] | None = None
    """For ``cascade``: the scores, ends included, for which the next member is asked."""
    shares: tuple[float, ...] = ()
    """Of the deadline, by member; empty is evenly."""
    expr: Expr | None = None
    """For ``expression``: over members' scores (`Score`) and the columns of the service's `score_view` (`Computed`)."""
    top: tuple[int, ...] = ()
    """For ``cascade`` of a list: of how many candidates each member after the first is asked."""

    def ends(self) -> tuple[float, ...]:
        """Return by which part of the deadline each member has to have answered.

        Those that are asked together have all of it, unless `shares` says otherwise.

        Examples
        --------
        >>> Combine("cascade", ("Small", "Large"), shares=(0.25, 0.75)).ends()
        (0.25, 1.0)
        """
        n = len(self.members)
        if self.shares:
            return (*list(accumulate(self.shares))[:-1], 1.0)
        if self.kind == "cascade":
            return tuple((place + 1) / n for place in range(n))
        return (*[(n - 1) / n if self.kind == "stack" else 1.0] * (n - 1), 1.0)
