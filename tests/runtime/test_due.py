from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.errors import ConfigError
from tidewheel.runtime.due import Schedule, instant, latest_due, next_due, show

STOCKHOLM = "Europe/Stockholm"


def dues(schedule: Schedule, after: str, count: int) -> list[str]:
    at, result = instant(after), []
    for _ in range(count):
        at = next_due(schedule, at)
        result.append(show(at).removesuffix("+00:00"))
    return result


def test_daily_in_a_zone_follows_its_clock() -> None:
    schedule = Schedule(every="daily", at="06:00", tz=STOCKHOLM)
    assert dues(schedule, "2026-03-27T12:00", 3) == [
        "2026-03-28T05:00:00",
        "2026-03-29T04:00:00",
        "2026-03-30T04:00:00",
    ]


def test_a_skipped_time_is_due_at_the_end_of_the_gap() -> None:
    """In Stockholm 02:00 became 03:00 on 29 March 2026."""
    schedule = Schedule(every="daily", at="02:30", tz=STOCKHOLM)
    assert dues(schedule, "2026-03-28T00:00", 3) == [
        "2026-03-28T01:30:00",
        "2026-03-29T01:00:00",
        "2026-03-30T00:30:00",
    ]


def test_a_repeated_time_is_due_once_the_first_time() -> None:
    """In Stockholm 03:00 became 02:00 on 25 October 2026."""
    schedule = Schedule(every="daily", at="02:30", tz=STOCKHOLM)
    assert dues(schedule, "2026-10-24T12:00", 2) == ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]


def test_month_ends() -> None:
    schedule = Schedule(every="monthly", at="00:00", day=31)
    assert dues(schedule, "2024-01-15", 5) == [
        "2024-01-31T00:00:00",
        "2024-02-29T00:00:00",
        "2024-03-31T00:00:00",
        "2024-04-30T00:00:00",
        "2024-05-31T00:00:00",
    ]
    assert dues(Schedule(every="monthly"), "2013-08-31T23:59", 2) == ["2013-09-01T00:00:00", "2013-10-01T00:00:00"]


def test_weekly() -> None:
    schedule = Schedule(every="weekly", at="03:00", weekday=6)
    assert dues(schedule, "2026-11-20", 2) == ["2026-11-22T03:00:00", "2026-11-29T03:00:00"]


def test_interval() -> None:
    schedule = Schedule(every="interval", interval=15 * 60_000_000)
    assert dues(schedule, "2026-11-20T00:07", 2) == ["2026-11-20T00:15:00", "2026-11-20T00:30:00"]


schedules = st.builds(
    Schedule,
    every=st.sampled_from(["daily", "weekly", "monthly", "interval"]),
    at=st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59)),
    tz=st.sampled_from(["UTC", STOCKHOLM, "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]),
    weekday=st.integers(0, 6),
    day=st.integers(1, 31),
    interval=st.integers(1_000_000, 10**12),
)


@given(schedules, st.integers(instant("1990-01-01"), instant("2035-01-01")))
def test_the_latest_and_the_next_meet(schedule: Schedule, at: int) -> None:
    latest, following = latest_due(schedule, at), next_due(schedule, at)
    assert latest <= at < following
    assert next_due(schedule, latest) == following
    assert latest_due(schedule, following) == following
    assert latest_due(schedule, following - 1) == latest


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(every="daily", at="25:00"), "no time of day"),
        (Schedule(every="daily", tz="Europe/Atlantis"), "Atlantis"),
        (Schedule(every="weekly", weekday=7), "weekday = 7"),
        (Schedule(every="monthly", day=0), "day = 0"),
        (Schedule(every="interval"), "below a second"),
    ],
)
def test_mistakes(schedule: Schedule, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        schedule.check()
