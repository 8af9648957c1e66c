"""Category codes are fixed by the train rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tidewheel.training.data import levels


def test_unseen_and_null_have_codes_of_their_own() -> None:
    table = pa.table({"c": ["b", "a", None, "z"], "n": [1, 2, None, 4]})
    fixed = levels.fix_levels(table, ["c"], np.array([0, 1, 2]))
    assert fixed == {"c": ["a", "b"]}
    assert np.array_equal(
        levels.encode(table, fixed), [[1.0, 1.0], [0.0, 2.0], [np.nan, np.nan], [2.0, 4.0]], equal_nan=True
    )


def test_levels_do_not_depend_on_the_order_of_rows() -> None:
    table = pa.table({"c": ["x", "b", "x", "a"]})
    assert levels.fix_levels(table, ["c"], np.arange(4)) == levels.fix_levels(table, ["c"], np.arange(4)[::-1])


def test_beyond_the_most_levels_the_rare_ones_share_the_unseen_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "MOST_LEVELS", 2)
    table = pa.table({"c": ["x", "b", "x", "a", "a", "c"]})
    fixed = levels.fix_levels(table, ["c"], np.arange(6))
    assert fixed == {"c": ["a", "x"]}
    assert levels.encode(table, fixed)[:, 0].tolist() == [1, 2, 1, 0, 0, 2]


def test_dictionary_columns_and_flags() -> None:
    table = pa.table({"c": pa.array(["x", None]).dictionary_encode(), "f": [True, None]})
    fixed = levels.fix_levels(table, ["c"], np.arange(2))
    assert np.array_equal(levels.encode(table, fixed), [[0.0, 1.0], [np.nan, np.nan]], equal_nan=True)
