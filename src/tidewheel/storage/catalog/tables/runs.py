"""Runs: what was trained, on what, how it went."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.tables.base import instant, metadata, text

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    text("model"),
    text("status"),
    instant("started"),
    instant("finished", nullable=True),
    text("cause"),
    text("who"),
    text("rerun_of"),
    text("parameters"),
    text("lineage"),
    text("gates"),
    text("artifacts"),
    text("error"),
    text("key", default=""),
    text("process", default=""),
    instant("seen", nullable=True),
    sa.Index("ix_runs_model_started", "model", "started"),
    sa.Index("ix_runs_key", "key"),
)
"""`key` names what was asked for, so that a run that was cut off is found; `process` and `seen` (microseconds UTC, by
the machine's clock) tell whether the process that works on it is alive."""

run_metrics = sa.Table(
    "run_metrics",
    metadata,
    sa.Column("run", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("split", sa.Text, primary_key=True),
    sa.Column("metric", sa.Text, primary_key=True),
    sa.Column("value", sa.Float, nullable=True),
    sa.Column("low", sa.Float, nullable=True),
    sa.Column("high", sa.Float, nullable=True),
)
"""One number a row, with the ends of its interval; null is "could not be computed"."""

run_steps = sa.Table(
    "run_steps",
    metadata,
    sa.Column("run", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    text("step"),
    instant("at"),
    sa.Column("seconds", sa.Float, nullable=False),
    text("detail"),
    text("key", default=""),
    text("output", default=""),
    text("reused", default=""),
    text("status", default="done"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="1"),
    sa.Index("ix_run_steps_key", "key"),
)
"""`key` is the hash of all that a step's output depends on, `output` the artifacts it left, `reused` whose they are."""
