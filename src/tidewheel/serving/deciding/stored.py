"""Scores and lists that were made ahead, as a decision reads them: one get by the entity, with its age."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from tidewheel.errors import StaleError, TidewheelError
from tidewheel.features.keys import key_text
from tidewheel.storage.lists import lists_id, read_list
from tidewheel.storage.scores import StoredScore, read_score, read_scores, scores_id

if TYPE_CHECKING:
    from tidewheel.definitions.ir import Stored
    from tidewheel.storage.protocols import State

log = logging.getLogger("tidewheel.serving")


class StoredRead(NamedTuple):
    """What became of looking for a stored score or list.

    Attributes
    ----------
    kind : {"fresh", "stale", "missing", "unread"}
        Only a fresh one is used. ``unread``: the store could not be read.
    run : str
        The run that computed it, of a list the decision that gave it; "" where there is none.
    age : int
        Since the instant that it was computed for, µs.
    """

    kind: Literal["fresh", "stale", "missing", "unread"]
    run: str = ""
    age: int = 0

    def told(self) -> str:
        """Return it in a few words."""
        return f"{self.age / 1e6:.0f} s old" if self.kind == "stale" else self.kind


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
        read = _aged(self.declared, found.run, now - found.instant)
        return read, found if read.kind == "fresh" else None

    def name_of(self, found: StoredScore) -> str:
        """Return the version that computed a score."""
        return f"{self.model.partition('@')[0]}@{found.number}"

    def refuse(self, read: StoredRead) -> StaleError:
        """Return why there is no score where the model is not to compute one."""
        return StaleError(f"the stored score of {self.model} is {read.told()}")


@dataclass(frozen=True, eq=False)
class StoredItems:
    """A version's stored scores of items, as its service declares to use them.

    Attributes
    ----------
    state : State
        Where they are.
    declared : Stored
        Without a column of the event they are the item's, whoever asks.
    model : str
        The version in whose stead they answer: ``Ranker@3``.
    """

    state: State
    declared: Stored
    model: str

    def look(self, columns: Mapping[str, object], ids: Sequence[str], now: int) -> tuple[StoredRead, dict[str, float]]:
        """Return what there is for an event's candidates, and the scores that are fresh. Never raises.

        The read is ``fresh`` where all of them are, with the age of the oldest; else of the first that is not.
        """
        by = self.declared.by
        keys = ids if not by else [key_text([columns.get(by[0]), id]) or "" for id in ids]
        try:
            found = read_scores(self.state, scores_id(self.model, self.declared.entity), keys)
        except TidewheelError as error:
            log.warning("stored scores of %s can't be read: %s", self.model, error)
            return StoredRead("unread"), {}
        reads = [
            StoredRead("missing") if one is None else _aged(self.declared, one.run, now - one.instant) for one in found
        ]
        fresh = {
            id: one.score
            for id, one, read in zip(ids, found, reads, strict=True)
            if one is not None and read.kind == "fresh"
        }
        worst = next((read for read in reads if read.kind != "fresh"), None) or max(reads, key=lambda read: read.age)
        return worst, fresh


@dataclass(frozen=True, eq=False)
class StoredLists:
    """The lists that a service gave, as another declares to use them.

    Attributes
    ----------
    state : State
        Where they are.
    declared : Stored
    service : str
        The one that gave them.
    """

    state: State
    declared: Stored
    service: str

    def look(self, columns: Mapping[str, object], now: int) -> tuple[StoredRead, list[str]]:
        """Return what there is for an event, and the items where the list is fresh. Never raises."""
        key = columns.get(self.declared.by[0])
        try:
            found = None
            if key is not None:
                found = read_list(self.state, lists_id(self.service, self.declared.entity), str(key))
        except TidewheelError as error:
            log.warning("lists of %s can't be read: %s", self.service, error)
            return StoredRead("unread"), []
        if found is None:
            return StoredRead("missing"), []
        read = _aged(self.declared, found.decision, now - found.instant)
        return read, found.items if read.kind == "fresh" else []


def _aged(declared: Stored, run: str, age: int) -> StoredRead:
    return StoredRead("fresh" if age <= declared.max_age else "stale", run, age)
