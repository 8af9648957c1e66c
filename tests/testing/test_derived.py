"""The test for derived functions passes those that can be served, and says what is wrong with others."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

import tidewheel as tw
from tidewheel.errors import DefinitionError, FeatureError
from tidewheel.testing import check_derived

RATES = {"SE": 1.5, "NO": 2.0}


def rate(country: str | None) -> float | None:
    return RATES.get(country or "")


class Sale(tw.Event):
    amount: float
    country: tw.Category


class SaleView(tw.View, on=Sale):
    @tw.derived(Sale.amount, Sale.country)
    def converted(amount: tw.Array, country: tw.Array) -> tw.Array:
        return amount * np.array([rate(name) for name in country], float)

    @tw.derived(converted)
    def large(converted: tw.Array) -> tw.Array:
        return converted > 10

    @tw.derived(Sale.country, text=True)
    def lower(country: tw.Array) -> tw.Array:
        return [None if name is None else name.lower() for name in country]

    @tw.derived(Sale.at)
    def minute(at: tw.Array) -> tw.Array:
        return at // 60e6 % 60

    @tw.derived(Sale.amount)
    def centred(amount: tw.Array) -> tw.Array:
        return amount - np.nanmean(amount)

    @tw.derived(Sale.amount)
    def ranked(amount: tw.Array) -> tw.Array:
        return np.arange(len(amount))

    @tw.derived(Sale.amount)
    def spoilt(amount: tw.Array) -> tw.Array:
        amount[np.isnan(amount)] = 0
        return amount

    @tw.derived(Sale.amount)
    def drawn(amount: tw.Array) -> tw.Array:
        return amount + np.random.random(len(amount))

    @tw.derived(Sale.country)
    def strict(country: tw.Array) -> tw.Array:
        return np.array([len(name) for name in country], float)

    @tw.derived(Sale.amount)
    def short(amount: tw.Array) -> tw.Array:
        return amount[:1]


def test_what_can_be_served_passes() -> None:
    amounts, countries = [2.0, 8.0, None, 1.0], ["SE", "NO", "SE", None]
    assert check_derived(SaleView.converted, amounts, countries, gives=[3, 16.0, None, None]) == [3.0, 16.0, None, None]
    assert check_derived(SaleView.large, [3.0, 16.0, None]) == [0.0, 1.0, 0.0]
    assert check_derived(SaleView.lower, ["SE", None], gives=["se", None]) == ["se", None]
    assert check_derived(SaleView.minute, [datetime(2026, 1, 1, 10, 42, tzinfo=UTC)], gives=[42]) == [42.0]


@pytest.mark.parametrize(
    ("name", "examples", "message"),
    [
        ("centred", [1.0, 2.0], r"row 0 \(1.0\) alone or in another order"),
        ("ranked", [1.0, 2.0], "alone or in another order"),
        ("spoilt", [None, 2.0], "writes into its argument 1"),
        ("drawn", [1.0], "when it is called again"),
        ("strict", ["a", "b"], "raised TypeError"),
        ("short", [1.0, 2.0], "returned shape"),
    ],
)
def test_what_can_not_be_served_is_told(name: str, examples: list[object], message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        check_derived(getattr(SaleView, name), examples)


def test_examples_and_expectations_are_checked() -> None:
    with pytest.raises(FeatureError, match=r"gives 3.0 for row 0, expected 4"):
        check_derived(SaleView.converted, [2.0], ["SE"], gives=[4])
    with pytest.raises(FeatureError, match="2 values are expected of 1 rows"):
        check_derived(SaleView.converted, [2.0], ["SE"], gives=[3, 3])
    with pytest.raises(FeatureError, match=r"\[1, 2\] values long"):
        check_derived(SaleView.converted, [2.0, 3.0], ["SE"])
    with pytest.raises(FeatureError, match="no derived function"):
        check_derived(Sale.amount, [2.0])  # type: ignore[arg-type]  # the mistake to be told


def test_what_does_not_travel_is_refused() -> None:
    limit = 3.0

    class V(tw.View, on=Sale):
        @tw.derived(Sale.amount)
        def near(amount: tw.Array) -> tw.Array:
            return amount < limit

    with pytest.raises(DefinitionError, match="uses limit of the function around it"):
        check_derived(V.near, [1.0])
