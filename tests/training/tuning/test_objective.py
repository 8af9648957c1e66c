"""A trial is worth the mean of its folds; boosters report as they grow and end when they do worse than others did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tests.conftest import need_extra

from tidewheel.definitions import ir
from tidewheel.definitions.ir import Tune
from tidewheel.definitions.models.tuning import log_range
from tidewheel.training.fit.estimators import Matrix
from tidewheel.training.fit.warm import Start
from tidewheel.training.tuning.objective import Objective
from tidewheel.training.tuning.record import search_key
from tidewheel.training.tuning.search import search
from tidewheel.training.tuning.watch import Watch

ROWS = 400


def matrix() -> Matrix:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 4))
    y = (x[:, 0] + 0.5 * rng.normal(size=ROWS) > 0).astype(float)
    return Matrix(x, y, np.ones(ROWS), ["a", "b", "c", "d"], [])


def fold(start: int, end: int) -> tuple[Any, Any]:
    return np.arange(start), np.arange(start, end)


class Listening(Watch):
    """Hears everything; ends the trial after some reports."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    @property
    def wanted(self) -> bool:
        return True

    def report(self, step: int, value: float) -> bool:
        super().report(step, value)
        self.pruned = len(self.steps) >= self.most
        return self.pruned


def booster(library: str) -> Any:
    if library == "lightgbm":
        return LGBMClassifier(n_estimators=40, num_leaves=4)
    need_extra("xgboost")
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=40, max_depth=2, n_jobs=1)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_a_booster_reports_as_it_grows(library: str) -> None:
    data = matrix()
    objective = Objective(booster(library), "roc_auc", 0, 1, data, [fold(300, 400)])
    watch = Listening(100)
    value = objective({}, watch)
    assert [step for step, _ in watch.steps] == list(range(2, 40, 2))
    assert value == pytest.approx(objective({}, Watch()))  # to listen changes nothing
    ended = Listening(5)
    early = objective({}, ended)
    assert [step for step, _ in ended.steps] == [2, 4, 6, 8, 10]
    assert early == pytest.approx(watch.steps[4][1], abs=1e-6)  # it was judged as it was by then


def test_what_is_reported_is_weighed_as_what_is_judged() -> None:
    data = replace(matrix(), stands_for=np.where(np.arange(ROWS) % 3 == 0, 9.0, 1.0))
    objective, watch, ended = (
        Objective(booster("lightgbm"), "roc_auc", 0, 1, data, [fold(300, 400)]),
        Listening(100),
        Listening(5),
    )
    objective({}, watch)
    assert objective({}, ended) == pytest.approx(watch.steps[4][1], abs=1e-6)


def test_a_booster_that_goes_on_reports_its_own_rounds() -> None:
    data = matrix()
    first = booster("lightgbm").fit(data.x[:200], data.y[:200])
    model = first.booster_.model_to_string().encode()
    start = Start("M@1", "LGBMClassifier", model, ir.View("V", "E", (), ()), tuple(data.columns), {})
    watch = Listening(100)
    Objective(booster("lightgbm"), "roc_auc", 0, 1, data, [fold(300, 400)], start)({}, watch)
    assert [step for step, _ in watch.steps] == list(range(2, 40, 2))


def test_a_search_is_known_by_all_that_its_trials_depend_on() -> None:
    data, folds = matrix(), [fold(300, 400)]

    def key(limits: ir.Limits | None = None, **other: Any) -> str:
        return search_key(
            Tune(5), {}, Objective(LogisticRegression(), "roc_auc", 0, 1, replace(data, **other), folds), limits
        )

    others = [
        key(group=np.arange(ROWS) // 4), key(group=np.arange(ROWS) // 8), key(stands_for=np.full(ROWS, 2.0)),
        key(categories=[1]), key(ir.Limits(time=1_000_000)), key(ir.Limits(memory=1 << 30)),
    ]  # fmt: skip
    assert len({key(), *others}) == 7
    assert key() == key(stands_for=np.ones(ROWS)), "what is the same anyhow makes no other search"


def test_folds_are_averaged_and_reported() -> None:
    data, folds = matrix(), [fold(200, 260), fold(260, 330), fold(330, 400)]
    watch = Listening(100)
    value = Objective(LogisticRegression(), "roc_auc", 0, 1, data, folds)({}, watch)
    expected = [
        roc_auc_score(
            data.y[judge], LogisticRegression().fit(data.x[fit], data.y[fit]).predict_proba(data.x[judge])[:, 1]
        )
        for fit, judge in folds
    ]
    assert value == pytest.approx(np.mean(expected))
    assert [step for step, _ in watch.steps] == [1, 2]
    assert [told for _, told in watch.steps] == pytest.approx([expected[0], np.mean(expected[:2])])
    first = Listening(1)
    assert Objective(LogisticRegression(), "roc_auc", 0, 1, data, folds)({}, first) == pytest.approx(expected[0])


def test_hopeless_settings_are_pruned_by_what_trees_report() -> None:
    objective = Objective(booster("lightgbm"), "log_loss", 0, 1, matrix(), [fold(300, 400)])
    found = search(
        {"learning_rate": log_range(0.0001, 0.3)}, {"learning_rate": 0.1}, objective,
        how=Tune(trials=14, sampler="random", pruner="median"), greater_is_better=False, seed=0,
    )  # fmt: skip
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.steps[-1][0] < 40 for trial in pruned)
    assert min(trial.parameters["learning_rate"] for trial in pruned) < found.best["learning_rate"]
