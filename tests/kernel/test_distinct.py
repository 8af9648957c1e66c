"""Distinct counts: exact up to k, a deterministic sketch within its stated error beyond."""

from __future__ import annotations

import datasketches
import numpy as np
import pytest

from tidewheel.kernel import AggregateSpec, Events, build_layout, empty, fold, hash_numbers, read, replay


def events(values: np.ndarray, at: np.ndarray) -> Events:
    n = len(values)
    slots = hash_numbers(values.astype(float)).view(np.float64).reshape(-1, 1)
    return Events(np.array([0, n]), np.zeros(n, np.int8), at, at, np.arange(1, n + 1), slots)


@pytest.mark.parametrize("delay", [0, 20])
@pytest.mark.parametrize("k", [16, 256])
def test_exact_up_to_k_then_the_k_smallest_hashes_decide(k: int, delay: int) -> None:
    random = np.random.default_rng(k)
    n = 6000
    at = np.cumsum(random.integers(0, 2, n))
    values = random.integers(0, random.choice([k // 3, 4 * k, 100 * k], n), n)
    layout = build_layout([AggregateSpec("distinct", 0, 0, 100, 10, delay, exact_to=k)])
    cuts = np.arange(0, n, 37)
    instants = at[np.maximum(cuts - 1, 0)] + 1
    history = events(values, at)
    rows, _ = replay(layout, history, np.array([0, len(cuts)]), cuts, instants)
    hashes = history.slots.view(np.int64)[:, 0]
    for row, cut, instant in zip(rows[:, 0], cuts, instants, strict=True):
        tile = at[:cut] // 10
        inside = tile >= (instant - delay - 100) // 10
        if delay:
            inside &= tile < (instant - delay) // 10
        distinct = np.unique(hashes[:cut][inside])
        if len(distinct) <= k:
            assert row == len(distinct)
        else:
            share = (float(distinct[k - 1]) + 2.0**63 + 1) / 2.0**64
            assert row == (k - 1) / share


def test_state_bytes_do_not_depend_on_batches() -> None:
    random = np.random.default_rng(0)
    at = np.sort(random.integers(0, 3000, 5000))
    whole = events(random.integers(0, 100_000, 5000), at)
    layout = build_layout(
        [AggregateSpec("distinct", 0, 0, 1000, 100, d, exact_to=16) for d in (0, 50)]
        + [AggregateSpec("distinct", 0, 0, exact_to=16)]
    )
    blobs = empty(1)
    for start in range(0, 5000, 71):
        part = slice(start, start + 71)
        blobs = fold(
            layout,
            blobs,
            Events(np.array([0, len(at[part])]), *(column[part] for column in whole[1:] if column is not None)),
        )
    assert blobs.words.tobytes() == fold(layout, empty(1), whole).words.tobytes()
    assert len(blobs.words) < 2 * (17 * 12 * 3 + 20)


def test_lifetime_sketch_is_as_good_as_theta() -> None:
    k, n, trials = 256, 20_000, 30
    layout = build_layout([AggregateSpec("distinct", 0, 0, exact_to=k)])
    errors, theirs = [], []
    for trial in range(trials):
        values = np.arange(n) + trial * n
        blobs = fold(layout, empty(1), events(values, np.zeros(n, np.int64)))
        errors.append(read(layout, blobs, np.array([1]))[0][0, 0] / n - 1)
        sketch = datasketches.update_theta_sketch(lg_k=8)
        for value in values:
            sketch.update(int(value))
        theirs.append(sketch.get_estimate() / n - 1)
    stated = 1 / np.sqrt(k - 2)
    assert np.sqrt(np.mean(np.square(errors))) < 1.4 * stated
    assert abs(np.mean(errors)) < 3 * stated / np.sqrt(trials)
    assert np.sqrt(np.mean(np.square(errors))) < 2 * np.sqrt(np.mean(np.square(theirs)))


def test_zeros_are_one_number_and_null_is_none() -> None:
    layout = build_layout([AggregateSpec("distinct", 0, 0)])
    values = np.array([0.0, -0.0, np.nan, 1.0])
    blobs = fold(layout, empty(1), events(values, np.zeros(4, np.int64)))
    assert read(layout, blobs, np.array([1]))[0].tolist() == [[2.0]]
