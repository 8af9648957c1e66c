"""Scores of many rows at once are the scores that serving gave them one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from lightgbm import LGBMClassifier

from tidewheel.definitions import ir
from tidewheel.errors import CorruptError, InputError
from tidewheel.kernel import encode_levels, hash_strings, level_tables, parse_lightgbm
from tidewheel.registry.models.bundles import Bundle, Manifest
from tidewheel.registry.models.predictors import PredictorSpec, trees_arrays
from tidewheel.registry.models.scoring import score_words, view_columns
from tidewheel.serving.deciding.predictor import Scorer

Floats = npt.NDArray[np.float64]
NAMES = ("amount", "country", "idle", "rate")
LEVELS: dict[str, tuple[str, ...]] = {"country": ("DK", "FI", "NO", "SE")}


def view_rows(n: int = 3000) -> Floats:
    random = np.random.default_rng(0)
    words = random.normal(size=(n, 4))
    words[random.random(words.shape) < 0.1] = np.nan
    texts = random.choice(["DK", "FI", "NO", "SE", "FR"], n).tolist()
    hashes = hash_strings([None if random.random() < 0.1 else text for text in texts])
    words[:, 1] = hashes.view(np.float64)
    return words


def bundle(columns: tuple[str, ...], spec: PredictorSpec, arrays: dict[str, npt.NDArray[np.float64]]) -> Bundle:
    view_names = tuple(ir.ViewColumn(name, ir.Col((name,)), name == "country") for name in NAMES)
    view = ir.View("PaymentView", "Payment", (), view_names)
    levels = {name: levels for name, levels in LEVELS.items() if name in columns}
    manifest = Manifest(
        model="Fraud", view="PaymentView", graph=ir.Graph(views=(view,)), columns=columns, levels=levels, predictor=spec
    )
    return Bundle(manifest, arrays)


def trees(calibration: str) -> Bundle:
    words, columns = view_rows(), ("rate", "country", "amount")
    x = encode_levels(np.ascontiguousarray(words[:, [3, 1, 0]]), level_tables([None, LEVELS["country"], None]))
    y = np.nan_to_num(words[:, 0]) + np.random.default_rng(1).normal(size=len(x)) > 0
    model = LGBMClassifier(n_estimators=20, verbose=-1).fit(x, y, categorical_feature=[1])
    arrays = trees_arrays(parse_lightgbm(model.booster_.model_to_string()))
    if calibration == "isotonic":
        arrays |= {"xs": np.linspace(0.05, 0.95, 40), "ys": np.sort(np.random.default_rng(2).random(40))}
    spec = PredictorSpec(kind="trees", objective="sigmoid", calibration=calibration, slope=3.1, offset=-1.7)  # type: ignore[arg-type]  # a literal
    return bundle(columns, spec, arrays)


def linear() -> Bundle:
    spec = PredictorSpec(kind="linear", objective="sigmoid", intercept=-0.3)
    return bundle(("idle", "amount", "rate"), spec, {"coef": np.array([0.3, -2.0, 1.7]), "impute": np.zeros(3)})


@pytest.mark.parametrize("kind", ["", "isotonic", "platt", "linear"])
def test_many_rows_score_as_each_does_alone(kind: str) -> None:
    made, words = linear() if kind == "linear" else trees(kind), view_rows()
    alone = Scorer(made, NAMES)
    together = score_words(made, words)
    assert together.view(np.int64).tolist() == np.array([alone(row) for row in words]).view(np.int64).tolist()
    assert len(np.unique(together)) > 20


def test_no_rows() -> None:
    assert score_words(linear(), np.empty((0, 4))).shape == (0,)


def test_rows_of_another_view_are_refused() -> None:
    with pytest.raises(InputError, match="4 columns of PaymentView"):
        score_words(linear(), np.zeros((2, 3)))


def test_a_bundle_that_wants_what_its_view_lacks() -> None:
    broken = bundle(("amount", "shoe_size"), PredictorSpec(kind="constant"), {})
    with pytest.raises(CorruptError, match="shoe_size"):
        score_words(broken, view_rows(2))
    with pytest.raises(CorruptError, match="no view"):
        view_columns(
            Manifest(model="M", view="Gone", graph=ir.Graph(), columns=(), predictor=PredictorSpec(kind="constant"))
        )
