"""Scores that were computed ahead, as a decision reads them: one get by the entity, with its age."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from tidewheel.errors import StaleError, TidewheelError
from tidewheel.storage.scores import StoredScore, read_score, scores_id

if TYPE_CHECKING:
    from tidewheel.definitions.ir import Stored
    from tidewheel.storage.protocols import State

log = logging.getLogger("tidewheel.serving")


class StoredRead(NamedTuple):
    """What became of looking for a stored score.

    Attributes
    ----------
    kind : {"fresh", "stale", "missing", "unread"}
        Only a fresh one is used. ``unread``: the store could not be read.
    run : str
        The run that computed it; "" where there is none.
    age : int
        Since the instant that it was computed for, µs.
    """

    kind: Literal["fresh", "stale", "missing", "unread"]
    run: str = ""
    age: int = 0


@dataclass(frozen=True, eq=False)
class StoredScores:
    """A version's stored scores, as its service declares to use them.

    Attributes
    ----------
    state : State
        Where they are.
    declared : Stored
    model : str
        The version in whose stead they answer: ``Churn@3``.
    """

    state: State
    declared: Stored
    model: str

    def look(self, columns: Mapping[str, object], now: int) -> tuple[StoredRead, StoredScore | None]:
        """Return what there is for an event, and the score where it is fresh. Never raises."""
        key = columns.get(self.declared.by[0])
        model = self.model.partition("@")[0] if self.declared.any_version else self.model
        try:
            found = None if key is None else read_score(self.state, scores_id(model, self.declared.entity), str(key))
        except TidewheelError as error:
            log.warning("stored scores of %s can't be read: %s", self.model, error)
            return StoredRead("unread"), None
        if found is None:
            return StoredRead("missing"), None
        age = now - found.instant
        fresh = age <= self.declared.max_age
        return StoredRead("fresh" if fresh else "stale", found.run, age), found if fresh else None

    def name_of(self, found: StoredScore) -> str:
        """Return the version that computed a score."""
        return f"{self.model.partition('@')[0]}@{found.number}"

    def refuse(self, read: StoredRead) -> StaleError:
        """Return why there is no score where the model is not to compute one."""
        said = f"{read.age / 1e6:.0f} s old" if read.kind == "stale" else read.kind
        return StaleError(f"the stored score of {self.model} is {said}")
