"""The transforms of the expression machine against NumPy, one row and many, nulls and all."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.errors import DefinitionError
from tidewheel.kernel import Node, compile_program, evaluate, hash_numbers, hash_text

DAY = 86_400_000_000
Floats = npt.NDArray[np.float64]
numbers = st.floats(-1e6, 1e6)
columns = st.lists(st.one_of(numbers, st.just(np.nan)), min_size=1, max_size=30).map(np.array)


def run(node: Node, *inputs: Floats, texts: tuple[bool, ...] | None = None) -> Floats:
    """Evaluate one node over columns, and see that each row alone gives the same bits."""
    program = compile_program([node], texts or (False,) * len(inputs))
    rows = np.ascontiguousarray(np.stack(inputs, axis=1))
    out = evaluate(program, rows)[:, 0]
    alone = np.concatenate([evaluate(program, rows[i : i + 1])[:, 0] for i in range(len(rows))])
    assert alone.view(np.int64).tolist() == out.view(np.int64).tolist()
    return out


def x(*places: int) -> tuple[Node, ...]:
    return tuple(("input", place) for place in places)


def const(*values: float) -> tuple[Node, ...]:
    return tuple(("const", value) for value in values)


@settings(max_examples=50, deadline=None)
@given(columns, st.lists(numbers, min_size=1, max_size=6, unique=True).map(sorted))
def test_bucketize(column: Floats, edges: list[float]) -> None:
    out = run(("bucketize", *x(0), *const(*edges)), column)
    expected = np.searchsorted(edges, column, side="right").astype(float)
    assert np.array_equal(out, np.where(np.isnan(column), np.nan, expected), equal_nan=True)


@settings(max_examples=50, deadline=None)
@given(columns, st.floats(0.01, 1e5))
def test_cyclic(column: Floats, period: float) -> None:
    angle = 2 * np.pi * (column % period / period)
    for op, exact in (("cyclic_sin", np.sin), ("cyclic_cos", np.cos)):
        assert np.allclose(run((op, *x(0), *const(period)), column), exact(angle), rtol=0, atol=4e-15, equal_nan=True)


def test_the_quarters_of_a_circle_are_exact() -> None:
    hours = np.array([0.0, 6.0, 12.0, 18.0, 24.0, -6.0])
    assert run(("cyclic_sin", *x(0), *const(24)), hours).tolist() == [0.0, 1.0, 0.0, -1.0, 0.0, -1.0]
    assert run(("cyclic_cos", *x(0), *const(24)), hours).tolist() == [1.0, 0.0, -1.0, 0.0, 1.0, 0.0]
    assert np.isnan(run(("cyclic_cos", *x(0), *const(0)), hours)).all()


@settings(max_examples=100, deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
def test_haversine(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    found = run(("haversine", *x(0, 1, 2, 3)), *(np.array([degrees]) for degrees in (lat1, lon1, lat2, lon2)))[0]
    a, b, c, d = np.radians([lat1, lon1, lat2, lon2])
    h = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    assert found == pytest.approx(2 * 6371.0088 * np.arcsin(np.sqrt(min(h, 1.0))), abs=2e-4, rel=1e-12)
    same = run(("haversine", *x(0, 1), *x(0, 1)), np.array([lat1]), np.array([lon1]))
    assert same.tolist() == [0.0]


def test_haversine_at_its_ends() -> None:
    def distance(*degrees: float) -> float:
        return float(run(("haversine", *const(*degrees)), np.zeros(1))[0])

    assert distance(90, 0, -90, 0) == pytest.approx(np.pi * 6371.0088, rel=1e-15)
    assert distance(0, 179.5, 0, -180.5) == 0.0
    assert distance(59.3293, 18.0686, 59.9139, 10.7522) == pytest.approx(415.98, abs=1)
    assert np.isnan(distance(90.1, 0, 0, 0))


@settings(max_examples=50, deadline=None)
@given(st.integers(-(2**52), 2**52), st.integers(-23 * 60, 23 * 60))
def test_calendar(at: int, minutes: int) -> None:
    local = np.datetime64(at + minutes * 60_000_000, "us")
    hour = int((local - local.astype("datetime64[D]")) / np.timedelta64(1, "h"))
    weekday = (local.astype("datetime64[D]").astype(int) + 3) % 7
    assert run(("hour_of_day", *x(0), *const(minutes * 6e7)), np.array([float(at)])).tolist() == [hour]
    assert run(("day_of_week", *x(0), *const(minutes * 6e7)), np.array([float(at)])).tolist() == [weekday]


def test_buckets_of_hashes() -> None:
    texts = ["SE", "NO", None, "é"]
    words = np.array([hash_text(text) for text in texts]).view(np.float64)
    out = run(("hash_bucket", *x(0), *const(10)), words, texts=(True,))
    expected = [
        np.nan if text is None else float(np.uint64(hash_text(text) & (2**64 - 1)) % np.uint64(10)) for text in texts
    ]
    assert np.array_equal(out, expected, equal_nan=True)
    column = np.array([0.0, -0.0, 2.5, np.nan])
    hashes = hash_numbers(column).astype(np.uint64) % np.uint64(1000)
    out = run(("hash_bucket", *x(0), *const(1000)), column)
    assert out[:3].tolist() == hashes[:3].tolist()
    assert np.isnan(out[3])


def test_crosses_depend_on_both_and_on_their_order() -> None:
    a, b = np.meshgrid(np.arange(40.0), np.arange(40.0))
    out = run(("cross", *x(0, 1), *const(97)), a.ravel(), b.ravel())
    assert set(out) == set(range(97))
    assert np.bincount(out.astype(int)).max() < 3 * 1600 / 97
    assert (out != run(("cross", *x(1, 0), *const(97)), a.ravel(), b.ravel())).mean() > 0.9
    assert np.isnan(run(("cross", *x(0, 1), *const(97)), np.array([1.0]), np.array([np.nan]))).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.tuples(numbers, numbers), min_size=n, max_size=n)))
def test_products_of_vectors(pairs: list[tuple[float, float]]) -> None:
    n = len(pairs)
    inputs = [np.array([value]) for vector in zip(*pairs, strict=True) for value in vector]
    a, b = ("vector", *x(*range(n))), ("vector", *x(*range(n, 2 * n)))
    total = 0.0
    for left, right in pairs:
        total += left * right
    assert run(("dot", a, b), *inputs).tolist() == [total]
    # Operands that do not stand in a row are brought into one.
    shuffled = ("dot", ("vector", *x(*reversed(range(n)))), ("vector", *x(*reversed(range(n, 2 * n)))))
    assert run(shuffled, *inputs)[0] == pytest.approx(total, rel=1e-9, abs=1e-3)
    norms = np.prod([np.sqrt(np.square(vector).sum()) for vector in np.array(pairs).T])
    cosine = run(("cosine", a, b), *inputs)[0]
    assert np.isnan(cosine) if norms == 0 else cosine == pytest.approx(total / norms, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "node",
    [
        ("haversine", *x(0, 0, 0)),
        ("haversine", *x(0, 0, 0), ("text", "a")),
        ("bucketize", ("text", "a"), *const(1)),
        ("dot", ("vector", *x(0)), ("vector", *x(0, 0))),
        ("cyclic_sin", *x(0)),
    ],
)
def test_mistakes_are_refused(node: Any) -> None:
    with pytest.raises(DefinitionError):
        compile_program([node], [False])
