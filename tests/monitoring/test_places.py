"""What came at each place of lists, with what the number of lists allows one to say of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tidewheel.metrics import wilson
from tidewheel.monitoring.lists import by_place
from tidewheel.outcomes import Joined, Lists


def test_a_place_where_nothing_came_may_be_a_good_one_all_the_same() -> None:
    joined = Joined(pa.table({}), np.empty(0), np.empty(0), np.empty(0, np.int8))
    rank, label = np.array([1] * 9 + [2] * 3 + [3]), np.array([0.0] * 9 + [1.0, 2.0, 3.0] + [3.5])
    lists = Lists(np.arange(13), pa.array(["a"] * 13), rank, label, 1, joined)
    shares, grades, alone = by_place(lists, np.ones(13, np.bool_))
    assert (shares.mean.low, shares.mean.high) == wilson(0, 9)
    assert np.isclose(grades.mean.high - 2.0, 1.96 / 3**0.5), "the sample's deviation is 1"
    assert (alone.known, alone.mean.value, np.isnan(alone.mean.low)) == (1, 3.5, True)
