from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidewheel.errors import InputError
from tidewheel.routing.split import CHALLENGER, CHAMPION, Split

UNITS = [f"card {number}" for number in range(20_000)]
words = st.text(max_size=20)
shares = st.floats(0.0, 1.0)


def within(count: int, n: int, share: float) -> bool:
    """Whether a binomial count is within five standard deviations."""
    return abs(count - n * share) <= 5 * math.sqrt(n * share * (1 - share)) + 1


@settings(max_examples=20, deadline=None)
@given(words, words, shares)
def test_shares_are_kept(service: str, salt: str, share: float) -> None:
    split = Split(service, salt, {CHALLENGER: share})
    counts = Counter(split(unit).name for unit in UNITS)
    assert within(counts[CHALLENGER], len(UNITS), share)


@given(words, words, words, shares, shares)
def test_raising_a_share_never_moves_a_unit_that_was_in(
    service: str, salt: str, unit: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    if Split(service, salt, {CHALLENGER: low})(unit).name == CHALLENGER:
        assert Split(service, salt, {CHALLENGER: high})(unit).name == CHALLENGER


@example("0", "", "", [0.0, 0.5, 0.5, 0.5])
@given(words, words, words, st.lists(st.floats(0, 0.5), min_size=4, max_size=4))
def test_ramping_two_arms_never_trades_units_between_them(
    service: str, salt: str, unit: str, four: list[float]
) -> None:
    a_low, a_high = sorted(four[:2])
    b_low, b_high = sorted(four[2:])
    before = Split(service, salt, {"a": a_low, "b": b_low})(unit).name
    after = Split(service, salt, {"a": a_high, "b": b_high})(unit).name
    assert after == before or before == CHAMPION


@given(words, words, words, shares)
def test_a_unit_keeps_its_arm_and_propensity_is_its_share(service: str, salt: str, unit: str, share: float) -> None:
    arm = Split(service, salt, {CHALLENGER: share})(unit)
    assert arm == Split(service, salt, {CHALLENGER: share})(unit)
    assert arm.propensity == (share if arm.name == CHALLENGER else 1.0 - share)


def test_two_salts_deal_independently() -> None:
    one, other = Split("S", "one", {CHALLENGER: 0.5}), Split("S", "other", {CHALLENGER: 0.5})
    both = sum(one(unit).name == other(unit).name == CHALLENGER for unit in UNITS)
    assert within(both, len(UNITS), 0.25)


def test_names_do_not_run_together() -> None:
    same = sum(Split("ab", "c", {CHALLENGER: 0.5})(u) == Split("a", "bc", {CHALLENGER: 0.5})(u) for u in UNITS[:2000])
    assert within(same, 2000, 0.5)


def test_many_arms_and_the_ends() -> None:
    split = Split("S", "x", {"a": 0.2, "b": 0.3, "c": 0.5})
    counts = Counter(split(unit).name for unit in UNITS)
    assert set(counts) == {"a", "b", "c"}
    assert {Split("S", "x", {CHALLENGER: 1.0})(unit).name for unit in UNITS} == {CHALLENGER}
    assert {Split("S", "x", {CHALLENGER: 0.0})(unit).name for unit in UNITS} == {CHAMPION}
    assert {Split("S", "x", {})(unit) for unit in UNITS} == {(CHAMPION, 1.0)}


@pytest.mark.parametrize("wrong", [{"a": -0.1}, {"a": 0.6, "b": 0.5}, {"a": math.nan}])
def test_impossible_shares(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="shares"):
        Split("S", "x", wrong)


def test_arms_stay_the_same_across_releases() -> None:
    """A canary outlives an upgrade: these arms were dealt by the first release."""
    split = Split("Score", "Fraud@2/7", {CHALLENGER: 0.5})
    assert [split(f"card {number}").name == CHALLENGER for number in range(16)] == [
        False,
        True,
        True,
        False,
        False,
        True,
        False,
        False,
        True,
        False,
        False,
        True,
        True,
        False,
        True,
        False,
    ]
