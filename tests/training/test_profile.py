"""Profiles count every train row once, nulls and rare values included."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tidewheel.training import profile


def test_every_row_is_in_one_bin() -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "amount": pa.array(np.where(rng.random(500) < 0.1, np.nan, rng.normal(size=500)), from_pandas=True),
            "country": pa.array([None if i % 7 == 0 else f"c{i % 40}" for i in range(500)]),
        }
    )
    number, category = profile.view_profile(table, ["country"])
    assert isinstance(number, profile.NumberProfile)
    assert isinstance(category, profile.CategoryProfile)
    assert sum(number.counts) == sum(category.counts) == 500
    assert len(number.counts) == len(number.edges) + 2
    assert len(category.values) == profile.MOST_CATEGORIES
    assert category.counts[-1] == 72


def test_fallback_table_draws_rare_keys_to_the_mean() -> None:
    keys = pa.array(["often"] * 1000 + ["once"] + [None] * 999)
    y = np.concatenate([np.ones(1000), [1.0], np.zeros(999)])
    table = profile.score_table(keys, y, np.ones(2000))
    assert table[""] == pytest.approx(1001 / 2000)
    assert table["often"] > 0.98
    assert table["once"] == pytest.approx((1 + 20 * table[""]) / 21)
    assert list(table) == ["", "often", "once"]
