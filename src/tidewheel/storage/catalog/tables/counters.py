"""One number a topic, raised by each change of it: how watchers tell a change that matters from one that does not."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import metadata

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
