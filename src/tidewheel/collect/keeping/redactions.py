"""The redaction ledger: what was erased, told without saying whom it was about.

Rows that belonged to a forgotten entity stay, with their keys and personal columns blanked. A decision that read
a feature made of such a column was right when it was made, and can't be computed again: the ledger names the
states it may have read, so that parity passes over it and counts it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.places.disks import write_durably

PENDING = "pending.json"
"""Name of the erasure that is under way; it alone names the entity's key, and is deleted at the end."""
HORIZONS = "horizons.json"
"""Name of what retention left: per state, the instant from which on decisions that read it can be replayed."""


class Touched(msgspec.Struct, frozen=True, array_like=True):
    """The state of another entity that folded a redacted event, and the first offset at which it did."""

    state_id: str
    key: str
    offset: int


class Redaction(msgspec.Struct, frozen=True, kw_only=True):
    """One finished erasure.

    Attributes
    ----------
    id : str
    entity : str
        What kind of thing was forgotten; never which.
    at : int
        When it began, by the workspace's clock: decisions made later read what is left.
    head : int
        The log's head then.
    rows : dict of str to int
        Rows blanked, by event type.
    touched : list of Touched
    counts : dict
        What else was blanked or deleted, where.
    replaced : dict of str to str
        Artifacts that held it: old digest to new.
    """

    id: str
    entity: str
    at: int
    head: int
    rows: dict[str, int] = {}
    touched: list[Touched] = []
    counts: dict[str, Any] = {}
    replaced: dict[str, str] = {}


class Redactions:
    """All finished erasures of a workspace, read from its ledger.

    Examples
    --------
    >>> ledger = Redactions([Redaction(id="1", entity="Card", at=9, head=5, rows={"Sale": 2})])
    >>> ledger.rows(["Sale", "Visit"], since=9), ledger.rows(["Sale"], since=10)
    (2, 0)
    """

    def __init__(self, entries: Iterable[Redaction] = (), horizons: Mapping[str, int] | None = None) -> None:
        self._horizons = dict(horizons or {})
        self.entries = sorted(entries, key=lambda entry: entry.at)
        self._touched: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for entry in self.entries:
            for state_id, key, offset in map(msgspec.structs.astuple, entry.touched):
                self._touched.setdefault((state_id, key), []).append((offset, entry.at))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the ledger in `folder`; empty when there is none."""
        files = sorted(folder.glob("*.json")) if folder.exists() else []
        entries = (file for file in files if file.name not in (PENDING, HORIZONS))
        return cls((msgspec.json.decode(file.read_bytes(), type=Redaction) for file in entries), _horizons(folder))

    def touch(self, record: DecisionRecord) -> bool:
        """Whether a decision is blanked, or read a state that had folded what is blanked or dropped since."""
        if not (self.entries or self._horizons):
            return False
        return any(
            not key
            or record.instant < self._horizons.get(state, 0)
            or any(offset >= first and record.instant <= at for first, at in self._touched.get((state, key), ()))
            for state, key, offset in record.states
        )

    def fingerprint(self) -> str:
        """Return a hash of what was taken out of history: where it is equal, what is left is."""
        told = [[entry.id for entry in self.entries], sorted(self._horizons.items())]
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()

    def rows(self, types: Iterable[str], since: int) -> int:
        """Return how many rows of some types were blanked by erasures that began at an instant or later."""
        wanted = set(types)
        entries = [entry for entry in self.entries if entry.at >= since]
        return sum(count for entry in entries for type, count in entry.rows.items() if type in wanted)


def note_horizons(folder: Path, horizons: Mapping[str, int]) -> None:
    """Keep the horizons of what is about to be dropped; one never goes back."""
    kept = _horizons(folder)
    later = {**kept, **{state: max(horizon, kept.get(state, 0)) for state, horizon in horizons.items()}}
    if later != kept:
        folder.mkdir(exist_ok=True)
        write_durably(folder / HORIZONS, msgspec.json.encode(later))


def _horizons(folder: Path) -> dict[str, int]:
    file = folder / HORIZONS
    return msgspec.json.decode(file.read_bytes(), type=dict[str, int]) if file.exists() else {}
