"""Other models' scores in a view's columns: by place, none where a model gave none, refused where rows are missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tidewheel.definitions import ir
from tidewheel.errors import ConflictError
from tidewheel.storage.lake.delta import Lake
from tidewheel.workspace.scores.chained import Chain, Scored

VIEW = ir.View("V", "Order", (), (ir.ViewColumn("a", ir.Score("A")), ir.ViewColumn("own", ir.Col(("amount",)))))


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    lake = Lake.open(tmp_path / "lake")
    for run, scores in (("one", [0.5, None, 0.25]), ("two", [0.9, 0.9, 0.9])):
        rows = {"run": [run] * 3, "place": [7, 9, 11], "score": scores, "_arrived": [1, 2, 3]}
        lake.append("scores/A", pa.table(rows), position=(run, 1))
    return Chain(lake, {"A": Scored("scores/A", "one", "A@1")})


def test_each_row_has_its_runs_score(chain: Chain) -> None:
    words = np.zeros((2, 2))
    assert chain.fill(VIEW, words, np.array([11, 7])).all()
    assert words.tolist() == [[0.25, 0.0], [0.5, 0.0]]


def test_a_row_that_a_model_gave_no_score_is_not_asked_about(chain: Chain) -> None:
    assert chain.fill(VIEW, np.zeros((3, 2)), np.array([7, 9, 11])).tolist() == [True, False, True]


@pytest.mark.parametrize("place", [8, 12, 1])
def test_a_row_that_the_run_lacks_is_refused(chain: Chain, place: int) -> None:
    with pytest.raises(ConflictError, match=r"A@1 scored these rows before .* was imported"):
        chain.fill(VIEW, np.zeros((2, 2)), np.array([7, place]))
