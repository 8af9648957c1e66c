"""Who changed what: the notes of changes that people, tokens and guards made, and the attempts that were refused.

Each change leaves its note in its own transaction (`storage.catalog.notes`), from wherever it came: the command line,
the control plane, the retraining loop. So there is nothing that was done and not noted, and no second book to keep.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import Note, latest_notes, note

KINDS = (
    "approval.",
    "definitions.",
    "deployment.",
    "environment.",
    "refused.",
    "switch.",
    "thresholds.",
    "token.",
    "version.",
)
REFUSED = "refused."


class AuditEvent(msgspec.Struct, frozen=True):
    """Something that somebody did, or tried to do."""

    seq: int
    at: int
    who: str
    action: str
    """Such as ``deployment.promote``."""
    subject: str
    origin: str
    """The address that asked over the network; "" for this machine's command line and processes."""
    outcome: str
    """``done``, or why not."""
    detail: dict[str, Any]


def audit(catalog: Catalog, *, subject: str = "", who: str = "", limit: int = 100) -> list[AuditEvent]:
    """Return what was changed, newest first.

    Parameters
    ----------
    subject : str
        Only of this service, model, token or version.
    who : str
        Only what this person or token did.
    limit : int
        At most so many of the newest.
    """
    found = latest_notes(catalog, KINDS, subject=subject, who=who, limit=limit)
    return [_event(entry) for entry in found]


def note_refused(catalog: Catalog, action: str, subject: str, why: str) -> None:
    """Write down that somebody was refused a change, or failed at it."""
    note(catalog, REFUSED + action, subject, {"outcome": why})


def _event(entry: Note) -> AuditEvent:
    body = dict(entry.body)
    who, origin, outcome = (str(body.pop(name, "")) for name in ("who", "from", "outcome"))
    action = entry.kind.removeprefix(REFUSED)
    return AuditEvent(entry.seq, entry.at, who, action, entry.subject, origin, outcome or "done", body)
