"""Roles that one process of all hosts holds, what all of them agree on, and which hosts there are."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import instant, metadata, text

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    text("holder"),
    sa.Column("token", sa.BigInteger, nullable=False),
    instant("until"),
)
"""`until` is by the database's clock: hosts need not agree on the time."""

agreed = sa.Table(
    "agreed",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    text("value"),
)

hosts = sa.Table(
    "hosts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    text("workers"),
    instant("until"),
)
"""What the workers of each host have loaded; a host not heard of until then is gone."""
