"""Bytes or mappings in; for each row an event, or the reason why not.

Rows take the fast way together: one typed decode of the whole body and a few comparisons a row. Only
when that fails is the body taken apart row by row, so that the good rows go on and each bad one gets
its reason.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tidewheel.collect.checking.expectations import row_expectations
from tidewheel.collect.checking.ids import row_id
from tidewheel.collect.checking.values import (
    EARLIEST,
    KEY_KINDS,
    LARGEST_WHOLE,
    LATEST,
    LONGEST_KEY,
    LONGEST_TEXT,
    checked_value,
    described,
    instant_from_text,
    instant_of,
    not_json,
    value_from_text,
)
from tidewheel.collect.checking.vectors import checked_vector
from tidewheel.definitions.ir import TEXT_KINDS, Column, Source
from tidewheel.definitions.projects.masking import without
from tidewheel.errors import SchemaError
from tidewheel.storage.log.records import BadRow, NewEvent

NO_TIME = "at: missing"
"""Why a row of a file that says when each happened is refused, when it does not."""
MOST_KEPT_OF_A_ROW = 1 << 20
"""Bytes of a bad row that quarantine keeps."""
_WIRE_TYPES: dict[str, Any] = {"float": float, "int": int, "bool": bool, "time": str | int, "text": str}
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class RowCheck:
    """Checks rows of one source. Make one per source and keep it; it has no state.

    Parameters
    ----------
    source : Source
        The event type, or the entity whose table the rows are for.
    zone : ZoneInfo, optional
        Where times without a zone were read off a clock. Without it they are refused.
    """

    def __init__(self, source: Source, *, zone: ZoneInfo | None = None) -> None:
        self.source = source
        self._own_id = None if source.entity else source.id_column
        self.zone = zone
        self.wire = wire_struct(source)
        self._one = msgspec.json.Decoder(self.wire)
        self._many = msgspec.json.Decoder(list[self.wire])  # type: ignore[name-defined]  # a class made at run time
        self._by_name = {column.name: column for column in source.columns}
        self._texts = tuple(
            (column.name, column.kind, LONGEST_KEY if column.kind in KEY_KINDS else LONGEST_TEXT)
            for column in source.columns
            if column.kind in TEXT_KINDS and column.kind != "vector"
        )
        self._vectors = tuple((column.name, column.size) for column in source.columns if column.kind == "vector")
        self._numbers = tuple(column.name for column in source.columns if column.kind in ("float", "int"))
        self._times = tuple(column.name for column in source.columns if column.kind == "time")
        self._defaults = tuple((it.name, it.default) for it in source.columns if it.default is not None)
        self._expected = row_expectations(source)

    def decode(self, body: bytes, *, now: int, origin: str = "") -> list[NewEvent | BadRow]:
        """Decode one event or many: a JSON object, a JSON array, or JSON lines.

        Parameters
        ----------
        body : bytes
            UTF-8 JSON.
        now : int
            The arrival, for rows that bring no ``at`` of their own.
        origin : str
            Where the rows came from, for people who look at quarantine.

        Returns
        -------
        list of NewEvent or BadRow
            One for each row, in the order given.
        """
        try:
            if body[:1] == b"{" and b"\n" not in body:  # one event, as each decision brings
                return [self._event(self._one.decode(body), now)]
            return [self._event(row, now) for row in self._decode_typed(body)]
        except (msgspec.MsgspecError, UnicodeDecodeError, SchemaError):
            return [self._row(raw, now, origin) for raw in rows_of(body)]

    def check(
        self, row: Mapping[str, object], *, now: int, origin: str = "", as_text: bool = False
    ) -> NewEvent | BadRow:
        """Check one row of Python values; with `as_text`, strings may be the cells of a text file.

        Examples
        --------
        >>> from tidewheel.definitions.ir import Column, Source
        >>> check = RowCheck(Source("Payment", (Column("id", "id"), Column("amount", "float"))))
        >>> check.check({"id": 7, "amount": 12, "at": "2013-01-01T00:00:00Z"}, now=0).columns
        {'id': '7', 'amount': 12.0}
        >>> check.check({"id": 7, "amout": 12}, now=0).reason
        "amount: missing; no column 'amout', did you mean 'amount'?"
        """
        try:
            columns, at = self.values(row, as_text=as_text)
        except SchemaError as error:
            return self.bad(row, str(error), now, origin)
        at = now if at is None else at
        for expected in self._expected:
            if not expected.met(columns, at):
                return self.bad(row, expected.reason(columns, at), now, origin, expected.name)
        identity = row_id(self.source, columns, at, now)
        return NewEvent(self.source.name, identity, at, columns, revisable=self.source.revisable)

    def check_again(self, bad: BadRow, *, now: int) -> NewEvent | BadRow:
        """Check a quarantined row by the declaration of now, as cells of text where it came from a text file.

        One that lacks the time that the other rows of its file have is refused again: it did not happen just now.
        """
        try:
            row = msgspec.json.decode(bad.row)
        except _UNREADABLE:
            return bad
        if not isinstance(row, dict) or (bad.reason == NO_TIME and row.get("at") is None):
            return bad
        event = self.check(row, now=now, origin=bad.source, as_text=True)
        return (
            event
            if isinstance(event, NewEvent)
            else msgspec.structs.replace(bad, reason=event.reason, expectation=event.expectation)
        )

    def values(self, row: Mapping[str, object], *, as_text: bool = False) -> tuple[dict[str, object], int | None]:
        """Return a row's columns in canonical types and its ``at`` (None when it has none).

        With `as_text`, strings are read as the cells of a text file are. Raises `SchemaError` that
        names every problem of the row.
        """
        columns: dict[str, object] = {}
        problems: list[str] = []
        for name, column in self._by_name.items():
            try:
                columns[name] = self._value(column, row.get(name), as_text)
            except SchemaError as error:
                told = without(str(error), [str(row.get(name))]) if column.personal else str(error)
                problems.append(f"{name}: {told}")
        at = self._instant(row.get("at"), as_text, problems)
        problems.extend(self._unknown(name) for name in row if name != "at" and name not in self._by_name)
        if problems:
            raise SchemaError("; ".join(problems))
        return columns, at

    def bad(self, row: object, reason: str, now: int, origin: str, expectation: str = "") -> BadRow:
        """Return the quarantine entry for a row: bytes as they came, or values written as JSON."""
        raw = row if isinstance(row, bytes) else _as_json(row)
        if len(raw) > MOST_KEPT_OF_A_ROW:
            reason = f"{reason}; only the first {MOST_KEPT_OF_A_ROW} of {len(raw)} bytes are kept"
            raw = raw[:MOST_KEPT_OF_A_ROW]
        return BadRow(self.source.name, reason, raw, origin, now, expectation=expectation)

    def _decode_typed(self, body: bytes) -> list[msgspec.Struct]:
        start = body.lstrip()[:1]
        if start == b"[":
            return self._many.decode(body)
        return self._one.decode_lines(body) if b"\n" in body.strip() else [self._one.decode(body)]

    def _event(self, row: msgspec.Struct, now: int) -> NewEvent:
        columns = msgspec.structs.asdict(row)
        at = columns.pop("at")
        for name, default in self._defaults:
            if columns[name] is None:
                columns[name] = default
        for name, kind, most in self._texts:
            value = columns[name]
            # A quarter of the limit in characters can't exceed it in bytes.
            if value is not None and (type(value) is not str or not 0 < len(value) <= most // 4):
                columns[name] = checked_value(kind, value)
        for name in self._numbers:
            value = columns[name]
            if value is not None and not -LARGEST_WHOLE < value < LARGEST_WHOLE:
                raise SchemaError("only the row-by-row check sees whether this was a whole number")
        for name in self._times:
            if columns[name] is not None:
                columns[name] = instant_of(columns[name], self.zone)
        for name, size in self._vectors:
            if columns[name] is not None:
                columns[name] = checked_vector(columns[name], size)
        if at is None:
            at = now
        elif type(at) is not int or not EARLIEST <= at <= LATEST:
            at = instant_of(at, self.zone)
        for expected in self._expected:
            if not expected.met(columns, at):
                raise SchemaError("only the row-by-row check gives the reason")
        own = self._own_id
        identity = columns[own] if own is not None else row_id(self.source, columns, at, now)
        return NewEvent(self.source.name, identity, at, columns, revisable=self.source.revisable)

    def _row(self, raw: bytes, now: int, origin: str) -> NewEvent | BadRow:
        try:
            row = msgspec.json.decode(raw)
        except _UNREADABLE as error:
            return self.bad(raw, not_json(error, raw), now, origin)
        if not isinstance(row, dict):
            return self.bad(raw, f"expected an object of columns, found {described(row)}", now, origin)
        event = self.check(row, now=now, origin=origin)
        return event if isinstance(event, NewEvent) else self.bad(raw, event.reason, now, origin, event.expectation)

    def _value(self, column: Column, value: object, as_text: bool) -> object:
        if value is None:
            if column.optional:
                return column.default
            raise SchemaError("missing")
        if column.kind == "vector":
            return checked_vector(value, column.size)
        if as_text and isinstance(value, str):
            return value_from_text(column.kind, value, self.zone)
        return checked_value(column.kind, value, self.zone)

    def _instant(self, value: object, as_text: bool, problems: list[str]) -> int | None:
        if value is None:
            return None
        try:
            return instant_from_text(value, self.zone) if as_text else instant_of(value, self.zone)
        except SchemaError as error:
            problems.append(f"at: {error}")
            return None

    def _unknown(self, name: str) -> str:
        columns = [*self._by_name, "at"]
        likely = difflib.get_close_matches(str(name), columns, n=1)
        found = f"no column {described(name).removeprefix('text ')}"
        return f"{found}, did you mean {likely[0]!r}?" if likely else f"{found}; there are {', '.join(columns)}"


def decode_event(source: Source, body: bytes, *, now: int, origin: str = "") -> list[NewEvent | BadRow]:
    """Decode one event or many of `source`: see `RowCheck.decode`."""
    return row_check(source).decode(body, now=now, origin=origin)


def check_row(source: Source, row: Mapping[str, object], *, now: int, origin: str = "") -> NewEvent | BadRow:
    """Check one row of Python values: see `RowCheck.check`."""
    return row_check(source).check(row, now=now, origin=origin)


@lru_cache(maxsize=1024)
def row_check(source: Source) -> RowCheck:
    """Return the check for a source, made once."""
    return RowCheck(source)


def wire_struct(source: Source, rename: Mapping[str, str] | None = None, strict: bool = True) -> type[msgspec.Struct]:
    """Return the typed struct of one row on the wire; `rename` gives the field's name for a column.

    Text that may hold a whole number is ``str | int``; times are RFC 3339 text or microseconds.
    """
    fields: list[Any] = [_wire_field(column) for column in source.columns]
    fields.append(("at", str | int | None, None))
    return msgspec.defstruct(
        source.name, fields, rename=dict(rename or {}), forbid_unknown_fields=strict, gc=False, kw_only=True
    )


def _wire_field(column: Column) -> tuple[Any, ...]:
    if column.kind == "vector":
        wire: Any = list[float] | str
    else:
        wire = _WIRE_TYPES.get(column.kind, str | int)
    return (column.name, wire | None, None) if column.optional else (column.name, wire)


def _as_json(row: object) -> bytes:
    """Return a refused row as JSON; what JSON can't hold is written as Python shows it."""
    try:
        return msgspec.json.encode(row, enc_hook=str)
    except (ValueError, OverflowError, TypeError, msgspec.EncodeError):
        shown = {ascii(name): _shown(value) for name, value in row.items()} if isinstance(row, Mapping) else _shown(row)
        return msgspec.json.encode(shown)


def _shown(value: object) -> str:
    try:
        return ascii(value)
    except ValueError:
        return described(value)


def rows_of(body: bytes) -> list[bytes]:
    """Take a body apart into the bytes of its rows: an array's elements, lines, or the one object."""
    stripped = body.strip()
    if stripped.startswith(b"["):
        try:
            return [bytes(raw) for raw in msgspec.json.decode(stripped, type=list[msgspec.Raw])]
        except _UNREADABLE:
            return [stripped]
    try:
        msgspec.json.decode(stripped)
    except _UNREADABLE:
        lines = [line for line in stripped.split(b"\n") if line.strip()]
        return lines or [stripped]
    return [stripped]
