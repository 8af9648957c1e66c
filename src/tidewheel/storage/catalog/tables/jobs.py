"""Scheduled jobs, and each due time's run: the key makes a due time run once."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import instant, metadata, text

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    text("schedule"),
    instant("since"),
)
"""`since`: due times at or before it belong to no one; it is when the job was first seen or its schedule changed."""

job_runs = sa.Table(
    "job_runs",
    metadata,
    sa.Column("job", sa.Text, sa.ForeignKey("jobs.name"), primary_key=True),
    sa.Column("due", sa.BigInteger, primary_key=True, autoincrement=False),
    text("status"),
    sa.Column("attempt", sa.Integer, nullable=False),
    text("holder"),
    instant("claimed"),
    instant("finished", nullable=True),
    text("detail"),
    text("cause", default=""),
)
