"""What training data looked like, kept with a version: drift is measured against it."""

from __future__ import annotations

import msgspec


class FeatureProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The distribution of one feature over the training rows: bins of a number, or counts of levels."""

    name: str
    nulls: int = 0
    edges: list[float] = []
    """Inner edges between bins, quantiles of the training rows. Value v is in bin ``searchsorted(edges, v)``."""
    counts: list[int] = []
    """Rows in each bin: one more than `edges`."""
    levels: list[str] = []
    level_counts: list[int] = []
    """Rows of each level, and last of all other strings."""
    mean: float | None = None
    std: float | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The training rows as a whole."""

    rows: int = 0
    features: list[FeatureProfile] = []
    score: FeatureProfile | None = None
    """The model's own scores on rows it was not fitted on."""
    label_rate: float | None = None


class FallbackTable(msgspec.Struct, frozen=True, kw_only=True):
    """Scores to answer with when the model can't: by the value of a column, and for all other values."""

    by: tuple[str, ...]
    """Path of the column, as ``ir.Fallback.by``."""
    scores: dict[str, float]
    default: float
