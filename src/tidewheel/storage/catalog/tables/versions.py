"""Model versions. Rows are written once and never changed."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import instant, metadata, text

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("run", sa.Text, sa.ForeignKey("runs.id"), nullable=False, unique=True),
    text("bundle"),
    text("view"),
    text("definition"),
    text("metrics"),
    text("gates"),
    text("who"),
    instant("created"),
    sa.Index("ix_versions_bundle", "bundle"),
)
