"""Training data sets, by content."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import instant, metadata, text

datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    text("model"),
    text("view"),
    sa.Column("rows", sa.BigInteger, nullable=False),
    instant("as_of"),
    text("detail"),
    instant("created"),
    text("manifest", default=""),
)
