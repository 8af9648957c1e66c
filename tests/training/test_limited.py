"""A fit may take so much time and memory; one that takes more ends its run with the reason, and leaves no version."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from training_shop import Linear, Tuned
from training_world import declaring, payments, world

import tidewheel as tw
from tidewheel.definitions import ir
from tidewheel.definitions.models.tuning import choice
from tidewheel.errors import LimitError, TrainingError
from tidewheel.registry.runs.runs import get_run, list_runs
from tidewheel.registry.runs.steps import step_records
from tidewheel.registry.runs.trials import trials_of
from tidewheel.registry.versions.versions import list_versions
from tidewheel.training import TrainingContext, train
from tidewheel.training.limited import LimitedObjective
from tidewheel.training.tuning.objective import Objective
from tidewheel.training.tuning.search import search
from tidewheel.training.tuning.watch import Watch

SHORT = tw.pipeline.limits(time="1s")
AMPLE = tw.pipeline.limits(time="1h", memory="4GB")


class Hangs(LogisticRegression):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        while True:
            time.sleep(0.1)


class Eats(LogisticRegression):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return [np.ones(8 << 20) for _ in range(64)]


class Never(Linear):
    estimator = Hangs()
    limits = SHORT


class Greedy(Linear):
    estimator = Eats()
    limits = tw.pipeline.limits(memory="256MB")


class Limited(Linear):
    limits = AMPLE
    split = tw.split.sliding(folds=2, test="10d", train="30d")


class Free(Linear):
    split = tw.split.sliding(folds=2, test="10d", train="30d")


class Searched(Tuned):
    limits = AMPLE


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    with world(tmp_path_factory.mktemp("world"), payments(600)) as found:
        yield declaring(found, Never, Greedy, Limited, Free)


@pytest.mark.parametrize(
    ("model", "error", "match"),
    [
        ("Never", LimitError, "did not end within the 1 s that it was given"),
        ("Greedy", LimitError, "took more than the 256 MB of memory that it was given"),
    ],
)
def test_a_fit_that_takes_too_much_fails_its_run(
    context: TrainingContext, model: str, error: type[TrainingError], match: str
) -> None:
    with pytest.raises(error, match=match):
        train(context, model)
    run = list_runs(context.catalog, model)[0]
    assert run.status == "failed"
    assert run.error.startswith("fit: ")
    assert [step.status for step in step_records(context.catalog, run.id)][-1] == "failed"
    assert list_versions(context.catalog, model) == []


def test_within_its_limits_a_fit_is_the_same(context: TrainingContext) -> None:
    limited, free = train(context, "Limited"), train(context, "Free")
    predictions = [get_run(context.catalog, run.run_id).artifacts["predictions"] for run in (limited, free)]
    assert predictions[0] == predictions[1]
    assert limited.metrics == free.metrics


@pytest.mark.slow
def test_so_is_a_search(tmp_path: Path) -> None:
    with world(tmp_path, payments(1500)) as found:
        context = declaring(found, Searched, Tuned)
        limited, free = train(context, "Searched"), train(context, "Tuned")
        trials = [
            [(trial.parameters, trial.value, trial.steps) for trial in trials_of(context.catalog, run.run_id)]
            for run in (limited, free)
        ]
    assert trials[0] == trials[1]
    assert len(trials[0]) == 3


def slow_at_three(parameters: Mapping[str, Any], watch: Watch) -> float:
    while parameters["x"] == 3:
        time.sleep(0.1)
    return float(parameters["x"])


def test_a_trial_that_takes_too_much_fails_and_the_search_goes_on() -> None:
    objective = LimitedObjective(cast("Objective", slow_at_three), ir.Limits(time=5_000_000), fits=1)
    found = search({"x": choice(3, 5)}, {}, objective, how=ir.Tune(2, "grid"), greater_is_better=True, seed=0)
    assert {trial.parameters["x"]: trial.state for trial in found.trials} == {3: "failed", 5: "complete"}
    assert any("did not end within the 5 s" in trial.error for trial in found.trials)
    assert found.best == {"x": 5}
