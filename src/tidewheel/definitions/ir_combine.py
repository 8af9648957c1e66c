"""The frozen form of how several models' scores become one. Part of `tidewheel.definitions.ir`."""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.frozen import Frozen
from tidewheel.definitions.ir_expressions import Expr


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

    def share_of(self, place: int) -> float:
        """Return a member's part of the deadline."""
        return self.shares[place] if self.shares else 1.0 / len(self.members)
