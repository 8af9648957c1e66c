"""How one event is written in the log, and how one is read again.

A row is a run of 8-byte words, so that thousands of rows are turned into columns by array
arithmetic (`log_tables`) and one row by one ``struct`` call::

    schema u32, bytes of text u32 | at | arrived | claimed at | null bits... | numbers... | lengths u32... | text

A *schema* is a type with its column names and kinds; the log keeps a table of them and a row
names its schema by number. A column that is only ever null has no kind yet, and no bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from tidewheel.errors import SchemaError
from tidewheel.storage.log.records import LogRecord

KINDS: dict[type, str] = {str: "t", float: "d", int: "q", bool: "b", type(None): "n"}
_FILL = {"t": "", "d": 0.0, "q": 0, "b": False, "n": None}
_PADDING = [b"\0" * n for n in range(8)]
WORD = 8


class RowSchema(msgspec.Struct, frozen=True, array_like=True):
    """Names and kinds of the columns of one type; `kinds` has one letter of `KINDS` a column."""

    code: int
    type: str
    names: tuple[str, ...]
    kinds: str

    def fits(self, kinds: str) -> bool:
        """Whether a row of these kinds can be written in this schema: null fits every kind."""
        return all(ours == theirs or theirs == "n" for ours, theirs in zip(self.kinds, kinds, strict=True))


class RowLayout:
    """Where the parts of a schema's rows are, in words and bytes."""

    def __init__(self, schema: RowSchema) -> None:
        self.schema = schema
        self.fixed = tuple(i for i, kind in enumerate(schema.kinds) if kind in "dqb")
        self.texts = tuple(i for i, kind in enumerate(schema.kinds) if kind == "t")
        self.null_words = (len(schema.names) + 63) // 64
        self.lengths = len(self.texts) + 1
        fixed = "".join("d" if schema.kinds[i] == "d" else "q" for i in self.fixed)
        self.head = struct.Struct(f"<IIqqq{self.null_words}Q{fixed}{self.lengths}I{'4x' if self.lengths % 2 else ''}")
        self.first_fixed = 4 + self.null_words
        self.first_length = self.first_fixed + len(self.fixed)
        self._booleans = tuple(i for i in self.fixed if schema.kinds[i] == "b")
        self._values = slice(5 + self.null_words, 5 + self.null_words + len(self.fixed))
        place = {position: k for k, position in enumerate((*self.fixed, *self.texts))}
        # Two places at least, so that the getter gives a tuple; what comes after the texts is None.
        places = [place.get(i, len(place)) for i in range(len(schema.names))]
        self._order = itemgetter(*places, len(place), len(place))

    def decode(self, chunk: bytes, start: int, offset: int) -> LogRecord:
        """Read the row that starts at byte `start`."""
        cells = self.head.unpack_from(chunk, start)
        begin = start + self.head.size
        body = chunk[begin : begin + cells[1]]
        edges = [0, *accumulate(cells[-self.lengths :])]
        text = body.decode()
        if len(text) == len(body):
            texts = [text[a:b] for a, b in pairwise(edges)]
        else:
            texts = [body[a:b].decode() for a, b in pairwise(edges)]
        values = self._order((*cells[self._values], *texts[1:], None, None))
        if self._booleans or any(cells[5 : 5 + self.null_words]):
            values = self._with_booleans_and_nulls(values, cells[5 : 5 + self.null_words])
        at, claimed = cells[2], cells[4]
        columns = dict(zip(self.schema.names, values))  # noqa: B905 (two getters more than names)
        return LogRecord(offset, self.schema.type, texts[0], at, cells[3], claimed if claimed != at else None, columns)

    def _with_booleans_and_nulls(self, values: tuple[Any, ...], nulls: tuple[int, ...]) -> list[Any]:
        mended = list(values)
        for position in self._booleans:
            mended[position] = bool(mended[position])
        for i in range(len(self.schema.names)):
            if nulls[i >> 6] >> (i & 63) & 1:
                mended[i] = None
        return mended


class _Plan(NamedTuple):
    """How to write rows whose values have exactly these Python types."""

    code: int
    pack: Callable[..., bytes]
    nulls: tuple[int, ...]
    null_at: tuple[int, ...]
    fill: tuple[Any, ...]
    fixed: tuple[int, ...]
    texts: tuple[int, ...]


_Shape = tuple[str, tuple[str, ...], tuple[type, ...]]


class RowWriter:
    """Turns events into rows; remembers, per combination of Python types, how.

    Parameters
    ----------
    register : callable
        ``(type, names, kinds) -> RowSchema`` finds the log's schema that fits, or adds one.
    """

    def __init__(self, register: Callable[[str, tuple[str, ...], str], RowSchema]) -> None:
        self._register = register
        self._plans: dict[_Shape, _Plan] = {}

    def forget(self) -> None:
        """Drop what was remembered, after the transaction that added schemas was undone."""
        self._plans.clear()

    def encode(
        self, type: str, identity: str, columns: dict[str, object], at: int, arrived: int, claimed: int
    ) -> bytes:
        """Return the row's bytes, a multiple of 8.

        Raises
        ------
        SchemaError
            A value that the log can't hold: of another type, an integer beyond 64 bits, broken Unicode.
        """
        values = list(columns.values())
        shape = (type, tuple(columns), tuple(map(_TYPE_OF, values)))
        plan = self._plans.get(shape) or self._plan(shape)
        for position in plan.null_at:
            values[position] = plan.fill[position]
        try:
            texts = [identity.encode(), *[values[i].encode() for i in plan.texts]]  # type: ignore[attr-defined]  # kind "t"
            body = b"".join(texts)
            fixed = [values[i] for i in plan.fixed]
            head = plan.pack(plan.code, len(body), at, arrived, claimed, *plan.nulls, *fixed, *map(len, texts))
        except UnicodeEncodeError as error:
            raise SchemaError(f"text that is not valid Unicode ({error.reason})", where=type) from error
        except struct.error as error:
            raise SchemaError("a number beyond 64 bits", where=type) from error
        return head + body + _PADDING[-len(body) % WORD]

    def _plan(self, shape: _Shape) -> _Plan:
        type, names, types = shape
        kinds = "".join(_kind(name, value, type) for name, value in zip(names, types, strict=True))
        layout = RowLayout(self._register(type, names, kinds))
        null_at = tuple(i for i, kind in enumerate(kinds) if kind == "n")
        nulls = [0] * layout.null_words
        for i in null_at:
            nulls[i >> 6] |= 1 << (i & 63)
        fill = tuple(_FILL[kind] for kind in layout.schema.kinds)
        plan = _Plan(layout.schema.code, layout.head.pack, tuple(nulls), null_at, fill, layout.fixed, layout.texts)
        self._plans[shape] = plan
        return plan


_TYPE_OF: Callable[[object], type] = type


def _kind(name: str, value: type, source: str) -> str:
    kind = KINDS.get(value)
    if kind is None:
        raise SchemaError(f"the log can't hold a {value.__name__}", where=f"{source}.{name}")
    return kind


def choose_schema(known: Sequence[RowSchema], kinds: str) -> RowSchema | None:
    """First of the known schemas (same type and names) that rows of these kinds can be written in."""
    return next((schema for schema in known if schema.fits(kinds)), None)
