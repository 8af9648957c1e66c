"""Profiles count every train row once, nulls and rare values included."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tidewheel.training.data import profile


def test_every_row_is_in_one_bin() -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "amount": pa.array(np.where(rng.random(500) < 0.1, np.nan, rng.normal(size=500)), from_pandas=True),
            "country": pa.array([None if i % 7 == 0 else f"c{i % 40}" for i in range(500)]),
        }
    )
    y = (rng.random(500) < 0.2).astype(float)
    whole = profile.training_profile(table, ["country"], y, rng.random(100))
    number, category = whole.features
    assert whole.rows == 500
    assert whole.label_rate == y.mean()
    assert whole.score is not None
    assert sum(whole.score.counts) == 100
    assert sum(number.counts) + number.nulls == 500
    assert len(number.counts) == len(number.edges) + 1
    assert sum(category.level_counts) + category.nulls == 500
    assert len(category.levels) == profile.MOST_LEVELS
    assert category.nulls == 72


def test_a_column_of_nulls_has_no_bins_to_drift_in() -> None:
    seen = profile.number_profile("empty", np.full(10, np.nan))
    assert (seen.nulls, seen.edges, seen.counts, seen.mean) == (10, [], [0], None)


def test_fallback_table_draws_rare_keys_to_the_mean() -> None:
    keys = pa.array(["often"] * 1000 + ["once"] + [None] * 999)
    y = np.concatenate([np.ones(1000), [1.0], np.zeros(999)])
    table = profile.fallback_table(("card",), keys, y, np.ones(2000))
    assert table.default == pytest.approx(1001 / 2000)
    assert table.scores["often"] > 0.98
    assert table.scores["once"] == pytest.approx((1 + 20 * table.default) / 21)
