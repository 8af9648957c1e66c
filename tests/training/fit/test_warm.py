"""Going on from a fitted model: what comes out is what the library itself makes of it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from tests.conftest import need_extra

import tidewheel as tw
from tidewheel.definitions import ir
from tidewheel.errors import CorruptError, TrainingError
from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.fit import boosters, estimators
from tidewheel.training.fit.flatten import flatten, verify
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.fit.native import FORMS, native_files
from tidewheel.training.fit.warm import Start

RNG = np.random.default_rng(5)
N, LEVELS = 500, [0, 5]
X = np.column_stack([RNG.normal(size=N), RNG.integers(0, 4, N)]).astype(float)
SIGNAL = X[:, 0] + np.isin(X[:, 1], (1, 2))
Y = (SIGNAL + RNG.normal(0, 0.7, N) > 0.6).astype(float)
ROWS = Matrix(X, Y, RNG.choice([1.0, 2.0], N), ["a", "b"], [1])
VIEW = ir.View("View", "Event", (), ())
FOCAL: Any = tw.learner.focal()


def fitted(estimator: Any, start: Start | None = None, rows: Matrix = ROWS) -> Any:
    return estimators.fit(estimators.prepare(estimator, 1, n_threads=1), rows, start=start).estimator


def kept(model: Any, name: str = "") -> Start:
    files = native_files(model, LEVELS)
    assert set(files) <= set(FORMS)
    return Start("Fraud@1", name or type(model).__name__, next(iter(files.values())), VIEW, ("a", "b"), {})


def proved(model: Any) -> np.ndarray:
    """Return the scores, after the proof that the kernel gives the same."""
    found = flatten(model, LEVELS, np.zeros(2))
    assert not isinstance(found, str), found
    assert verify(Predictor(*found), model, X) == N
    return estimators.score(model, X)


def test_lightgbm_goes_on_as_if_it_had_not_stopped() -> None:
    for kind, rows in ((LGBMClassifier, ROWS), (LGBMRegressor, Matrix(X, SIGNAL, ROWS.weight, ["a", "b"], [1]))):
        first = fitted(kind(n_estimators=4, num_leaves=5), rows=rows)
        more = fitted(kind(n_estimators=6, num_leaves=5), kept(first), rows)
        assert more.booster_.num_trees() == 10
        assert proved(more).tolist() == proved(fitted(kind(n_estimators=10, num_leaves=5), rows=rows)).tolist()


def test_lightgbm_stops_early_among_the_new_rounds() -> None:
    first = fitted(LGBMClassifier(n_estimators=4, num_leaves=5))
    more = fitted(LGBMClassifier(n_estimators=300, num_leaves=5, early_stopping_round=2), kept(first))
    assert 4 < more.best_iteration_ < 304
    proved(more)


def test_xgboost_goes_on_as_if_it_had_not_stopped() -> None:
    need_extra("xgboost")
    from xgboost import XGBClassifier

    first = fitted(XGBClassifier(n_estimators=4, max_depth=3))
    more = fitted(XGBClassifier(n_estimators=6, max_depth=3), kept(first))
    assert more.get_booster().num_boosted_rounds() == 10
    assert proved(more).tolist() == proved(fitted(XGBClassifier(n_estimators=10, max_depth=3))).tolist()
    stopped = fitted(XGBClassifier(n_estimators=300, early_stopping_rounds=2, learning_rate=0.9), kept(first))
    assert 4 <= stopped.best_iteration < 304
    proved(stopped)


def test_catboost_goes_on_as_the_library_does_from_its_own_file(tmp_path: Path) -> None:
    need_extra("catboost")
    from catboost import CatBoostClassifier

    asked = {"depth": 3, "learning_rate": 0.3, "thread_count": 1, "logging_level": "Silent", "one_hot_max_size": 255}
    asked |= {"random_seed": 1, "allow_writing_files": False}
    first = fitted(CatBoostClassifier(iterations=4, **asked))
    more = fitted(CatBoostClassifier(iterations=6, **asked), kept(first))
    assert more.tree_count_ == 10
    first.save_model(str(tmp_path / "model.cbm"))
    begun = CatBoostClassifier().load_model(str(tmp_path / "model.cbm"))
    rows, told = boosters.fit_rows(first, ROWS)
    theirs = CatBoostClassifier(iterations=6, **asked)
    theirs.fit(rows, Y, sample_weight=ROWS.weight, init_model=begun, **told)
    np.testing.assert_allclose(proved(more), theirs.predict_proba(rows)[:, 1], rtol=1e-12)


def network(columns: int) -> Any:
    from torch import nn

    return nn.Sequential(nn.Linear(columns, 8), nn.ReLU(), nn.Linear(8, 1))


def test_a_module_goes_on_from_its_tensors() -> None:
    """No epoch leaves it as it was, whatever the rows; an epoch makes it better than one from the start."""
    need_extra("torch")
    need_extra("safetensors")
    amount = Matrix(X, 1000 + 300 * SIGNAL, np.ones(N), ["a", "b"], [1])
    learner: dict[str, Any] = {"batch_size": 32, "learning_rate": 0.02}
    for rows in (ROWS, amount):
        first = fitted(tw.learner.torch(network, epochs=8, **learner), rows=rows)
        few = rows.take(np.flatnonzero(X[:, 1] < 2))
        same = fitted(tw.learner.torch(network, epochs=0), kept(first), few)
        assert same._score(X).tolist() == first._score(X).tolist()
        more, anew = (fitted(tw.learner.torch(network, epochs=1, **learner), s, few) for s in (kept(first), None))
        error = [float(np.mean((estimators.score(model, few.x) - few.y) ** 2)) for model in (more, anew)]
        assert error[0] < error[1]


def test_a_module_of_another_form_is_refused() -> None:
    need_extra("torch")
    need_extra("safetensors")
    from torch import nn

    first = fitted(tw.learner.torch(network, epochs=1))
    with pytest.raises(TrainingError, match="the kept tensors are of another module"):
        fitted(tw.learner.torch(lambda columns: nn.Linear(columns, 1), epochs=1), kept(first))


def test_scikit_learn_adds_trees_and_keeps_weights() -> None:
    need_extra("skops")
    for kind in (RandomForestClassifier, GradientBoostingClassifier):
        first = fitted(kind(n_estimators=3, max_depth=3))
        more = fitted(kind(n_estimators=4, max_depth=3), kept(first))
        theirs = fitted(kind(n_estimators=3, max_depth=3)).set_params(n_estimators=7, warm_start=True)
        theirs.fit(X, Y, sample_weight=ROWS.weight)
        assert len(more.estimators_) == 7
        assert proved(more).tolist() == estimators.score(theirs, X).tolist()
    begun = fitted(LogisticRegression())
    again = fitted(LogisticRegression(), kept(begun))
    assert again.n_iter_[0] < begun.n_iter_[0]
    np.testing.assert_allclose(proved(again), proved(begun), atol=1e-3)


@pytest.mark.parametrize(
    ("estimator", "named", "why"),
    [
        (LGBMRegressor(), "LGBMClassifier", "it is of LGBMClassifier, and the model's estimator is LGBMRegressor"),
        (LGBMClassifier(objective=FOCAL), "LGBMClassifier", "focal loss begins at a constant of its own"),
        (GaussianNB(), "GaussianNB", "GaussianNB has no warm_start"),
        (
            HistGradientBoostingClassifier(),
            "HistGradientBoostingClassifier",
            "only over the very rows it was fitted on",
        ),
    ],
)
def test_what_can_not_go_on_says_why(estimator: Any, named: str, why: str) -> None:
    with pytest.raises(TrainingError, match=why):
        fitted(estimator, Start("Fraud@1", named, b"", VIEW, ("a", "b"), {}))


KINDS = {
    "lightgbm": ("lightgbm", "LGBMClassifier"),
    "xgboost": ("xgboost", "XGBClassifier"),
    "catboost": ("catboost", "CatBoostClassifier"),
    "torch": ("", ""),
    "skops": ("sklearn.linear_model", "SGDClassifier"),
}


@pytest.mark.parametrize("extra", list(KINDS))
@pytest.mark.parametrize("damage", [b"", b"tree\nversion=v4\n", b'{"learner": 1', bytes(range(256))])
def test_a_damaged_model_is_refused(extra: str, damage: bytes) -> None:
    need_extra(extra)
    need_extra("safetensors" if extra == "torch" else extra)
    module, name = KINDS[extra]
    estimator = tw.learner.torch(network) if extra == "torch" else getattr(importlib.import_module(module), name)()
    with pytest.raises(CorruptError, match="Fraud@1: its library can't read the kept model"):
        fitted(estimator, Start("Fraud@1", type(estimator).__name__, damage, VIEW, ("a", "b"), {}))
