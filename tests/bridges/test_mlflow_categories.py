"""Models of texts and flags that MLflow saved: their own codes, their library's scores, and what does not map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from tests.conftest import need_extra
from tests.workspace.shop import Customer, Order, Return, fill

import tidewheel as tw
from tidewheel.bridges.mlflow_categories import coded
from tidewheel.bridges.mlflow_models import read_mlflow
from tidewheel.errors import InputError, SchemaError
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.models.predictors import Predictor
from tidewheel.registry.versions.versions import get_version
from tidewheel.training.fit import estimators
from tidewheel.training.fit.flatten import verify
from tidewheel.workspace.models.importing import check_columns, import_model

RNG = np.random.default_rng(4)
ROWS = 600
FRAME = pd.DataFrame(
    {
        "amount": RNG.lognormal(3.5, 0.8, ROWS),
        "category": RNG.choice(["books", "garden", "shoes"], ROWS),
        "large": RNG.random(ROWS) < 0.4,
    }
)
Y = ((FRAME["category"] == "shoes") ^ (RNG.random(ROWS) < 0.2)).to_numpy(np.int64)
NAMES = list(FRAME.columns)
LEVELS = ["books", "garden", "shoes"]
CODES = np.column_stack(
    [FRAME["amount"], FRAME["category"].map(LEVELS.index).to_numpy(np.float64), FRAME["large"]]
).astype(np.float64)
ODD = np.array([[20.0, 3.0, 1.0], [20.0, np.nan, 0.0]])  # a text that it never met, and none


class OrderRow(tw.View, on=Order):
    amount = Order.amount
    category = Order.category
    large = Order.amount > 60


class SentBack(tw.Model):
    view = OrderRow
    label = tw.happened(Return, within="14d")
    split = tw.temporal(test="20d")
    metrics = ["roc_auc"]


def pipeline(encoder: Any, last: Any = None) -> Any:
    """Return a fitted pipeline that hands texts to `encoder`."""
    columns = [("texts", encoder, ["category"]), ("numbers", StandardScaler(), ["amount", "large"])]
    return make_pipeline(ColumnTransformer(columns), last or LogisticRegression()).fit(FRAME, Y)


def frame_booster() -> LGBMClassifier:
    """Return a model that was fitted on a frame with a column of categories."""
    return LGBMClassifier(n_estimators=8, num_leaves=7, min_child_samples=5, min_data_per_group=5, verbose=-1).fit(
        FRAME.astype({"category": "category"}), Y
    )


def saved_booster(folder: Path) -> Path:
    """Write a LightGBM model as MLflow does."""
    frame_booster().booster_.save_model(folder / "model.lgb")
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": {"lightgbm": {"data": "model.lgb"}}}))
    return folder


ENCODERS = {
    "one hot": OneHotEncoder(handle_unknown="ignore"),
    "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    "target": TargetEncoder(),
    "filled": make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_over_codes_it_says_what_it_said_over_texts(name: str) -> None:
    model = pipeline(ENCODERS[name])
    over = coded(model, NAMES, ["category"], "m")
    x = np.vstack([CODES, ODD])
    assert over.levels == {"category": LEVELS}
    np.testing.assert_array_equal(over.rows(CODES[:3])[:, 1], FRAME["category"][:3])
    np.testing.assert_allclose(estimators.score(over.model, x), estimators.score(over.original, over.rows(x)))
    np.testing.assert_allclose(estimators.score(over.model, CODES), model.predict_proba(FRAME)[:, 1])


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (OneHotEncoder(), "refuses a text of 'category' that it has not met"),
        (make_pipeline(SimpleImputer(strategy="most_frequent")), "the text 'category' to SimpleImputer"),
    ],
)
def test_what_does_not_map_is_told(encoder: Any, said: str) -> None:
    columns = [("texts", encoder, ["category"])]
    model = ColumnTransformer(columns).fit(FRAME, Y)
    with pytest.raises(InputError, match=said):
        coded(model, NAMES, ["category"], "m")


@pytest.mark.parametrize(
    ("encoder", "set_later"),
    [
        (OneHotEncoder(), {"handle_unknown": "ignore"}),
        (OrdinalEncoder(), {"handle_unknown": "use_encoded_value", "unknown_value": -1}),
    ],
)
def test_what_a_refusing_encoder_is_told_to_set_needs_no_new_fit(encoder: Any, set_later: dict[str, Any]) -> None:
    model = pipeline(encoder)
    theirs = model.predict_proba(FRAME)[:, 1]
    with pytest.raises(InputError) as raised:
        coded(model, NAMES, ["category"], "m")
    assert set_later["handle_unknown"] in raised.value.remedy
    model.named_steps["columntransformer"].named_transformers_["texts"].set_params(**set_later)
    np.testing.assert_allclose(estimators.score(coded(model, NAMES, ["category"], "m").model, CODES), theirs)


def test_words_of_a_text_and_bare_learners_are_told() -> None:
    words = ColumnTransformer([("words", CountVectorizer(), "category")]).fit(FRAME)
    with pytest.raises(InputError, match="the text 'category' to CountVectorizer"):
        coded(words, NAMES, ["category"], "m")
    with pytest.raises(InputError, match="the text 'category' to LogisticRegression"):
        coded(LogisticRegression().fit(CODES, Y), NAMES, ["category"], "m")


def test_a_booster_of_a_frame_knows_its_categories(tmp_path: Path) -> None:
    found = read_mlflow(saved_booster(tmp_path))
    assert found.known_levels == {"category": LEVELS}
    found.fit(CODES, Y)
    x = np.vstack([CODES, ODD])
    assert verify(Predictor(*found.to_predictor()), found, x) == len(x)
    odd = pd.DataFrame(
        {"amount": [20.0, 20.0], "category": pd.Categorical.from_codes([-1, -1], LEVELS), "large": [1, 0]}
    )
    theirs = frame_booster().booster_.predict(pd.concat([FRAME.astype({"category": "category"}), odd]))
    np.testing.assert_allclose(found.predict(x), theirs)


def saved_xgboost(folder: Path, frame: pd.DataFrame, **told: Any) -> Any:
    """Have MLflow write an XGBoost model of a frame; return the model."""
    need_extra("mlflow")
    need_extra("xgboost")
    import mlflow.xgboost
    from mlflow.models import infer_signature
    from xgboost import XGBClassifier

    model = XGBClassifier(n_estimators=8, max_cat_to_onehot=2, enable_categorical=True, **told)
    watched = {"eval_set": [(frame, Y)], "verbose": False} if told else {}
    mlflow.xgboost.save_model(
        model.fit(frame, Y, **watched), folder, pip_requirements=[], signature=infer_signature(FRAME)
    )
    return model


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's own
@pytest.mark.parametrize("told", [{}, {"early_stopping_rounds": 2, "learning_rate": 1.0}], ids=["whole", "cut"])
def test_xgboost_of_a_frame_knows_its_categories(told: dict[str, Any], tmp_path: Path) -> None:
    frame = FRAME.astype({"category": "category"})
    frame.loc[:20, "category"] = None
    model = saved_xgboost(tmp_path / "model", frame, **told)
    found = read_mlflow(tmp_path / "model")
    assert (found.names, found.known_levels) == (tuple(NAMES), {"category": LEVELS})
    found.fit(CODES, Y)
    codes = np.where(np.arange(ROWS) <= 20, np.nan, CODES[:, 1])
    x = np.vstack([np.column_stack([CODES[:, 0], codes, CODES[:, 2]]), ODD, [[20.0, 70.0, 1.0]]])
    assert verify(Predictor(*found.to_predictor()), found, x) == len(x)
    np.testing.assert_allclose(found.predict(x[:ROWS]), model.predict_proba(frame)[:, 1], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_xgboost_of_categories_that_are_numbers_is_told(tmp_path: Path) -> None:
    saved_xgboost(tmp_path / "model", FRAME.assign(category=pd.Categorical(RNG.integers(3, 6, ROWS))))
    with pytest.raises(InputError, match="'category' has the value 3, which is no text"):
        read_mlflow(tmp_path / "model")


def test_categories_that_are_numbers_are_told(tmp_path: Path) -> None:
    saved_booster(tmp_path)
    text = (tmp_path / "model.lgb").read_text()
    assert json.dumps([LEVELS]) in text
    (tmp_path / "model.lgb").write_text(text.replace(json.dumps([LEVELS]), "[[1, 2, 3]]"))
    with pytest.raises(InputError, match="'category' has the value 1, which is no text"):
        read_mlflow(tmp_path)


def test_a_view_with_a_category_takes_it(tmp_path: Path) -> None:
    with tw.open(":memory:", [Customer, Order, Return, OrderRow, SentBack]) as workspace:
        fill(workspace, tmp_path)
        source = str(saved_booster(tmp_path))
        result = import_model(workspace, source, "SentBack")
        bundle = load_bundle(workspace.stores.artifacts, get_version(workspace.stores.catalog, result.version).bundle)
        assert bundle.manifest.levels == {"category": tuple(LEVELS)}
        np.testing.assert_allclose(bundle.predictor().score(CODES), read_mlflow(tmp_path).predict(CODES))
        view = workspace.training_context().view(workspace.training_context().model("SentBack"))
    check_columns(NAMES, view, source, {"category"})
    with pytest.raises(SchemaError, match=r"has categories \(category\)"):
        check_columns(NAMES, view, source)
    with pytest.raises(SchemaError, match="takes amount as a category, and OrderRow as a number"):
        check_columns(NAMES, view, source, {"category", "amount"})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's own
@pytest.mark.parametrize("name", ENCODERS)
def test_what_mlflow_saves_of_a_pipeline_is_served(name: str, tmp_path: Path) -> None:
    need_extra("mlflow")
    need_extra("skl2onnx")
    need_extra("skops")
    import mlflow.sklearn
    from mlflow.models import infer_signature

    model = pipeline(ENCODERS[name])
    mlflow.sklearn.save_model(
        model, tmp_path / "model", pip_requirements=[], signature=infer_signature(FRAME),
        serialization_format="skops", skops_trusted_types=["numpy.dtype"],
    )  # fmt: skip
    found = read_mlflow(tmp_path / "model")
    assert (found.names, found.known_levels) == (tuple(NAMES), {"category": LEVELS})
    found.fit(CODES, Y)
    form = found.to_predictor()
    assert not isinstance(form, str), form
    assert verify(Predictor(*form), found, CODES) == len(CODES)
    np.testing.assert_allclose(found.predict(CODES), model.predict_proba(FRAME)[:, 1])
