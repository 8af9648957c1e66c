"""Environments: one row a model and environment says which version stands there; each change leaves a row."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import RunningNumber, instant, metadata, text

environments = sa.Table(
    "environments",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    instant("since"),
    text("why"),
    text("who"),
)

environment_history = sa.Table(
    "environment_history",
    metadata,
    sa.Column("seq", RunningNumber, primary_key=True),
    text("model"),
    text("environment"),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("before", sa.Integer, nullable=True),
    sa.Column("after", sa.Integer, nullable=True),
    instant("at"),
    text("why"),
    text("who"),
    sa.UniqueConstraint("model", "environment", "revision"),
)
"""`before` and `after` are numbers of versions; null where the environment stood empty."""
