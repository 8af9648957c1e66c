"""API tokens: what each may do. The token itself is kept nowhere, only its hash."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import instant, metadata, text

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    text("scopes"),
    text("digest"),
    text("previous"),
    instant("previous_until", nullable=True),
    sa.Column("rate", sa.Float, nullable=False),
    instant("created"),
    instant("expires", nullable=True),
    instant("revoked", nullable=True),
    text("who"),
)
"""`previous` is the hash before the last rotation, good until `previous_until`; `rate` 0 is no limit."""
