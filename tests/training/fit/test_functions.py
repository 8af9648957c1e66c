"""Plain Python functions as models: learned, kept as source and arrays, served by the same code."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidewheel as tw
from tidewheel.definitions.ir import Graph
from tidewheel.errors import CorruptError, DefinitionError, InputError, ServingError, TrainingError
from tidewheel.registry.models.bundles import Bundle, Manifest
from tidewheel.registry.models.predictors import Predictor, PredictorSpec
from tidewheel.training.fit import estimators
from tidewheel.training.fit.flatten import verify
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.fit.neutral import neutral

STEEP = 3.0


def squash(value: float) -> float:
    return 1 / (1 + math.exp(-STEEP * value))


def score(x: Any, middle: Any) -> Any:
    x -= middle  # in place: what it is given is its own
    return squash(float(np.nan_to_num(x).sum()))


def learn(x: Any, y: Any) -> dict[str, Any]:
    return {"middle": np.nanmean(x, axis=0)}


def fitted(rows: Any) -> Any:
    matrix = Matrix(rows, (rows[:, 0] > 0).astype(float), np.ones(len(rows)), ["a", "b"], [])
    return estimators.fit(tw.learner.function(score, learn), matrix).estimator


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9) | st.just(float("nan"))), min_size=2, max_size=40))
def test_it_serves_what_it_says(rows: list[tuple[float, float]]) -> None:
    table = np.array(rows)
    table[0] = 1.0
    estimator = fitted(table)
    found = neutral(estimator, [0, 0], np.zeros(2))
    assert not isinstance(found, str)
    predictor = pickle.loads(pickle.dumps(Predictor(*found)))
    assert verify(predictor, estimator, table) == len(table)
    middle = np.nanmean(table, axis=0)
    expected = [squash(float(np.nan_to_num(row - middle).sum())) for row in table]
    assert predictor.score(table).tolist() == expected == predictor.score_together(table).tolist()
    assert [predictor.score_one(row[None]) for row in table] == expected


def test_its_source_is_all_it_needs() -> None:
    spec, _ = fitted(np.ones((3, 2))).to_predictor()
    assert spec.function == "score"
    assert "STEEP = 3.0" in spec.source
    assert "import math" in spec.source
    assert "test_functions" not in spec.source


def test_what_goes_wrong_is_told() -> None:
    def scored(source: str) -> Any:
        spec = PredictorSpec(kind="function", function="score", source=source)
        return Predictor(spec, {"learned.seen": np.zeros(2)}).score(np.zeros((1, 2)))

    with pytest.raises(ServingError, match="raised ZeroDivisionError"):
        scored("def score(x, seen):\n    return 1 / 0\n")
    with pytest.raises(ServingError, match="gave 2 numbers for one row"):
        scored("def score(x, seen):\n    return x[0]\n")
    with pytest.raises(ServingError, match="read-only"):
        scored("def score(x, seen):\n    seen[0] = 1\n    return 0.0\n")
    with pytest.raises(CorruptError, match="can't be run"):
        scored("def other(x):\n    return 0.0\n")
    with pytest.raises(DefinitionError, match="takes a Python function"):
        tw.learner.function(len)
    here, matrix = 1.0, Matrix(np.ones((3, 2)), np.ones(3), np.ones(3), ["a", "b"], [])
    with pytest.raises(TrainingError, match="of the function around it"):
        estimators.fit(tw.learner.function(lambda x: here), matrix)


def test_it_has_no_onnx_form() -> None:
    pytest.importorskip("onnx")
    from tidewheel.training.export.graph import graph_of

    spec, arrays = fitted(np.ones((3, 2))).to_predictor()
    manifest = Manifest(model="Fraud", view="V", graph=Graph(), columns=("a", "b"), predictor=spec)
    with pytest.raises(InputError, match="no ONNX form"):
        graph_of(Bundle(manifest, arrays), "Fraud@1")
