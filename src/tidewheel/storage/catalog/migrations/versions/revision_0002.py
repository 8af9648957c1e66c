"""The training life cycle: steps with keys, runs that know their process. Written out, like the first.

Every column added to an older table has a default, so that rows written before stay whole.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the second release keeps."""
    _steps()
    _jobs()
    _environments()
    _marks()
    _trials()
    _datasets()
    _approvals()


def _added(name: str, kind: sa.types.TypeEngine[Any], default: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def _steps() -> None:
    """Say whose process a run is, and what each of its steps was made of and left."""
    op.add_column("runs", _added("key", sa.Text(), ""))
    op.add_column("runs", _added("process", sa.Text(), ""))
    op.add_column("runs", sa.Column("seen", sa.BigInteger(), nullable=True))
    op.create_index("ix_runs_key", "runs", ["key"])
    for name in ("key", "output", "reused"):
        op.add_column("run_steps", _added(name, sa.Text(), ""))
    op.add_column("run_steps", _added("status", sa.Text(), "done"))
    op.add_column("run_steps", _added("attempts", sa.Integer(), "1"))
    op.create_index("ix_run_steps_key", "run_steps", ["key"])


def _jobs() -> None:
    """Say what asked for a job's run: a time, or an event."""
    op.add_column("job_runs", _added("cause", sa.Text(), ""))


def _environments() -> None:
    """Say which version of a model stands in development, staging, production or another environment."""
    op.create_table(
        "environments",
        *_texts("model", "environment"),
        sa.Column("number", sa.Integer(), nullable=False),
        *_bigs("revision", "since"),
        *_texts("why", "who"),
        sa.PrimaryKeyConstraint("model", "environment", name="pk_environments"),
    )
    op.create_table(
        "environment_history",
        _running("seq"),
        *_texts("model", "environment"),
        *_bigs("revision"),
        sa.Column("before", sa.Integer(), nullable=True),
        sa.Column("after", sa.Integer(), nullable=True),
        *_bigs("at"),
        *_texts("why", "who"),
        sa.PrimaryKeyConstraint("seq", name="pk_environment_history"),
        sa.UniqueConstraint(
            "model", "environment", "revision", name="uq_environment_history_model_environment_revision"
        ),
    )


def _marks() -> None:
    """Keep what people say about a version after it was made."""
    for table, words in (("version_tags", ("tag", "value")), ("deleted_versions", ("why",))):
        op.create_table(
            table,
            *_texts("model"),
            sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
            *_texts(*words),
            *_bigs("at"),
            *_texts("who"),
            sa.PrimaryKeyConstraint("model", "number", *words[: len(words) - 1], name=f"pk_{table}"),
        )
    op.create_table(
        "version_notes",
        _running("seq"),
        *_texts("model"),
        sa.Column("number", sa.Integer(), nullable=False),
        *_texts("text"),
        *_bigs("at"),
        *_texts("who"),
        sa.PrimaryKeyConstraint("seq", name="pk_version_notes"),
    )
    op.create_index("ix_version_notes_model_number", "version_notes", ["model", "number"])


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _bigs(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False) for name in names]


def _running(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True)


def _trials() -> None:
    """Keep each trial of a search as it ends."""
    op.create_table(
        "trials",
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("search", "state", "parameters", "steps", "error")),
        sa.Column("value", sa.Float, nullable=True),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_trials_run"),
        sa.PrimaryKeyConstraint("run", "number", name="pk_trials"),
    )
    op.create_index("ix_trials_search", "trials", ["search"])


def _datasets() -> None:
    """Say where a data set's rows are."""
    op.add_column("datasets", _added("manifest", sa.Text(), ""))


def _approvals() -> None:
    """Say what people are asked about versions, and what they answered."""
    words = ("version", "gate", "run", "approvers", "detail", "evidence")
    op.create_table(
        "approvals",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in words),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("who", "note")),
        sa.PrimaryKeyConstraint("seq", name="pk_approvals"),
        sa.UniqueConstraint("version", "gate", name="uq_approvals_version_gate"),
    )
