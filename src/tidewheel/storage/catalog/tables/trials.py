"""Trials: what a search tried, and what came of it."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import instant, metadata, text

trials = sa.Table(
    "trials",
    metadata,
    sa.Column("run", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    text("search"),
    text("state"),
    text("parameters"),
    sa.Column("value", sa.Float, nullable=True),
    text("steps"),
    sa.Column("seconds", sa.Float, nullable=False),
    text("error"),
    instant("at"),
    sa.Index("ix_trials_search", "search"),
)
"""`search` is the hash of all that a trial's value depends on besides its parameters, so that a search that was cut off
is found; `steps` are the values reported on the way, as JSON."""
