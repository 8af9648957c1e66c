"""When a schedule is due: each day, week or month at a local time, by a cron expression, or at an interval.

Local times that a clock change skips are due at the first instant after the gap; those that it repeats, the
first time. A day of the month that a month lacks is its last.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tidewheel.definitions.language.durations import format_duration
from tidewheel.errors import ConfigError

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a job is due.

    Examples
    --------
    >>> monthly = Schedule(every="monthly", at="02:00", day=31)
    >>> show(next_due(monthly, instant("2013-01-31T02:00:00")))
    '2013-02-28T02:00:00+00:00'
    """

    every: Literal["daily", "weekly", "monthly", "interval", "cron"]
    at: str = "00:00"
    """Local time of day, ``HH:MM``."""
    tz: str = "UTC"
    """Zone of `at`, such as ``Europe/Stockholm``."""
    weekday: int = 0
    """For weekly: 0 is Monday."""
    day: int = 1
    """For monthly: 1 to 31."""
    interval: int = 0
    """For interval: microseconds; due at its multiples since 1970."""
    cron: str = ""
    """For cron: five fields, minute to weekday, such as ``0 3 * * mon-fri``."""
    missed: Literal["latest", "skip", "all"] = "latest"
    """Of due times that came while nobody looked: run the latest, none, or each in its turn."""

    def describe(self) -> str:
        """Return the schedule in a few words.

        Examples
        --------
        >>> Schedule(every="cron", cron="0 3 * * mon").describe()
        '0 3 * * mon UTC'
        >>> Schedule(every="interval", interval=90 * SECOND).describe()
        'every 90s'
        """
        if self.every == "interval":
            return f"every {format_duration(self.interval)}"
        return f"{self.cron} {self.tz}" if self.every == "cron" else f"{self.every} at {self.at} {self.tz}"

    def check(self) -> Schedule:
        """Return the schedule when it makes sense.

        Raises
        ------
        ConfigError
            No such time, zone, weekday, day, or no interval.
        """
        wrong = _mistake(self)
        if wrong:
            raise ConfigError(
                f"{wrong}", where=f"schedule {self.every}", remedy="see Schedule for what each field takes"
            )
        return self


def _mistake(schedule: Schedule) -> str:
    if schedule.every == "interval":
        return "" if schedule.interval >= SECOND else f"interval = {schedule.interval} is below a second"
    try:
        _time_of(schedule.at)
        ZoneInfo(schedule.tz)
        if schedule.every == "cron":
            return cron_mistake(schedule.cron)
    except ValueError:
        return f"at = {schedule.at!r} is no time of day like 02:30, or tz = {schedule.tz!r} no zone"
    except ZoneInfoNotFoundError:
        return f"tz = {schedule.tz!r} is no known zone"
    if not 0 <= schedule.weekday <= 6:
        return f"weekday = {schedule.weekday} is not 0 (Monday) to 6"
    return "" if 1 <= schedule.day <= 31 else f"day = {schedule.day} is not 1 to 31"


def next_due(schedule: Schedule, after: int) -> int:
    """Return the first due instant later than `after`, microseconds UTC."""
    if schedule.every == "interval":
        return (after // schedule.interval + 1) * schedule.interval
    if schedule.every == "cron":
        return _micros(next(_cron(schedule, after)))
    day = _local_day(schedule, after) - timedelta(days=1)
    while True:
        day = _on_or_after(schedule, day)
        due = _instant_of(schedule, day)
        if due > after:
            return due
        day += timedelta(days=1)


def latest_due(schedule: Schedule, at: int) -> int:
    """Return the last due instant not later than `at`, microseconds UTC."""
    if schedule.every == "interval":
        return at // schedule.interval * schedule.interval
    if schedule.every == "cron":
        return _micros(next(_cron(schedule, at + SECOND, reverse=True)))
    day = _local_day(schedule, at) + timedelta(days=1)
    while True:
        day = _on_or_before(schedule, day)
        due = _instant_of(schedule, day)
        if due <= at:
            return due
        day -= timedelta(days=1)


def cron_mistake(expression: str) -> str:
    """Return what is wrong with a cron expression; "" when nothing is.

    Examples
    --------
    >>> cron_mistake("0 3 * * mon-fri"), cron_mistake("0 25 * * *")
    ('', "cron = '0 25 * * *' can't be read: Bad hour")
    """
    from cronsim import CronSim, CronSimError

    try:
        if len(expression.split()) != 5:
            return f"cron = {expression!r} has {len(expression.split())} fields; five are expected"
        next(CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return f"cron = {expression!r} can't be read: {error}"
    except StopIteration:
        return f"cron = {expression!r} is never due"
    return ""


def _cron(schedule: Schedule, at: int, *, reverse: bool = False) -> Iterator[datetime]:
    """Yield due moments from an instant on, or back from it; as Debian's cron takes changes of the clock."""
    from cronsim import CronSim

    moment = (_EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(schedule.tz))
    return CronSim(schedule.cron, moment, reverse=reverse)


def _micros(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND


def instant(text: str) -> int:
    """Return the microseconds of an RFC 3339 time; UTC where it names no zone."""
    moment = datetime.fromisoformat(text)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND


def show(at: int) -> str:
    """Return an instant as RFC 3339 text, UTC."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat()


def _time_of(text: str) -> tuple[int, int]:
    moment = datetime.strptime(text, "%H:%M")
    return moment.hour, moment.minute


def _local_day(schedule: Schedule, at: int) -> date:
    return (_EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(schedule.tz)).date()


def _instant_of(schedule: Schedule, day: date) -> int:
    hour, minute = _time_of(schedule.at)
    zone = ZoneInfo(schedule.tz)
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    there = local.astimezone(UTC)
    if there.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        there = _end_of_gap(there, zone)
    return (there - _EPOCH) // _MICROSECOND


def _end_of_gap(there: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant after a skipped stretch of local time that `there` was read from.

    A skipped time read with the offset before the change lies after the change, at most the gap's width.
    """
    high = int(there.timestamp())
    low = high - 26 * 3600
    after = there.astimezone(zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


def _matches(schedule: Schedule, day: date) -> bool:
    if schedule.every == "daily":
        return True
    if schedule.every == "weekly":
        return day.weekday() == schedule.weekday
    return day.day == min(schedule.day, calendar.monthrange(day.year, day.month)[1])


def _on_or_after(schedule: Schedule, day: date) -> date:
    while not _matches(schedule, day):
        day += timedelta(days=1)
    return day


def _on_or_before(schedule: Schedule, day: date) -> date:
    while not _matches(schedule, day):
        day -= timedelta(days=1)
    return day
