"""Frozen graphs of definitions, and the groups whose state is kept."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import instant, metadata, text

graphs = sa.Table(
    "graphs",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    text("graph"),
    instant("created"),
)
"""Every graph that was ever live or served, by content."""

live_graphs = sa.Table(
    "live_graphs",
    metadata,
    sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.Text, sa.ForeignKey("graphs.digest"), nullable=False),
    instant("since"),
    text("who"),
)
"""Which graph the project's declarations gave, and when: the last row is live, the others are its history."""

groups = sa.Table(
    "groups",
    metadata,
    sa.Column("state_id", sa.Text, primary_key=True),
    text("name"),
    sa.Column("graph", sa.Text, sa.ForeignKey("graphs.digest"), nullable=False),
    text("status"),
    instant("since"),
)
"""One row per state that the stream keeps: ``building``, ``live`` or ``retired``."""
