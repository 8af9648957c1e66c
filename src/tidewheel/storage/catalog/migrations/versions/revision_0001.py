"""The first tables. Written out rather than taken from ``tables/``, which goes on changing."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table of the first release."""
    _definitions()
    _runs()
    _versions()
    _services()
    _deployments()
    _jobs()
    _notes()
    _watching()


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _big(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable, autoincrement=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, autoincrement=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=True)


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def _definitions() -> None:
    op.create_table("graphs", *_text("digest", "graph"), _big("created"), _primary("graphs", "digest"))
    op.create_table(
        "live_graphs",
        _big("revision"),
        *_text("digest"),
        _big("since"),
        *_text("who"),
        _foreign("live_graphs", "digest", "graphs.digest"),
        _primary("live_graphs", "revision"),
    )
    op.create_table(
        "groups",
        *_text("state_id", "name", "graph", "status"),
        _big("since"),
        _foreign("groups", "graph", "graphs.digest"),
        _primary("groups", "state_id"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        *_text("id", "model", "status"),
        _big("started"),
        _big("finished", nullable=True),
        *_text("cause", "who", "rerun_of", "parameters", "lineage", "gates", "artifacts", "error"),
        _primary("runs", "id"),
    )
    op.create_index("ix_runs_model_started", "runs", ["model", "started"])
    op.create_table(
        "run_metrics",
        *_text("run", "split", "metric"),
        *(sa.Column(name, sa.Float, nullable=True) for name in ("value", "low", "high")),
        _foreign("run_metrics", "run", "runs.id"),
        _primary("run_metrics", "run", "split", "metric"),
    )
    op.create_table(
        "run_steps",
        *_text("run"),
        _small("seq"),
        *_text("step"),
        _big("at"),
        sa.Column("seconds", sa.Float, nullable=False),
        *_text("detail"),
        _foreign("run_steps", "run", "runs.id"),
        _primary("run_steps", "run", "seq"),
    )


def _versions() -> None:
    op.create_table(
        "versions",
        *_text("model"),
        _small("number"),
        *_text("run", "bundle", "view", "definition", "metrics", "gates", "who"),
        _big("created"),
        _foreign("versions", "run", "runs.id"),
        _primary("versions", "model", "number"),
        sa.UniqueConstraint("run", name="uq_versions_run"),
    )
    op.create_index("ix_versions_bundle", "versions", ["bundle"])
    op.create_table(
        "datasets",
        *_text("digest", "model", "view"),
        _big("rows"),
        _big("as_of"),
        *_text("detail"),
        _big("created"),
        _primary("datasets", "digest"),
    )


def _services() -> None:
    op.create_table(
        "service_versions",
        *_text("digest", "service", "definition", "graph"),
        _big("created"),
        _foreign("service_versions", "graph", "graphs.digest"),
        _primary("service_versions", "digest"),
    )
    op.create_index("ix_service_versions_service", "service_versions", ["service"])
    op.create_table(
        "thresholds",
        *_text("service"),
        _small("version"),
        *_text("levels"),
        _big("at"),
        *_text("cause", "who"),
        _primary("thresholds", "service", "version"),
    )


def _deployments() -> None:
    op.create_table(
        "deployments",
        *_text("service"),
        _big("revision"),
        *_text("service_version", "champion", "previous", "previous_service_version"),
        *_text("challenger", "challenger_service_version"),
        sa.Column("share", sa.Float, nullable=False),
        *_text("mode", "salt"),
        sa.Column("killed", sa.Boolean, nullable=False),
        _big("since"),
        *_text("cause", "who"),
        _foreign("deployments", "service_version", "service_versions.digest"),
        _primary("deployments", "service"),
    )
    op.create_table(
        "deployment_history",
        _number("seq"),
        *_text("service"),
        _big("revision"),
        *_text("action", "before", "after"),
        _big("at"),
        *_text("cause", "who"),
        _primary("deployment_history", "seq"),
        sa.UniqueConstraint("service", "revision", name="uq_deployment_history_service_revision"),
    )


def _jobs() -> None:
    op.create_table("jobs", *_text("name", "schedule"), _big("since"), _primary("jobs", "name"))
    op.create_table(
        "job_runs",
        *_text("job"),
        _big("due"),
        *_text("status"),
        _small("attempt"),
        *_text("holder"),
        _big("claimed"),
        _big("finished", nullable=True),
        *_text("detail"),
        _foreign("job_runs", "job", "jobs.name"),
        _primary("job_runs", "job", "due"),
    )


def _notes() -> None:
    op.create_table(
        "notes",
        _number("seq"),
        *_text("kind", "subject", "body"),
        _big("at"),
        _big("sent", nullable=True),
        _primary("notes", "seq"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notes_subject_seq", "notes", ["subject", "seq"])
    op.create_index("ix_notes_sent_seq", "notes", ["sent", "seq"])
    op.create_table(
        "alerts",
        _number("seq"),
        *_text("service", "kind", "subject", "message", "detail"),
        _big("opened"),
        _big("seen"),
        _small("times"),
        _big("closed", nullable=True),
        _primary("alerts", "seq"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alerts_service_closed", "alerts", ["service", "closed"])


def _watching() -> None:
    op.create_table("counters", _key("topic"), _big("value"), _primary("counters", "topic"))
