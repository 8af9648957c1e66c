"""What happened to models and services, put into the event log as events like any other."""

from __future__ import annotations

import msgspec

from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import Note, mark_sent, pending_notes
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent

LIFECYCLE = "_Lifecycle"
"""The event type: columns ``kind`` (``deployment.promote``), ``subject`` (``Score``), ``body`` (JSON)."""
AT_ONCE = 1000


def send_notes(catalog: Catalog, log: EventLog, now: int) -> int:
    """Put the catalog's pending notes into the event log; return how many.

    An event's id is its note's number, so that a note sent again after a crash is logged once.

    Parameters
    ----------
    catalog : Catalog
    log : EventLog
    now : int
        The workspace's instant.
    """
    sent = 0
    while notes := pending_notes(catalog, AT_ONCE):
        log.append([_event(note, now) for note in notes], now=now)
        mark_sent(catalog, [note.seq for note in notes])
        sent += len(notes)
    return sent


def _event(note: Note, now: int) -> NewEvent:
    body = msgspec.json.encode(note.body, order="sorted").decode()
    columns: dict[str, object] = {"kind": note.kind, "subject": note.subject, "body": body}
    return NewEvent(LIFECYCLE, str(note.seq), note.at, columns, arrived=max(now, note.at))
