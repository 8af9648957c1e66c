"""What people are asked about versions, and what they answered."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import RunningNumber, instant, metadata, text

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("seq", RunningNumber, primary_key=True),
    text("version"),
    text("gate"),
    text("run"),
    text("approvers"),
    text("detail"),
    text("evidence"),
    instant("asked"),
    instant("expires"),
    text("answer"),
    instant("answered", nullable=True),
    text("who"),
    text("note"),
    sa.UniqueConstraint("version", "gate"),
)
"""`answer` is "" until somebody gives one; a row is answered once, and not changed after."""
