"""What a tuning trial costs besides the fit: ask, tell, a row in the catalog; beside Optuna with its SQLite storage.

The objective is a sum, so all that is timed is overhead. Both use the same sampler with the same seed, and must propose
the same parameters before anything is timed. Optuna in memory shows what the sampler itself takes; ``added_ms`` is what
is ours.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

import optuna
from benchmarks.harness import medians, report

from tidewheel.definitions.ir import Tune
from tidewheel.definitions.models.tuning import float_range, int_range, log_range
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.runs.trials import Trial, save_trials
from tidewheel.storage.catalog import Catalog
from tidewheel.training.tuning.samplers import tpe
from tidewheel.training.tuning.search import search
from tidewheel.training.tuning.space import distributions

TRIALS, SQLITE_TRIALS = 100, 10
LIMIT_MS = 5.0
SPACE = {"leaves": int_range(2, 127), "rate": log_range(0.001, 1.0), "bagging": float_range(0.1, 1.0)}


class Rows:
    """The catalog as ledger."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.run = start_run(catalog, "Bench").id

    def keep(self, trials: list[Trial]) -> None:
        save_trials(self.catalog, self.run, "bench", trials)


def value(parameters: dict) -> float:
    return abs(parameters["leaves"] - 31) + abs(parameters["rate"] - 0.1) + parameters["bagging"]


def ours(folder: Path) -> list[dict]:
    with Catalog.open(folder / "ours.sqlite") as catalog:
        found = search(
            SPACE, {}, lambda p, watch: value(p),
            how=Tune(trials=TRIALS), greater_is_better=False, seed=0, ledger=Rows(catalog),
        )  # fmt: skip
    return [trial.parameters for trial in found.trials]


def theirs(trials: int, storage: str | None) -> list[dict]:
    study = optuna.create_study(sampler=tpe(0), storage=storage)
    space = distributions(SPACE)
    for _ in range(trials):
        trial = study.ask(space)
        study.tell(trial, value(trial.params))
    return [trial.params for trial in study.trials]


def main() -> None:
    optuna.logging.set_verbosity(logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="tidewheel-tune-"))
    try:
        Catalog.open(folder / "ours.sqlite").close()
        assert ours(folder) == theirs(TRIALS, None), "the same sampler, the same proposals"
        print(f"{TRIALS} proposals are the same as Optuna's own")
        files = iter(range(100))

        def stored() -> None:
            theirs(SQLITE_TRIALS, f"sqlite:///{folder}/optuna-{next(files)}.db")

        stored()  # builds a schema; later ones do too, so their share is in the figure
        times = medians(
            {
                "tidewheel, catalog on disk": lambda: ours(folder),
                "Optuna in memory": lambda: theirs(TRIALS, None),
                f"Optuna, SQLite, {SQLITE_TRIALS} trials": stored,
            }
        )
    finally:
        shutil.rmtree(folder)
    mine, memory, sqlite = (
        1000 * seconds / trials for seconds, trials in zip(times.values(), (TRIALS, TRIALS, SQLITE_TRIALS), strict=True)
    )
    figures = {"ours_ms": mine, "added_ms": mine - memory, "optuna_memory_ms": memory, "optuna_sqlite_ms": sqlite}
    ratios = {"limit_over_ours": LIMIT_MS / mine, "optuna_sqlite_over_ours": sqlite / mine}
    report("training/tune", figures, ratios, {"limit_over_ours": 1.0, "optuna_sqlite_over_ours": 5.0})


if __name__ == "__main__":
    main()
