"""The pointers: one row a service says what answers; each change leaves a row of history."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import RunningNumber, instant, metadata, text

deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("service_version", sa.Text, sa.ForeignKey("service_versions.digest"), nullable=False),
    text("champion"),
    text("previous"),
    text("previous_service_version"),
    text("challenger"),
    text("challenger_service_version"),
    sa.Column("share", sa.Float, nullable=False),
    text("mode"),
    text("salt"),
    sa.Column("killed", sa.Boolean, nullable=False),
    instant("since"),
    text("cause"),
    text("who"),
)

deployment_history = sa.Table(
    "deployment_history",
    metadata,
    sa.Column("seq", RunningNumber, primary_key=True),
    text("service"),
    sa.Column("revision", sa.BigInteger, nullable=False),
    text("action"),
    text("before"),
    text("after"),
    instant("at"),
    text("cause"),
    text("who"),
    sa.UniqueConstraint("service", "revision"),
)
