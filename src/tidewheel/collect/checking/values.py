"""What one value of a column may be, and how text and times are read: the rules both row and table checks obey.

Every rule is written once, here, for one value. The table checks do the same work a column at a time
and come back here for each value they refuse, so the two can't give different reasons.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidewheel.definitions.ir import Kind
from tidewheel.errors import ConfigError, SchemaError

LONGEST_KEY = 200
"""Bytes of UTF-8 in an id, a reference or a key."""
LONGEST_TEXT = 65_536
"""Bytes of UTF-8 in a category or a text."""
LARGEST_WHOLE = 2**53
"""Numbers are held as float64, which counts without gaps up to here."""
EARLIEST = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z in microseconds."""
LATEST = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z in microseconds."""
KEY_KINDS: frozenset[Kind] = frozenset({"id", "ref", "key"})
WHOLE_AS_TEXT: frozenset[Kind] = frozenset({"id", "ref", "key", "category"})
"""Kinds in which a whole number stands for its decimal digits."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?([Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_MICROSECONDS_AS_TEXT = re.compile(r"-?\d{15,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NO_NUMBER = re.compile(rb"[:,\[]\s*-?(?:NaN|Infinity)")
TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "0"})


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of that name, or raise `ConfigError`.

    >>> zone_named("Europe/Stockholm").key
    'Europe/Stockholm'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        remedy = "give a name of the IANA database, such as Europe/Stockholm or America/New_York"
        raise ConfigError(f"no time zone {name!r}", where="--timezone", remedy=remedy) from error


def checked_value(kind: Kind, value: object, zone: ZoneInfo | None = None) -> object:
    """Return `value` in its canonical type for a column of this kind, or raise `SchemaError`.

    Text kinds give ``str``, numbers ``float`` or ``int``, times ``int`` microseconds.

    >>> checked_value("id", 12), checked_value("float", 3)
    ('12', 3.0)
    """
    value = _plain(value)
    if kind == "float":
        return _number(value)
    if kind == "int":
        return _whole(value)
    if kind == "bool":
        if isinstance(value, bool):
            return value
        raise SchemaError(f"expected true or false, found {described(value)}")
    if kind == "time":
        return instant_of(value, zone)
    return _text(kind, value)


def value_from_text(kind: Kind, text: str, zone: ZoneInfo | None = None) -> object:
    """Read a cell of a text file (CSV) as a value of this kind, or raise `SchemaError`.

    >>> value_from_text("bool", "yes"), value_from_text("int", "3.0"), value_from_text("float", " .5")
    (True, 3, 0.5)
    """
    if kind in ("float", "int"):
        return checked_value(kind, _number_from_text(kind, text))
    if kind == "bool":
        word = text.strip().lower()
        if word in TRUE_WORDS or word in FALSE_WORDS:
            return word in TRUE_WORDS
        raise SchemaError(f"expected true or false, found {described(text)}")
    if kind == "time":
        return instant_from_text(text, zone)
    return _text(kind, text)


def instant_of(value: object, zone: ZoneInfo | None = None) -> int:
    """Return microseconds since 1970 in UTC: from whole microseconds, RFC 3339 text, or a datetime.

    A time without a zone is read in `zone` and refused without one. Of an hour that clocks repeat it
    is the first; in an hour that clocks skip it is moved forward by the hour skipped. Digits beyond
    microseconds are dropped.

    >>> instant_of("2013-01-01T00:00:00.5Z")
    1356998400500000
    """
    if not isinstance(value, int | str | date):
        value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, int | str | date):
        raise SchemaError(f"expected a time (RFC 3339 text or whole microseconds), found {described(value)}")
    if isinstance(value, int):
        if EARLIEST <= value <= LATEST:
            return value
        raise SchemaError(
            f"time {_digits(value)} is outside the years 1 to 9999 (microseconds since 1970 are expected)"
        )
    if isinstance(value, str):
        value = time_from_text(value)
    elif not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return _microseconds(value, zone)


def instant_from_text(value: object, zone: ZoneInfo | None = None) -> int:
    """Return the instant in a cell of a text file: as `instant_of`, or 15 and more digits for microseconds.

    Shorter runs of digits are refused: they are seconds, milliseconds or a date.
    """
    if isinstance(value, str):
        value = value.strip()
        if _MICROSECONDS_AS_TEXT.fullmatch(value):
            value = int(value)
    return instant_of(value, zone)


def local_to_utc(moment: datetime, zone: ZoneInfo) -> int:
    """Microseconds of a clock reading in `zone`: the first of two, or moved forward over a gap."""
    # fold=0 takes the offset before the change, which gives both halves of the rule.
    return (moment.replace(tzinfo=zone, fold=0).astimezone(UTC) - EPOCH) // _MICROSECOND


def clock_oddity(moment: datetime, zone: ZoneInfo) -> str:
    """Say whether a clock reading is ``"repeated"``, ``"skipped"`` or ``""`` in `zone`."""
    before = moment.replace(tzinfo=zone, fold=0).utcoffset()
    after = moment.replace(tzinfo=zone, fold=1).utcoffset()
    if before is None or after is None or before == after:
        return ""
    return "repeated" if before > after else "skipped"


def not_json(error: Exception, raw: bytes) -> str:
    """Say why bytes are no JSON; the usual cause is a number that JSON has no word for.

    >>> not_json(ValueError("JSON is malformed: invalid character (byte 6)"), b'{"x": NaN}')
    'not JSON: invalid character (byte 6); NaN and infinities are no JSON: write null'
    """
    hint = "; NaN and infinities are no JSON: write null" if _NO_NUMBER.search(raw) else ""
    return f"not JSON: {str(error).removeprefix('JSON is malformed: ')}{hint}"


def described(value: object) -> str:
    """Say what was found, briefly enough for a reason."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text {value[:40]!r}{'…' if len(value) > 40 else ''}"
    if isinstance(value, int | float):
        return f"number {_digits(value)}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return type(value).__name__


def _digits(value: float) -> str:
    """Return a number as text; Python refuses to spell out thousands of digits."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"of {value.bit_length()} bits"
    return str(value)[:40]


def _plain(value: object) -> object:
    """Take numpy's and decimal's numbers, and subclasses of str, for what they stand for."""
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        if type(value).__name__ == "datetime64":
            raise SchemaError("a numpy time has no zone; give a datetime with one, or whole microseconds")
        return value.item()
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, str) and type(value) is not str:
        return str.__str__(value)
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SchemaError(f"expected a number, found {described(value)}")
    if isinstance(value, int):
        return float(_exact(value))
    if value != value or value in (float("inf"), float("-inf")):
        raise SchemaError(f"{value} is no number; leave the value out, or write null")
    return float(value)


def _whole(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SchemaError(f"expected a whole number, found {described(value)}")
    return _exact(value)


def _exact(value: int) -> int:
    if -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
        return int(value)
    raise SchemaError(f"{_digits(value)} is beyond 2^53, where numbers lose digits; declare the column tw.Key")


def _text(kind: Kind, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and kind in WHOLE_AS_TEXT:
        if value.bit_length() > 256:
            raise SchemaError("a whole number of more than 256 bits is no id")
        value = str(int(value))
    if not isinstance(value, str):
        raise SchemaError(f"expected text, found {described(value)}")
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError as error:
        raise SchemaError("not valid Unicode text") from error
    if kind in KEY_KINDS:
        _check_key_size(kind, size)
    elif size > LONGEST_TEXT:
        raise SchemaError(f"text of {size} bytes; at most {LONGEST_TEXT} are taken")
    return value


def _check_key_size(kind: Kind, size: int) -> None:
    if size == 0:
        raise SchemaError(f"an empty {kind}; write null, or leave it out")
    if size > LONGEST_KEY:
        raise SchemaError(f"{kind} of {size} bytes; at most {LONGEST_KEY} are taken")


def _number_from_text(kind: Kind, text: str) -> float | int:
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        wanted = "a whole number" if kind == "int" else "a number"
        raise SchemaError(f"expected {wanted}, found {described(text)}")
    if len(stripped) > 400:
        raise SchemaError(f"a number of {len(stripped)} digits")
    return int(stripped) if kind == "int" and stripped.lstrip("+-").isdigit() else float(stripped)


def time_from_text(text: str) -> datetime:
    """Read RFC 3339 text, also without seconds, time of day or zone, as a datetime; or raise `SchemaError`."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise SchemaError(f"expected a time such as 2013-01-31T18:30:00Z, found {described(text)}")
    day, minutes, seconds, fraction, zone = found.groups()
    if fraction and not seconds:
        raise SchemaError(f"expected a time such as 2013-01-31T18:30:00Z, found {described(text)}")
    zone = (zone or "").upper()
    digits = f".{fraction[:6]:0<6}" if fraction else ""
    try:
        return datetime.fromisoformat(f"{day}T{minutes or '00:00'}{seconds or ':00'}{digits}{zone}")
    except ValueError as error:
        raise SchemaError(f"no such time: {described(text)}") from error


def _microseconds(moment: datetime, zone: ZoneInfo | None) -> int:
    try:
        if moment.tzinfo is not None and moment.utcoffset() is not None:
            instant = (moment - EPOCH) // _MICROSECOND
        elif zone is not None:
            instant = local_to_utc(moment, zone)
        else:
            remedy = "write it with one (2013-01-31T18:30:00Z), or, of a file, say which with --timezone"
            raise SchemaError(f"time {moment.isoformat()} has no zone", remedy=remedy)
    except OverflowError as error:
        raise SchemaError(f"time {moment.isoformat()} is outside the years 1 to 9999 in UTC") from error
    if not EARLIEST <= instant <= LATEST:
        raise SchemaError(f"time {moment.isoformat()} is outside the years 1 to 9999 in UTC")
    return instant
