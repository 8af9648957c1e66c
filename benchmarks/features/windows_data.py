"""The benchmark's input: payments of zipf-distributed keys over 30 days, in no order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HOUR = 3_600_000_000
DAY = 24 * HOUR
SPAN = 30 * DAY
WINDOWS = ((HOUR, HOUR // 12), (DAY, HOUR), (7 * DAY, 6 * HOUR))
"""(window, hop) by the ladder of the design."""
NAMES = [f"{op}_{w}" for w in ("1h", "1d", "7d") for op in ("count", "sum", "mean", "min", "max")]
NAMES += ["last_7d", "distinct_7d"]
CATEGORIES = 50


class Table(NamedTuple):
    """Events and label rows, as columns."""

    key: Ints
    at: Ints
    amount: Floats
    category: Ints
    label_key: Ints
    label_at: Ints
    n_keys: int


def make(n: int, labels: int, n_keys: int = 100_000, seed: int = 7) -> Table:
    """Return events of distinct times and label rows of the same keys, both shuffled."""
    random = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, n_keys + 1) ** 1.05
    share /= share.sum()
    code = random.permutation(n_keys)
    at = np.unique(random.integers(0, SPAN, n + n // 50))
    return Table(
        key=code[random.choice(n_keys, n, p=share)],
        at=random.permutation(at)[:n] + 1_700_000_000_000_000,
        amount=np.round(random.lognormal(3.0, 1.0, n), 2),
        category=random.integers(0, CATEGORIES, n),
        label_key=code[random.choice(n_keys, labels, p=share)],
        label_at=random.integers(SPAN // 4, SPAN, labels) + 1_700_000_000_000_000,
        n_keys=n_keys,
    )
