"""Decisions joined to what became of them: labels, their horizons, and which are known yet."""

from tidewheel.outcomes.answered import COLUMNS, FACTS, answered, evenly, fell_back, model_scores, time_spent, view_rows
from tidewheel.outcomes.join import Joined, Status, join_outcomes
from tidewheel.outcomes.labels import Decided, Labels, decided_rows, label_rows
from tidewheel.outcomes.lists import Lists, join_lists

__all__ = [
    "COLUMNS",
    "FACTS",
    "Decided",
    "Joined",
    "Labels",
    "Lists",
    "Status",
    "answered",
    "decided_rows",
    "evenly",
    "fell_back",
    "join_lists",
    "join_outcomes",
    "label_rows",
    "model_scores",
    "time_spent",
    "view_rows",
]
