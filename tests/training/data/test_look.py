"""Each check finds what it is for, with numbers, and leaves honest data alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tidewheel.definitions import ir
from tidewheel.training.data import columns as columns_module
from tidewheel.training.data import levels as levels_module
from tidewheel.training.data.columns import check_columns
from tidewheel.training.data.draws import names_of
from tidewheel.training.data.later import filled_later
from tidewheel.training.data.levels import encode, fix_levels
from tidewheel.training.data.profile import category_profile
from tidewheel.training.data.repeats import check_overlap, check_repeats, row_hashes
from tidewheel.training.data.split import Sides

RNG = np.random.default_rng(8)
N = 400
TRAIN, TEST = np.arange(300), np.arange(300, N)
SIDES = Sides(TRAIN, TEST, 0, 0)


def found(view: pa.Table, *texts: str) -> dict[str, str]:
    return {finding.column: finding.kind for finding in check_columns(view, texts, TRAIN, TEST)}


def test_columns_that_say_nothing() -> None:
    stopped = np.where(np.arange(N) < 300, 1.0 + np.arange(N) % 7, np.nan)
    view = pa.table(
        {
            "honest": RNG.normal(size=N),
            "country": RNG.choice(["SE", "NO"], N).tolist(),
            "flag": pa.array([True, False] * (N // 2)),
            "only_filled": pa.array([None if row % 2 else 3.0 for row in range(N)]),
            "null": pa.nulls(N, pa.float64()),
            "null_text": pa.nulls(N, pa.string()),
            "same": pa.array([2.0] * N),
            "same_text": pa.array(["x"] * N),
            "stopped": pa.array(stopped, from_pandas=True),
            "id": [f"p{row}" for row in range(N)],
            "number": np.arange(N) * 3.0,
        }
    )
    assert found(view, "country", "null_text", "same_text", "id") == {
        "null": "empty",
        "null_text": "empty",
        "same": "constant",
        "same_text": "constant",
        "stopped": "empty in test",
        "id": "like an id",
        "number": "like an id",
    }


def test_more_levels_than_are_kept_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_module, "MOST_LEVELS", 20)
    names = [f"shop{row % 40}" if row < 300 else f"shop{row % 50}" for row in range(N)]
    (finding,) = check_columns(pa.table({"shop": names}), ["shop"], TRAIN, TEST)
    assert finding.kind == "many levels"
    assert finding.evidence["levels"] == 40
    assert finding.evidence["rows_of_others"] == pytest.approx(20 * 7 / 300, abs=0.03)
    assert finding.evidence["unseen_in_test"] == pytest.approx(0.2)
    assert "40 levels: the 20 commonest are kept" in str(finding)


def test_a_text_that_is_seldom_filled_is_no_id() -> None:
    seldom = [f"note {row}" if row % 60 == 0 else None for row in range(N)]
    assert found(pa.table({"note": pa.array(seldom, pa.string())}), "note") == {}


def test_a_million_categories_cost_little_and_are_capped() -> None:
    n = 1_050_000
    codes = np.concatenate([np.arange(1_000_000), np.zeros(50_000, np.int64)])
    view = pa.table({"user": pa.array([f"u{code}" for code in codes.tolist()])})
    before = pa.total_allocated_bytes()
    levels = fix_levels(view, ["user"], np.arange(n))
    assert len(levels["user"]) == levels_module.MOST_LEVELS
    assert "u0" in levels["user"]
    matrix = encode(view, levels)
    assert matrix.max() == levels_module.MOST_LEVELS  # all others share one code
    (finding,) = check_columns(view, ["user"], np.arange(n), np.arange(10))
    assert finding.kind == "like an id"
    assert finding.evidence["distinct"] == 1_000_000
    assert category_profile("user", view["user"]).levels[0] == "u0"
    assert pa.total_allocated_bytes() - before < 200e6


def test_test_rows_that_equal_train_rows_and_labels_that_disagree() -> None:
    x = RNG.normal(size=(N, 5))
    x[::5, 1] = np.nan
    y = (RNG.random(N) < 0.3).astype(float)
    ids = pa.array([f"p{row}" for row in range(N)])
    assert list(check_repeats(x, y, ids, SIDES)) == []
    x[310:320] = x[10:20]
    x[100:110] = x[0]
    y[100:105], y[105:110] = 1.0, 0.0
    again, torn = check_repeats(x, y, ids, SIDES)
    assert again.level == "warning"
    assert (again.kind, again.evidence["rows"], again.evidence["examples"][0]) == ("duplicate rows", 10, "p310")
    assert (torn.kind, torn.level, torn.evidence["rows"]) == ("conflicting labels", "note", 11)
    assert "(3.7%)" in str(torn)


def test_row_hashes_tell_rows_apart_as_their_values_do() -> None:
    x = RNG.integers(0, 3, (5000, 4)).astype(float)
    x[x == 2] = np.nan
    named = row_hashes(x)
    assert np.unique(named).size == np.unique(np.nan_to_num(x, nan=9.0), axis=0).shape[0]
    assert row_hashes(np.array([[0.0]])) == row_hashes(np.array([[-0.0]]))
    assert np.array_equal(row_hashes(x[::-1]), named[::-1])


def test_entities_on_both_sides_are_told_as_the_split_makes_of_it() -> None:
    cards = names_of(pa.array([f"c{row % 60}" if row < 300 else f"c{row % 100 + 30}" for row in range(N)]))
    none = np.zeros(N, np.int64)
    (finding,) = check_overlap({"card": cards, "gift": none}, SIDES, "", timely=False)
    assert (finding.column, finding.level) == ("card", "warning")
    assert (finding.evidence["entities"], finding.evidence["in_test"]) == (30, 100)
    assert finding.evidence["share_of_test_rows"] == pytest.approx(0.3)
    assert "tw.split.by_group" in str(finding)
    assert next(check_overlap({"card": cards}, SIDES, "", timely=True)).level == "note"
    assert list(check_overlap({"card": cards}, SIDES, "card", timely=False)) == []


def test_a_column_written_after_the_outcome_is_seen_by_what_young_rows_lack() -> None:
    view = ir.View(
        "V", "Sale", (), tuple(ir.ViewColumn(name, ir.Col((name,))) for name in ("honest", "refund", "full"))
    )
    at = np.arange(N)
    young = at > 299
    rows = pa.table(
        {
            "_at": at,
            "honest": pa.array(RNG.normal(size=N), mask=RNG.random(N) < 0.5),
            "refund": pa.array(RNG.normal(size=N), mask=young | (RNG.random(N) < 0.2)),
            "full": RNG.normal(size=N),
        }
    )
    (finding,) = filled_later(rows, view, 299)
    assert (finding.kind, finding.column) == ("filled later", "refund")
    assert finding.evidence == {
        "filled_old": pytest.approx(0.8, abs=0.1),
        "old": 100,
        "filled_young": 0.0,
        "young": 100,
    }
    assert list(filled_later(rows, view, 390)) == []  # ten rows are too few to say
    assert list(filled_later(rows, view, N)) == []
