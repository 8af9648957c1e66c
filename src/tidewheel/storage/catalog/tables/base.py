"""What every table shares: the metadata, the names of constraints, the type of a running number."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

RunningNumber = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only when the key's type is exactly INTEGER."""


def instant(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """Return a column of microseconds UTC."""
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def text(name: str, *, default: str | None = None) -> sa.Column[str]:
    """Return a text column that is never null; JSON travels in these too."""
    return sa.Column(name, sa.Text, nullable=False, server_default=default)
