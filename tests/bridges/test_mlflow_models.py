"""Models that MLflow saved become versions: measured on our rows, served to their library's scores, nothing run."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml
from lightgbm import Dataset, LGBMClassifier, train
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tests.conftest import need_extra
from tests.workspace.shop import Customer, Order, Return, fill

import tidewheel as tw
from tidewheel.bridges.mlflow_models import read_mlflow
from tidewheel.errors import FileError, InputError, SchemaError, TrainingError
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.models.predictors import Predictor
from tidewheel.registry.versions.versions import get_version
from tidewheel.training.fit.flatten import verify
from tidewheel.workspace import Workspace
from tidewheel.workspace.models.importing import check_columns, import_model

Floats = npt.NDArray[np.float64]
NAMES = ["amount", "customer.orders_30d", "customer.spent_30d", "customer.returns_60d"]
X = np.random.default_rng(0).normal(size=(400, 4))
Y = (X[:, 0] + 0.3 * X[:, 1] > 0) * 1.0


class CustomerNumbers(tw.Features, by=Customer):
    orders_30d = tw.count(Order, "30d")
    spent_30d = tw.sum(Order.amount, "30d")
    returns_60d = tw.count(Return, "60d")


class NumbersView(tw.View, on=Order):
    amount = Order.amount
    customer = CustomerNumbers


class SentBack(tw.Model):
    view = NumbersView
    label = tw.happened(Return, within="14d")
    estimator = LGBMClassifier(n_estimators=20, num_leaves=7, verbose=-1)
    split = tw.temporal(test="20d")
    metrics = ["roc_auc"]
    gates = [tw.at_least("roc_auc", 0.55)]


DECLARED = [Customer, Order, Return, CustomerNumbers, NumbersView, SentBack]


def described(folder: Path, flavour: str, **told: Any) -> Path:
    """Write what MLflow writes of a model beside its file."""
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": {flavour: told}}))
    return folder


def booster(x: Floats = X, y: Floats = Y) -> Any:
    return train({"objective": "binary", "verbosity": -1, "seed": 0}, Dataset(x, y, feature_name=NAMES), 10)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Give a folder as MLflow writes it for a LightGBM booster."""
    booster().save_model(tmp_path / "model.lgb")
    return described(tmp_path, "lightgbm", data="model.lgb")


def test_a_booster_is_read_from_its_text(saved: Path) -> None:
    found = read_mlflow(saved)
    found.fit(X, Y)
    spec, arrays = found.to_predictor()
    assert verify(Predictor(spec, arrays), found, X) == len(X)
    assert found.names == tuple(NAMES)
    assert set(found.kept) == {"mlflow/MLmodel", "model.txt"}


class Trap:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_not_loaded_unless_somebody_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    described(tmp_path, "sklearn", pickled_model="model.pkl", serialization_format="cloudpickle")
    with pytest.raises(InputError, match="the model is a pickle") as raised:
        read_mlflow(tmp_path)
    assert "--allow-pickle" in raised.value.remedy
    assert not (tmp_path / "sprung").exists()
    read_mlflow(tmp_path, pickles=True)
    assert (tmp_path / "sprung").exists()


def test_a_pickle_that_is_vouched_for(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(LogisticRegression().fit(X, Y)))
    described(tmp_path, "sklearn", pickled_model="model.pkl", serialization_format="pickle")
    found = read_mlflow(tmp_path, pickles=True)
    found.fit(X, Y)
    assert verify(Predictor(*found.to_predictor()), found, X) == len(X)


@pytest.mark.parametrize(
    ("flavour", "told", "error", "said"),
    [
        ("pytorch", {}, InputError, "the flavours pytorch"),
        ("lightgbm", {"data": "other.lgb"}, FileError, "'other.lgb' is not there"),
        ("lightgbm", {"data": "../../etc/passwd"}, FileError, "is not there"),
        ("lightgbm", {"data": "torn.lgb"}, FileError, "can't read the kept model: not a LightGBM text"),
    ],
)
def test_what_is_no_model_is_refused(
    saved: Path, flavour: str, told: dict[str, Any], error: type[Exception], said: str
) -> None:
    (saved / "torn.lgb").write_bytes((saved / "model.lgb").read_bytes()[:300])
    with pytest.raises(error, match=said):
        read_mlflow(described(saved, flavour, **told))


def test_texts_are_refused(saved: Path) -> None:
    told = yaml.safe_load((saved / "MLmodel").read_text())
    told["signature"] = {"inputs": '[{"type": "string", "name": "country"}]'}
    (saved / "MLmodel").write_text(yaml.safe_dump(told))
    with pytest.raises(InputError, match="takes 'country' as text"):
        read_mlflow(saved)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "does not name its columns"),
        (("amuont", "hour"), "has no column 'amuont'; did you mean 'amount'"),
        (("amount",), "does not take hour"),
        (("hour", "amount"), "in another order; declare them as: hour, amount"),
    ],
)
def test_columns_are_held_to_the_view(names: tuple[str, ...], said: str) -> None:
    view: Any = SimpleNamespace(
        name="V", columns=[SimpleNamespace(name=name, text=False) for name in ("amount", "hour")]
    )
    check_columns(("amount", "hour"), view, "m")
    with pytest.raises(SchemaError, match=said):
        check_columns(names, view, "m")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with tw.open(":memory:", DECLARED) as opened:
        fill(opened, tmp_path_factory.mktemp("history"))
        yield opened


def test_an_imported_model_is_a_version_like_any_other(workspace: Workspace, tmp_path: Path) -> None:
    first = workspace.train("SentBack")
    rows = workspace.dataset("SentBack@1")
    x = np.column_stack([rows[name].to_numpy(zero_copy_only=False) for name in NAMES]).astype(np.float64)
    y = rows["_label"].to_numpy()
    foreign = booster(np.nan_to_num(x), y)
    foreign.save_model(tmp_path / "model.lgb")
    result = import_model(workspace, str(described(tmp_path, "lightgbm", data="model.lgb")), "SentBack")
    assert result.version == "SentBack@2"
    assert result.deployable
    assert result.counts == first.counts
    version = get_version(workspace.stores.catalog, "SentBack@2")
    bundle = load_bundle(workspace.stores.artifacts, version.bundle)
    np.testing.assert_allclose(bundle.predictor().score(x), foreign.predict(x), rtol=1e-12)
    test = slice(len(y) - result.counts["test"], None)
    assert result.metric("roc_auc").value == pytest.approx(roc_auc_score(y[test], foreign.predict(x[test])))
    with pytest.raises(TrainingError, match="imported a model"):
        workspace.rerun("SentBack@2")
    third = workspace.train("SentBack")
    assert third.metric("roc_auc").value == first.metric("roc_auc").value, "its own fit is not mixed up with it"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's own
@pytest.mark.parametrize("flavour", ["lightgbm", "lightgbm skops", "sklearn", "xgboost", "catboost", "onnx"])
def test_what_mlflow_itself_saves_is_read(flavour: str, tmp_path: Path) -> None:
    need_extra("mlflow")
    path = tmp_path / "model"
    SAVE[flavour](path)
    found = read_mlflow(path)
    found.fit(X, Y)
    assert verify(Predictor(*found.to_predictor()), found, X) == len(X)
    assert np.mean((found.predict(X) > 0.5) == Y) > 0.8
    if flavour not in ("lightgbm skops", "onnx"):  # LightGBM's estimator was given an array, which has no names
        assert found.names == tuple(NAMES)


def save_lightgbm(path: Path) -> None:
    import mlflow.lightgbm

    mlflow.lightgbm.save_model(booster(), path, pip_requirements=[])


def save_lightgbm_skops(path: Path) -> None:
    need_extra("skops")
    import mlflow.lightgbm

    model = LGBMClassifier(n_estimators=5, verbosity=-1).fit(X, Y)
    mlflow.lightgbm.save_model(model, path, pip_requirements=[], serialization_format="skops")


def save_sklearn(path: Path) -> None:
    need_extra("skops")
    import mlflow.sklearn
    import pandas as pd

    model = LogisticRegression().fit(pd.DataFrame(X, columns=NAMES), Y)
    mlflow.sklearn.save_model(model, path, pip_requirements=[], serialization_format="skops")


def save_xgboost(path: Path) -> None:
    need_extra("xgboost")
    import mlflow.xgboost
    import pandas as pd
    from xgboost import XGBClassifier

    model = XGBClassifier(n_estimators=10).fit(pd.DataFrame(X, columns=NAMES), Y)
    mlflow.xgboost.save_model(model, path, pip_requirements=[])


def save_catboost(path: Path) -> None:
    need_extra("catboost")
    import mlflow.catboost
    from catboost import CatBoostClassifier, Pool

    model = CatBoostClassifier(iterations=10, verbose=False, allow_writing_files=False)
    mlflow.catboost.save_model(model.fit(Pool(X, Y, feature_names=NAMES)), path, pip_requirements=[])


def save_onnx(path: Path) -> None:
    need_extra("skl2onnx")
    import mlflow.onnx
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType

    model = LogisticRegression().fit(X, Y)
    types = [("rows", DoubleTensorType([None, 4]))]
    graph = to_onnx(model, initial_types=types, options={id(model): {"zipmap": False}})
    mlflow.onnx.save_model(graph, path, pip_requirements=[], save_as_external_data=False)


SAVE = {
    "lightgbm": save_lightgbm, "lightgbm skops": save_lightgbm_skops, "sklearn": save_sklearn,
    "xgboost": save_xgboost, "catboost": save_catboost, "onnx": save_onnx,
}  # fmt: skip
