"""Instants as text: int64 microseconds UTC inside, RFC 3339 with a zone outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tidewheel.collect.checking.values import EARLIEST, LATEST

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def instant_of(text: str) -> int:
    """Read microseconds since 1970, or an RFC 3339 time with a zone.

    Raises
    ------
    ValueError
        The text is neither, names no zone, or the year is beyond 9999: nanoseconds, as a rule, which would move a
        replayed clock where nothing moves it back from.

    Examples
    --------
    >>> instant_of("1000000"), instant_of("1970-01-01T01:00:01+01:00")
    (1000000, 1000000)
    """
    if text.lstrip("-").isdigit():
        instant = int(text)
        if not EARLIEST <= instant <= LATEST:
            raise ValueError("out of range: microseconds are expected")
        return instant
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return (moment - EPOCH) // MICROSECOND


def text_of(instant: int) -> str:
    """Return an instant as RFC 3339 in UTC.

    Examples
    --------
    >>> text_of(1_500_000)
    '1970-01-01T00:00:01.500000Z'
    """
    return (EPOCH + timedelta(microseconds=instant)).isoformat().replace("+00:00", "Z")
