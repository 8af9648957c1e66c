"""Decisions joined to what became of them: labels, their horizons, and which are known yet."""

from tidewheel.outcomes.join import Joined, Status, join_outcomes

__all__ = ["Joined", "Status", "join_outcomes"]
