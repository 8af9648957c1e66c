"""What happened in the life of models and services: the outbox to the event log, and open alerts."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import RunningNumber, instant, metadata, text

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("seq", RunningNumber, primary_key=True),
    text("kind"),
    text("subject"),
    text("body"),
    instant("at"),
    sa.Column("sent", sa.BigInteger, nullable=True),
    sa.Index("ix_notes_subject_seq", "subject", "seq"),
    sa.Index("ix_notes_sent_seq", "sent", "seq"),
    sqlite_autoincrement=True,
)
"""`sent` is null until the note stands in the event log."""

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("seq", RunningNumber, primary_key=True),
    text("service"),
    text("kind"),
    text("subject"),
    text("message"),
    text("detail"),
    instant("opened"),
    instant("seen"),
    sa.Column("times", sa.Integer, nullable=False),
    instant("closed", nullable=True),
    sa.Index("ix_alerts_service_closed", "service", "closed"),
    sqlite_autoincrement=True,
)
"""An alert that fires again while open is seen again, not opened twice."""
