"""Rows as plain dictionaries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def plain(row: sa.Row[Any]) -> dict[str, Any]:
    """Return a row by column name; names are exact strings, not the driver's own kind of string."""
    return {str.__str__(name): value for name, value in zip(row._fields, row, strict=True)}
