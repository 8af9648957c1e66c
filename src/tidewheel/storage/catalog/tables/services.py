"""Frozen services, and the thresholds that are turned while they run."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import instant, metadata, text

service_versions = sa.Table(
    "service_versions",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    text("service"),
    text("definition"),
    sa.Column("graph", sa.Text, sa.ForeignKey("graphs.digest"), nullable=False),
    instant("created"),
    sa.Index("ix_service_versions_service", "service"),
)

thresholds = sa.Table(
    "thresholds",
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    text("levels"),
    instant("at"),
    text("cause"),
    text("who"),
)
"""Versioned like everything else: the newest row of a service holds."""
