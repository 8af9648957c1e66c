"""The catalog as the record of a search: what is known of it already, and where each trial is written as it ends."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.models import describe
from tidewheel.definitions.projects.graphs import canonical as canonical_definition
from tidewheel.registry.canonical import canonical
from tidewheel.registry.runs.trials import Trial, save_trials, take_over
from tidewheel.storage.catalog import Catalog
from tidewheel.training.tuning.objective import Objective


class Record:
    """Where one run's search is written down.

    Parameters
    ----------
    catalog : Catalog
    run : str
    """

    def __init__(self, catalog: Catalog, run: str) -> None:
        self._catalog = catalog
        self._run = run
        self._search = ""

    def open(self, search: str) -> dict[int, Trial]:
        """Begin or go on with the search that a hash names; return its trials so far by number."""
        self._search = search
        return {trial.number: trial for trial in take_over(self._catalog, self._run, search)}

    def keep(self, trials: Sequence[Trial]) -> None:
        """Write trials that ended."""
        save_trials(self._catalog, self._run, self._search, trials)


def search_key(how: ir.Tune, space: Any, objective: Objective, limits: ir.Limits | None = None) -> str:
    """Return the hash of all that decides what a search proposes and what its trials come to.

    The number of trials, patience and time limit are no part of it, save where the sampler looks at them: they only
    say when to stop, so a search that was cut off may go on with other ones. What one fit may take is: a trial that
    failed by it might not fail by another.
    """
    counted = how.trials if how.sampler == "grid" else 0
    told = {
        "how": canonical_definition(ir.Tune(counted, how.sampler, how.pruner, 0, how.parallel)),
        "space": {name: (s.kind, s.low, s.high, describe(s.choices)) for name, s in space.items()},
        "estimator": describe(objective.estimator),
        "metric": objective.measure,
        "seed": objective.seed,
        "columns": [list(objective.matrix.columns), list(objective.matrix.categories)],
        "limits": None if limits is None else [limits.time, limits.memory],
        "optuna": metadata.version("optuna"),
    }
    hasher = hashlib.sha256(canonical(told))
    matrix = objective.matrix
    taught = (matrix.true_weight, *(part for part in (matrix.target, matrix.group) if part is not None))
    if objective.start is not None:
        hasher.update(objective.start.model)
    for array in (matrix.x, matrix.y, matrix.weight, *taught, *(rows for fold in objective.folds for rows in fold)):
        hasher.update(repr((array.shape, array.dtype.str)).encode())
        hasher.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return hasher.hexdigest()
