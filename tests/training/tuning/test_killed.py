"""A tuner that is killed with -9 goes on with what it had proposed, and ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier

from tidewheel.definitions.ir import Tune
from tidewheel.definitions.models.tuning import int_range, log_range
from tidewheel.metrics import metric
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.runs.trials import Trial, trials_of
from tidewheel.storage.catalog import Catalog
from tidewheel.training.fit.estimators import Matrix
from tidewheel.training.fit.learn import Plan
from tidewheel.training.tuning.record import Record
from tidewheel.training.tuning.tune import Tuned, tune

TRIALS = 12


class Slow(Record):
    """Takes a while after each round, so that it can be killed in the middle."""

    def keep(self, trials: Sequence[Trial]) -> None:
        super().keep(trials)
        time.sleep(0.1)


def plan(**changes: Any) -> Plan:
    how = Tune(trials=TRIALS, pruner="median")
    space = {"num_leaves": int_range(2, 15), "learning_rate": log_range(0.001, 0.5)}
    given: Mapping[str, Any] = {"trials": TRIALS, "tune": how, "seed": 3, "threads": 1, "calibrate": ""}
    return Plan(
        **{
            "estimator": LGBMClassifier(n_estimators=6),
            "space": space,
            "metric": metric("log_loss"),
            **given,
            **changes,
        }
    )


def matrix() -> Matrix:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 3))
    return Matrix(x, (x[:, 0] > rng.normal(size=300)).astype(float), np.ones(300), ["a", "b", "c"], [])


def told(found: Tuned) -> list[Any]:
    return [(t.number, t.parameters, t.value, t.state, t.steps) for t in found.trials]


def work(place: str, run: str) -> None:
    with Catalog.open(place) as catalog:
        tune(plan(record=Slow(catalog, run)), matrix(), np.arange(300))


def test_killed_in_the_middle(tmp_path: Path) -> None:
    place = str(tmp_path / "catalog.sqlite")
    with Catalog.open(place) as catalog:
        killed = start_run(catalog, "Fraud").id
        folder = str(Path(__file__).parent)
        code = f"import sys; sys.path.insert(0, {folder!r}); import test_killed as t; t.work({place!r}, {killed!r})"
        tuner = subprocess.Popen([sys.executable, "-c", code])
        end = time.monotonic() + 120
        while len(trials_of(catalog, killed)) < 4:
            assert tuner.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < end
            time.sleep(0.01)
        tuner.send_signal(signal.SIGKILL)
        tuner.wait()
        kept = trials_of(catalog, killed)
        assert 4 <= len(kept) < TRIALS
        begun: list[str] = []
        fresh = start_run(catalog, "Fraud").id
        found = tune(
            plan(record=Record(catalog, fresh)), matrix(), np.arange(300), lambda what, share: begun.append(what)
        )
        assert len(begun) == TRIALS
        assert trials_of(catalog, fresh)[: len(kept)] == kept  # taken over, not done again
        assert len(trials_of(catalog, fresh)) == TRIALS
    assert told(found) == told(tune(plan(), matrix(), np.arange(300)))
    assert found.summary is not None
    assert found.chosen == found.trials[found.summary.best].parameters
