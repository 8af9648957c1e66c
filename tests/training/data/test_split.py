"""The temporal split keeps what was not known out of the train side."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from tidewheel.definitions import ir
from tidewheel.errors import TrainingError
from tidewheel.training.data.draws import names_of
from tidewheel.training.data.split import Rows, folds_of, require_two_classes, sides_of, tail

DAY = 86_400_000_000
HISTORIES = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 8)), min_size=1, max_size=60)
"""Time and owner of each row."""


def rows_of(history: list[tuple[int, int]]) -> Rows:
    at, owner = (np.array(column, dtype=np.int64) for column in zip(*history, strict=True))
    ids = names_of(pa.array([f"r{row}" for row in range(at.size)]))
    return Rows(at, np.arange(at.size), ids, names_of(pa.array([f"e{key}" for key in owner.tolist()])))


def evenly(n: int, step: int = 1) -> Rows:
    at = np.arange(n, dtype=np.int64) * step
    return Rows(at, at, at, at)


@settings(deadline=None)
@given(HISTORIES, st.integers(1, 300), st.integers(0, 300), st.integers(0, 300), st.booleans(), st.integers(0, 400))
def test_train_labels_are_known_before_the_test_begins(
    history: list[tuple[int, int]], test: int, gap: int, horizon: int, blocked: bool, width: int
) -> None:
    rows = rows_of(history)
    split = ir.Split(test, gap, "sliding" if width else "temporal", by=("card",) if blocked else (), train=width)
    try:
        sides = sides_of(split, horizon, rows)
    except TrainingError:
        return
    train, tested = rows.at[sides.train], rows.at[sides.test]
    assert train.max() + max(gap, horizon) <= sides.test_from
    assert tested.min() > sides.test_from
    assert not set(sides.train.tolist()) & set(sides.test.tolist())
    assert np.all(np.diff(train) >= 0)
    assert not blocked or not set(rows.owner[sides.train].tolist()) & set(rows.owner[sides.test].tolist())
    if width:
        assert train.min() > sides.test_from - max(gap, horizon) - width
    else:
        assert sides.train.size + sides.test.size + sides.gap_rows + sides.blocked_rows == rows.at.size


@settings(deadline=None)
@given(HISTORIES, st.integers(1, 60), st.integers(0, 60), st.integers(1, 5), st.booleans(), st.integers(0, 200))
def test_folds_keep_the_gap_and_never_see_the_final_test(
    history: list[tuple[int, int]], test: int, gap: int, folds: int, blocked: bool, width: int
) -> None:
    rows = rows_of(history)
    kind: Literal["expanding", "sliding"] = "sliding" if width else "expanding"
    split = ir.Split(test, gap, kind, by=("card",) if blocked else (), folds=folds, train=width)
    try:
        sides, found = sides_of(split, 0, rows), folds_of(split, 0, rows)
    except TrainingError:
        return
    assert len(found) == folds
    tested: set[int] = set(sides.test.tolist())
    for fold in found:
        assert rows.at[fold.train].max() + gap <= rows.at[fold.test].min()
        assert rows.at[fold.test].max() <= sides.test_from - gap
        assert not tested & {*fold.train.tolist(), *fold.test.tolist()}
        assert not blocked or not set(rows.owner[fold.train].tolist()) & set(rows.owner[fold.test].tolist())
        assert not width or np.ptp(rows.at[fold.train]) < width
    assert len({row for fold in found for row in fold.test.tolist()}) == sum(fold.test.size for fold in found)


@settings(deadline=None)
@given(HISTORIES, st.floats(0.1, 0.9), st.integers(0, 5))
def test_groups_stay_whole_and_do_not_depend_on_other_rows(
    history: list[tuple[int, int]], share: float, seed: int
) -> None:
    rows, split = rows_of(history), ir.Split(0, 0, "group", share, ("card",), seed=seed)
    try:
        sides = sides_of(split, 5, rows)
    except TrainingError:
        return
    assert sides.train.size + sides.test.size == rows.at.size
    on_test = set(rows.owner[sides.test].tolist())
    assert not on_test & set(rows.owner[sides.train].tolist())
    half = Rows(*(column[::2] for column in (rows.at, rows.order, rows.ids, rows.owner)))
    try:
        fewer = sides_of(split, 5, half)
    except TrainingError:
        return
    assert set(half.owner[fewer.test].tolist()) <= on_test


@pytest.mark.parametrize(("folds", "test", "gap"), [(5, 7, 0), (4, 10, 3), (2, 20, 10)])
def test_folds_are_those_of_scikit_learn_on_evenly_spaced_rows(folds: int, test: int, gap: int) -> None:
    rows = evenly(100)
    before = 100 - test - gap  # scikit-learn knows no final test: it is given what lies before ours
    expected = TimeSeriesSplit(folds, test_size=test, gap=gap).split(np.zeros((before, 1)))
    found = folds_of(ir.Split(test, gap, "expanding", folds=folds), 0, rows)
    assert [(fold.train.tolist(), fold.test.tolist()) for fold in found] == [
        (train.tolist(), tested.tolist()) for train, tested in expected
    ]


def test_shares_are_what_was_asked_for() -> None:
    ids = names_of(pa.array([f"r{row}" for row in range(20_000)]))
    at = np.arange(20_000)
    owner = names_of(pa.array([f"c{row % 4000}" for row in range(20_000)]))
    rows = Rows(at, at, ids, owner)
    assert sides_of(ir.Split(0, 0, "random", 0.2), 0, rows).test.size == pytest.approx(4000, rel=0.05)
    assert sides_of(ir.Split(0, 0, "group", 0.2), 0, rows).test.size == pytest.approx(4000, rel=0.1)
    one, two = (set(sides_of(ir.Split(0, 0, "random", 0.2, seed=seed), 0, rows).test.tolist()) for seed in (1, 2))
    assert len(one & two) == pytest.approx(800, rel=0.15)


def test_an_empty_side_says_what_was_there() -> None:
    with pytest.raises(TrainingError, match=r"cover 9.0 days, the test 30.0 and the gap 2.0; shorten"):
        sides_of(ir.Split(30 * DAY, 0), 2 * DAY, evenly(10, DAY))
    with pytest.raises(TrainingError, match="no row has a label yet"):
        sides_of(ir.Split(1, 0), 1, evenly(0))
    with pytest.raises(TrainingError, match="fold 1 of 9 has 0 rows to train on"):
        folds_of(ir.Split(DAY, 0, "expanding", folds=9), 0, evenly(10, DAY))
    same = evenly(10)
    with pytest.raises(TrainingError, match="all 1 groups fell on one side"):
        sides_of(ir.Split(0, 0, "group", 0.5), 0, Rows(same.at, same.order, same.ids, np.ones(10, np.int64)))
    with pytest.raises(TrainingError, match="7 rows are blocked by their entity"):
        sides_of(ir.Split(3, 0, by=("card",)), 0, Rows(same.at, same.order, same.ids, np.ones(10, np.int64)))


def test_one_class_is_refused() -> None:
    with pytest.raises(TrainingError, match="all 3 labels of the test rows are 0"):
        require_two_classes(np.zeros(3), "test")
    require_two_classes(np.array([0.0, 1.0]), "test")


def test_a_held_out_tail_grows_until_it_has_both_classes() -> None:
    y = np.zeros(1000)
    y[::20] = 1.0
    fit, held = tail(np.arange(1000), y, share=0.1, least=10)
    assert y[held].sum() >= 10
    assert fit.size + held.size == 1000
    assert held[0] == fit[-1] + 1
    with pytest.raises(TrainingError, match="too few to hold some out"):
        tail(np.arange(1000), y, share=0.1, least=40)
    numbers = np.arange(100) / 7
    assert tail(np.arange(100), numbers, share=0.2, least=20)[1].size == 20
