"""Scores of other models as columns: read where the run that was made of them has put them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.errors import ConflictError
from tidewheel.registry.models.combining import score_columns
from tidewheel.storage.lake.delta import Lake

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Scored(NamedTuple):
    """A run that scored the same rows: its table, its name, and by which version."""

    table: str
    run: str
    version: str


@dataclass(frozen=True)
class Chain:
    """The runs whose scores a view has as columns, by model; none for most."""

    lake: Lake
    runs: Mapping[str, Scored]

    def fill(self, view: ir.View, words: Floats, places: Ints) -> Mask:
        """Write the scores of some rows, by their places, in their columns; tell which rows have all of them.

        A row without one is not asked about, as in serving: there the fallback chain answers.

        Raises
        ------
        ConflictError
            A run lacks some of the rows.
        """
        there = np.ones(len(words), np.bool_)
        for column, model in score_columns(view).items():
            words[:, column] = self._scores(self.runs[model], places)
            there &= ~np.isnan(words[:, column])
        return there

    def _scores(self, scored: Scored, places: Ints) -> Floats:
        place = pc.field("place")
        within = (pc.field("run") == scored.run) & (place >= int(places.min())) & (place <= int(places.max()))
        found = self.lake.scan(scored.table, ["place", "score"], where=within)
        known, scores = (found[name].to_numpy() for name in ("place", "score"))
        order = np.argsort(known)
        index = order[np.minimum(np.searchsorted(known, places, sorter=order), len(known) - 1)] if len(known) else order
        if not len(known) or (known[index] != places).any():
            raise ConflictError(
                f"{scored.version} scored these rows before history older than some of them was imported",
                where=f"run {scored.run}",
                remedy="score another range: one that ends at another instant is another run",
            )
        return np.asarray(scores[index], np.float64)
