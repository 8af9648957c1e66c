"""A model that was fitted elsewhere, as an estimator whose fit takes it over as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.training.fit.linear import Arrays

Floats = npt.NDArray[np.float64]
Neutral = tuple[PredictorSpec, Arrays] | str


@dataclass
class Imported:
    """A fitted model of some library.

    Training judges it as it judges what it fits itself: it is proved equal to its library on the test rows,
    calibrated where that is declared, measured, and put before the gates.

    Attributes
    ----------
    kind : str
        Of which library.
    form : callable
        Means of the columns in, the form that serves out, or why there is none.
    scores : callable
        Rows in, the library's own scores out.
    tolerance : float
        How far the two may be apart, relative to the larger of the score and 1.
    names : tuple of str
        The model's columns in its order; empty when it does not tell.
    kept : dict of str to bytes
        Files to keep with the run.
    known_levels : dict of str to list of str
        Its categories by column; the place of a text is the code that it stands for in a row.
    """

    kind: str
    form: Callable[[Floats], Neutral]
    scores: Callable[[Floats], Floats]
    tolerance: float
    names: tuple[str, ...] = ()
    kept: dict[str, bytes] = field(default_factory=dict)
    known_levels: dict[str, list[str]] = field(default_factory=dict)
    means: Floats = field(default_factory=lambda: np.zeros(0))

    def fit(self, x: Floats, y: Floats, sample_weight: Floats | None = None) -> Imported:
        """Note the columns' means, which stand for a null that a linear model never met."""
        held = ~np.isnan(x)
        self.means = np.where(held, x, 0.0).sum(axis=0) / np.maximum(held.sum(axis=0), 1)
        return self

    def predict(self, x: Floats) -> Floats:
        """Return the library's scores: the positive class's probability, or the number."""
        return np.asarray(self.scores(x), dtype=np.float64)

    def to_predictor(self) -> Neutral:
        """Return the form that serves."""
        return self.form(self.means)

    def native_files(self) -> dict[str, bytes]:
        """Return the files as they were imported."""
        return self.kept

    def __deepcopy__(self, memo: dict[int, Any]) -> Imported:
        """Share the model: nothing changes it."""
        return Imported(self.kind, self.form, self.scores, self.tolerance, self.names, self.kept, self.known_levels)
