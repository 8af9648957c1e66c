"""What the scheduled parity checks found: the newest of each service, kept as notes that go on to the event log."""

from __future__ import annotations

import msgspec

from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import newest_notes, note

KIND = "parity.check"


class ViewCheck(msgspec.Struct, frozen=True):
    """Of one view, by its digest: decisions replayed, those in which a feature differs, and the first difference."""

    checked: int
    differing: int
    first: str = ""


class ColumnCheck(msgspec.Struct, frozen=True):
    """A feature that differs; see `tidewheel.features.proof.parity.FeatureParity`."""

    view: str
    feature: str
    checked: int
    mismatch: int
    missing: int
    extra: int
    first: str


class ParityCheck(msgspec.Struct, frozen=True):
    """One check of one service.

    Attributes
    ----------
    service : str
    at : int
        When it was made; the next one looks at decisions from here on.
    since : int
        The decisions looked at were made from here on.
    checked, features, differences, skipped : int
        Decisions replayed, values compared, values that differ, decisions that kept no features.
    views : dict of str to ViewCheck
    columns : list of ColumnCheck
        Features that differ, and no others.
    """

    service: str
    at: int
    since: int
    checked: int
    features: int
    differences: int
    skipped: int
    views: dict[str, ViewCheck]
    columns: list[ColumnCheck]


def keep_check(catalog: Catalog, check: ParityCheck) -> None:
    """Keep a check; the event log gets it as an event of kind ``parity.check``."""
    note(catalog, KIND, check.service, msgspec.to_builtins(check))


def newest_checks(catalog: Catalog) -> dict[str, ParityCheck]:
    """Return the newest check of each service that has been checked."""
    found = newest_notes(catalog, KIND)
    return {service: msgspec.convert(note.body, ParityCheck) for service, note in found.items()}
