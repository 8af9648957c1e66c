"""The frozen form of expressions over columns. Part of `tidewheel.definitions.ir`."""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.frozen import Frozen

Path = tuple[str, ...]
Op = Literal[
    "add", "sub", "mul", "div", "neg", "abs",
    "eq", "ne", "lt", "le", "gt", "ge",
    "and", "or", "not", "isin", "is_null", "fill", "if_else", "minimum", "maximum", "log1p",
    "bucketize", "hash_bucket", "cross", "hour_of_day", "day_of_week", "cyclic_sin", "cyclic_cos", "haversine",
    "standardise", "min_max", "element", "dot", "cosine",
]  # fmt: skip


class Const(Frozen, frozen=True):
    """A literal. Strings compare with text columns, numbers and booleans with the rest."""

    value: float | bool | str | None


class Col(Frozen, frozen=True):
    """A column of the row in hand, or of what it refers to.

    A path of two or more names goes through references. In a view, a path whose last
    reference is an entity reads that entity's attribute as of the row's instant; ``at`` is the
    row's own event time.
    """

    path: Path


class Feature(Frozen, frozen=True):
    """A feature of a looked-up group (``alias`` names the lookup; "" is the group itself)."""

    alias: str
    name: str


class Computed(Frozen, frozen=True):
    """Another column of the same view, by name: a derived function's result or an expression."""

    name: str


class Score(Frozen, frozen=True):
    """A model's score of the same row: a whole column of a view, or a term of a service's score."""

    model: str


class Call(Frozen, frozen=True):
    """An operator applied to arguments.

    A null argument gives null, except where `op` says otherwise: ``fill(a, b)``, ``is_null(a)``, and
    ``and``/``or``, which are Kleene's.
    """

    op: Op
    args: tuple[Expr, ...]


Expr = Const | Col | Feature | Computed | Score | Call
