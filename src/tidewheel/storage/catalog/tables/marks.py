"""What people say about a version after it was made: tags, notes, and that it is given up."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import RunningNumber, instant, metadata, text

version_tags = sa.Table(
    "version_tags",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tag", sa.Text, primary_key=True),
    text("value"),
    instant("at"),
    text("who"),
)

version_notes = sa.Table(
    "version_notes",
    metadata,
    sa.Column("seq", RunningNumber, primary_key=True),
    text("model"),
    sa.Column("number", sa.Integer, nullable=False),
    text("text"),
    instant("at"),
    text("who"),
    sa.Index("ix_version_notes_model_number", "model", "number"),
)

deleted_versions = sa.Table(
    "deleted_versions",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    instant("at"),
    text("why"),
    text("who"),
)
"""A version's own row never changes; one that is listed here is answered for no more."""
