"""A fit that workers share: as good as one worker's, the same each time, and whole though a worker is killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tests.conftest import need_extra

import tidewheel as tw
from tidewheel.engine import Engine, LocalEngine
from tidewheel.errors import ConfigError
from tidewheel.training.fit.distributed.deal import deal
from tidewheel.training.fit.distributed.fit import Crew, fit_among
from tidewheel.training.fit.estimators import Fit, Matrix, score

HERE = Crew(2, LocalEngine())


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5]), max_size=50), st.integers(1, 5))
def test_each_row_is_dealt_once_and_labels_evenly(labels: list[float], workers: int) -> None:
    y = np.array(labels)
    hands = deal(y, workers)
    assert sorted(np.concatenate(hands).tolist()) == list(range(len(y)))
    assert all((np.diff(hand) > 0).all() for hand in hands), "in their old order"
    for label in set(labels):
        counts = [int((y[hand] == label).sum()) for hand in hands]
        assert max(counts) - min(counts) <= 1


def rows(n: int = 6000, seed: int = 0, number: bool = False) -> Matrix:
    """Rows with numbers, nulls and a category that tell something of their labels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    x[:, 4] = rng.integers(0, 6, n)
    told = x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + (x[:, 4] == 2) + 0.5 * rng.normal(size=n)
    x[rng.random(n) < 0.05, 1] = np.nan
    return Matrix(x, told if number else (told > 0.5) * 1.0, np.ones(n), list("abcde"), [4])


def both(estimator: Any, matrix: Matrix, crew: Crew = HERE) -> tuple[Fit, Fit]:
    return fit_among(Crew(), estimator, 0, {}, 1, matrix), fit_among(crew, estimator, 0, {}, 1, matrix)


def near(estimator: Any, crew: Crew = HERE) -> None:
    """Hold a shared fit to the docs: AUC on new rows within 0.01 of one worker's, the same bits each time."""
    matrix, later = rows(), rows(seed=1)
    one, shared = both(estimator, matrix, crew)
    again = fit_among(crew, estimator, 0, {}, 1, matrix)
    scores = [score(fit.estimator, later.x) for fit in (one, shared, again)]
    areas = [roc_auc_score(later.y, found) for found in scores]
    assert areas[0] > 0.8
    assert abs(areas[0] - areas[1]) < 0.01
    assert np.array_equal(scores[1], scores[2])
    assert shared.parameters == one.parameters
    assert shared.notes[-1] == "shared among 2 workers, each with about 3,000 rows"


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"early_stopping_round": 5, "n_estimators": 300}], ids=["rounds", "stopped"])
def test_lightgbm(more: dict[str, Any]) -> None:
    near(LGBMClassifier(**{"n_estimators": 30, "num_leaves": 15} | more))


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"early_stopping_rounds": 5, "n_estimators": 300}], ids=["rounds", "stopped"])
def test_xgboost(more: dict[str, Any]) -> None:
    need_extra("xgboost")
    from xgboost import XGBClassifier

    near(XGBClassifier(**{"n_estimators": 30, "max_depth": 4} | more))


@pytest.mark.slow
def test_a_number_is_told_as_well() -> None:
    matrix, later = rows(number=True), rows(seed=1, number=True)
    one, shared = both(LGBMRegressor(n_estimators=40), matrix)
    errors = [float(np.sqrt(np.mean((score(fit.estimator, later.x) - later.y) ** 2))) for fit in (one, shared)]
    assert errors[1] < 1.05 * errors[0]


def network(columns: int) -> Any:
    from torch import nn

    return nn.Sequential(nn.Linear(columns, 8), nn.ReLU(), nn.Linear(8, 1))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's own
@pytest.mark.parametrize("patience", [0, 2])
def test_a_module_is_the_one_of_one_worker_but_for_rounding(patience: int) -> None:
    need_extra("torch")
    matrix = rows(2001)
    one, shared = both(tw.learner.torch(network, epochs=4, batch_size=128, patience=patience), matrix)
    scores = [score(fit.estimator, matrix.x) for fit in (one, shared)]
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-4)
    assert shared.estimator.epochs_ == one.estimator.epochs_
    assert len(set(scores[1])) > 1000


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (LogisticRegression(), "LogisticRegression can't be"),
        (LGBMClassifier(objective=tw.learner.focal(), n_estimators=3), "focal loss begins from the mean"),
    ],
)
def test_what_cannot_be_shared_is_fitted_here_and_says_so(estimator: Any, said: str) -> None:
    matrix = rows(500)
    filled = Matrix(np.nan_to_num(matrix.x), matrix.y, matrix.weight, matrix.columns, matrix.categories)
    one, shared = both(estimator, filled)
    assert np.array_equal(score(one.estimator, filled.x), score(shared.estimator, filled.x))
    assert f"not shared among 2 workers: {said}" in shared.notes[-1]


def test_few_rows_are_not_shared() -> None:
    assert "150 rows are few" in both(LGBMClassifier(n_estimators=3), rows(150))[1].notes[-1]


def test_an_engine_without_gangs() -> None:
    class Maps:
        def map(self, *_: Any, **__: Any) -> list[Any]:
            return []

    with pytest.raises(ConfigError, match="Maps runs no workers side by side") as raised:
        both(LGBMClassifier(n_estimators=3), rows(), Crew(2, Maps()))
    assert 'engine = "ray"' in raised.value.remedy


@dataclass
class Killer:
    """Kills the first process that does a member's work, once."""

    word: bytes
    killed: int = 0

    def __post_init__(self) -> None:
        self._before = set(self._found())
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            new = [pid for pid in self._found() if pid not in self._before]
            if new:
                os.kill(new[-1], signal.SIGKILL)
                self.killed = new[-1]
                return

    def _found(self) -> Iterator[int]:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if self.word in path.read_bytes():
                    yield int(path.parent.name)
            except OSError:  # it ended while we looked
                continue


@pytest.fixture
def ray() -> Iterator[Engine]:
    """Give an engine on a Ray cluster of two nodes, of one CPU each."""
    need_extra("ray")
    from ray.cluster_utils import Cluster

    from tidewheel.engine.ray import RayEngine

    cluster = Cluster()
    for _ in range(2):
        cluster.add_node(num_cpus=1, include_dashboard=False)
    engine = RayEngine(cluster.address)
    yield engine
    engine.close()
    cluster.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_two_ray_nodes_share_a_fit_and_one_is_killed(ray: Engine) -> None:
    killer = Killer(b"ray::Seat.work")
    matrix = rows()
    try:
        on_ray = fit_among(Crew(2, ray), LGBMClassifier(n_estimators=30), 0, {}, 1, matrix)
    finally:
        killer.end()
    assert killer.killed
    here = fit_among(HERE, LGBMClassifier(n_estimators=30), 0, {}, 1, matrix)
    assert np.array_equal(score(on_ray.estimator, matrix.x), score(here.estimator, matrix.x))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_ray_nodes_share_a_module(ray: Engine) -> None:
    need_extra("torch")
    matrix = rows(2001)
    crew = Crew(2, ray)
    one, shared = both(tw.learner.torch(network, epochs=3, batch_size=128), matrix, crew)
    np.testing.assert_allclose(score(shared.estimator, matrix.x), score(one.estimator, matrix.x), atol=1e-4)


@pytest.mark.slow
def test_a_killed_worker_is_retried_and_the_version_is_registered(tmp_path: Path) -> None:
    from tests.shop import done, filled_shop

    folder = filled_shop(tmp_path / "shop")
    with (folder / "tidewheel.toml").open("a") as settings:
        settings.write("fit_workers = 2\n")
    killer = Killer(b"tidewheel.engine.member")
    try:
        done("train", "SentBack", folder=folder)
    finally:
        killer.end()
    assert killer.killed
    with tw.open(folder) as workspace:
        (run,) = workspace.runs("SentBack")
    assert run.parameters["workers"] == 2
    assert any(note.startswith("shared among 2 workers") for note in run.parameters["notes"])
    report = done("rerun", "SentBack@1", "--json", folder=folder).json
    assert (report["same_data"], report["same_metrics"], report["same_predictions"]) == (True, True, True)
