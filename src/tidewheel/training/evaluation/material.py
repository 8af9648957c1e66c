"""What is measured: the test rows, the candidate's scores of them, and those of whom it is compared with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.metrics import Interval, Metric
from tidewheel.training.evaluation.cells import cells

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rival:
    """Another version's scores of the same rows; `name` is "" and `score` None where there is none."""

    name: str = ""
    score: Floats | None = None


class Drawn(TypedDict):
    """How rows are drawn for intervals, as `interval` and `difference` take it."""

    blocks: Ints | None
    group: Ints | None


@dataclass(frozen=True)
class Material:
    """The test rows of a run.

    Attributes
    ----------
    model : str
    measures : sequence of Metric
        The leading one first.
    classification : bool
    y, weight, score : float64 arrays
    table : Table
        The view's columns.
    texts : sequence of str
        Which of them are text.
    baseline : float64 array
        Scores of the baseline.
    intervals : mapping of str to Interval
        The candidate's, already computed.
    blocks : int64 array, optional
        Block of each row, for the bootstrap; None resamples rows.
    group : int64 array, optional
        List of each row, of a model that ranks.
    method : str
        How blocks were made, in words.
    champion, previous : Rival
    service : str
        Whose thresholds these are.
    thresholds : mapping of str to float
    gain : mapping of str to float
        Importance of columns by what the trees gained.
    slices : sequence of str
        Columns whose values are looked at one by one, as declared.
    personal : collection of str
        Columns whose values nobody is shown.
    seed : int
    """

    model: str
    measures: Sequence[Metric]
    classification: bool
    y: Floats
    weight: Floats
    score: Floats
    table: pa.Table
    texts: Sequence[str]
    baseline: Floats
    intervals: Mapping[str, Interval]
    blocks: Ints | None = None
    group: Ints | None = None
    method: str = "rows"
    champion: Rival = Rival()
    previous: Rival = Rival()
    service: str = ""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    gain: Mapping[str, float] = field(default_factory=dict)
    slices: Sequence[str] = ()
    personal: Collection[str] = ()
    seed: int = 0

    @property
    def leading(self) -> Metric:
        """The metric that leads."""
        return self.measures[0]

    def drawn(self, rows: npt.NDArray[np.bool_]) -> Drawn:
        """Return how some of the rows are drawn."""
        blocks, group = (None if of is None else of[rows] for of in (self.blocks, self.group))
        return Drawn(blocks=blocks, group=group)

    def cells(self, column: str) -> tuple[Ints, list[str]]:
        """Return the place of each row among a column's values, and the values in words (see `cells`)."""
        return cells(self.table[column], text=column in self.texts, personal=column in self.personal)

    def scores(self) -> dict[str, Floats]:
        """Return the scores of the candidate and of each version that it is compared with."""
        found = {"candidate": self.score}
        for what, rival in (("champion", self.champion), ("previous", self.previous)):
            if rival.score is not None:
                found[what] = rival.score
        return found
