from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.definitions.language.durations import HOPS, TILES_AT_LEAST, format_duration, hop_of, parse_duration
from tidewheel.errors import DefinitionError


@pytest.mark.parametrize(
    ("text", "value"),
    [("20ms", 20_000), ("5s", 5_000_000), ("10min", 600_000_000), ("1h", 3_600_000_000), ("30d", 30 * 86_400_000_000)],
)
def test_plain_durations(text: str, value: int) -> None:
    assert parse_duration(text) == value
    assert format_duration(value) == text
    assert parse_duration(timedelta(microseconds=value)) == value


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10m", "10min"),
        ("2mo", "60d"),
        ("1y", "365d"),
        ("3 days", "3d"),
        ("5 fortnights", "us, ms, s, min, h, d, w"),
        ("soon", "10min"),
        ("1.5h", "whole number"),
        ("-1h", "whole number"),
        ("0s", "not positive"),
        (5, "write a string"),
        (None, "write a string"),
        (timedelta(0), "not positive"),
    ],
)
def test_unclear_durations_are_refused(text: str, hint: str) -> None:
    with pytest.raises(DefinitionError) as error:
        parse_duration(text)
    assert hint in str(error.value)


@given(st.integers(1, 10**15))
def test_a_duration_survives_its_text(value: int) -> None:
    assert parse_duration(format_duration(value)) == value


def test_nothing_is_zero_seconds() -> None:
    assert format_duration(0) == "0s"


@given(st.sampled_from(HOPS), st.integers(TILES_AT_LEAST, 1000))
def test_the_hop_is_the_widest_that_fits(width: int, tiles: int) -> None:
    window = width * tiles
    hop = hop_of(window)
    assert window % hop == 0
    assert window // hop >= TILES_AT_LEAST
    assert all(wider * TILES_AT_LEAST > window or window % wider for wider in HOPS if wider > hop)


@pytest.mark.parametrize(
    ("window", "hop"), [("10min", "15s"), ("1d", "1h"), ("7d", "6h"), ("28d", "1d"), ("12s", "1s")]
)
def test_the_ladder(window: str, hop: str) -> None:
    assert format_duration(hop_of(parse_duration(window))) == hop


@pytest.mark.parametrize(("window", "words"), [("10s", "shorter than 12s"), ("20500ms", "no multiple of a usual hop")])
def test_windows_without_a_usual_hop_need_one(window: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words) as error:
        hop_of(parse_duration(window))
    hop = error.value.remedy.split("'")[1]
    assert hop_of(parse_duration(window), parse_duration(hop)) == parse_duration(hop)


def test_a_window_is_a_multiple_of_its_hop() -> None:
    assert hop_of(parse_duration("10s"), parse_duration("5s")) == 5_000_000
    with pytest.raises(DefinitionError, match="no multiple of its hop 3s"):
        hop_of(parse_duration("10s"), parse_duration("3s"))
    with pytest.raises(DefinitionError, match="no multiple"):
        hop_of(7, 8)
