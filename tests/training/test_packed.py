"""What steps leave comes back as it was, and is a pickle only where it is of another library."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from training_world import payments, world

from tidewheel.definitions import digest, ir
from tidewheel.errors import CorruptError
from tidewheel.metrics import Interval
from tidewheel.registry.runs.steps import step_records
from tidewheel.training import train
from tidewheel.training.packed import SHAPE, is_packed, pack, pickled, unpack

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(-9, 9), inner),
)


@given(values)
def test_data_comes_back_with_its_types(value: Any) -> None:
    content = pack(value)
    assert (unpack(content), repr(unpack(content))) == (value, repr(value))
    assert is_packed(content)
    assert pickled(content) == []
    assert pack(value) == content


def test_columns_arrays_and_declarations_are_plain() -> None:
    table = pa.table({"a": pa.chunked_array([[1, None], [3]]), "t": ["x", None, "z"]})
    model = ir.Model("M", "V", ir.Label("happened", "C", ("p",), 1), ir.Split(1, 1), "e")
    value = (table, table["a"], table["t"].combine_chunks(), model, Interval(0.5, float("-inf"), 1.0, 0.95, 10))
    content = pack(value)
    assert pickled(content) == []
    assert unpack(content) == value
    arrays: list[Any] = [
        np.arange(6).reshape(2, 3),
        np.array([np.nan, 1.0], np.float32),
        np.float64(0.1),
        np.array(["a", "bc"]),
    ]
    for one, two in zip(arrays, unpack(pack(arrays)), strict=True):
        np.testing.assert_array_equal(one, two)
        assert (type(one), one.dtype) == (type(two), two.dtype)


def test_a_declaration_keeps_its_digest() -> None:
    view = ir.View("V", "E", (), ())
    assert digest(unpack(pack(view))) == digest(view)


def test_what_stands_twice_is_kept_once() -> None:
    array = np.arange(10_000.0)
    one, two = unpack(pack([array, array]))
    assert one is two


def test_an_estimator_is_a_pickle_of_its_own_and_said_to_be() -> None:
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    content = pack({"model": model, "x": np.ones(3)})
    assert pickled(content) == ["LogisticRegression"]
    assert unpack(content)["model"].coef_ == model.coef_


@pytest.mark.parametrize("name", ["subprocess:Popen", "os:system", "tidewheel.training.packed:Any", "tidewheel:gone"])
def test_nothing_is_called_but_what_is_ours(name: str) -> None:
    shape = {"!": "called", "what": name, "positional": [], "named": {}}
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(SHAPE, json.dumps(shape))
    with pytest.raises(CorruptError, match="is nothing that a step leaves"):
        unpack(sink.getvalue())


def test_what_is_damaged_is_refused() -> None:
    content = pack({"x": np.ones(3), "of": (1,)})
    for damaged in (content[:-30], content[:60] + content[80:], b"PK", b""):
        with pytest.raises(CorruptError, match="not what a step leaves"):
            unpack(damaged)


def test_of_a_run_only_the_estimators_are_pickles(tmp_path: Path) -> None:
    with world(tmp_path, payments(600)) as context:
        run = train(context, "Fraud").run_id
        kept = {
            record.step: pickled(context.artifacts.get(record.output).read_bytes())
            for record in step_records(context.catalog, run)
            if record.output
        }
        assert {step for step, classes in kept.items() if not classes} >= {"data", "evaluate"}
        assert kept["fit"] == ["LGBMClassifier"]
        again = train(context, "Fraud", new=True)
        reused = {record.step for record in step_records(context.catalog, again.run_id) if record.reused}
        assert reused >= {"data", "fit", "evaluate"}
