"""What is asked: events from history, from a file, or made up from the declaration, each with an id of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.errors import InputError
from tidewheel.kernel.words.vectors import unpack_vector
from tidewheel.storage.journal.decisions import LOAD_TEST

MOST = 20_000
"""Different events; asked for again in turn, each time under a new id."""
Columns = dict[str, Any]


def from_file(path: Path) -> list[Columns]:
    """Read events from JSON lines or Parquet.

    Raises
    ------
    InputError
        It holds no events.
    """
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            return plain(pq.read_table(path).slice(0, MOST))
        rows = msgspec.json.Decoder(dict[str, Any]).decode_lines(path.read_bytes())
    except (msgspec.MsgspecError, pa.ArrowInvalid, OSError) as error:
        raise InputError(f"no events: {error}", where=str(path), remedy="give JSON lines or Parquet") from error
    if not rows:
        raise InputError("no events", where=str(path), remedy="give JSON lines or Parquet")
    return rows[:MOST]


def plain(table: pa.Table) -> list[Columns]:
    """Return a table's rows as JSON can say them, without what is null."""
    return [{name: _said(value) for name, value in row.items() if value is not None} for row in table.to_pylist()]


def from_history(table: pa.Table, source: ir.Source) -> list[Columns]:
    """Return the newest logged events as they would be posted."""
    columns = [column for column in source.columns if column.kind in ("time", "vector")]
    rows = plain(table.slice(max(0, table.num_rows - MOST)))
    for column in columns:
        for row in rows:
            if column.name in row:
                row[column.name] = _posted(column.kind, row[column.name])
    return rows


def made_up(source: ir.Source, n: int = 1000, seed: int = 0) -> list[Columns]:
    """Return events that fit a declaration and mean nothing: a thousand entities, numbers of no shape.

    Examples
    --------
    >>> source = ir.Source("Payment", (ir.Column("id", "id"), ir.Column("amount", "float")))
    >>> [sorted(row) for row in made_up(source, 1)]
    [['amount']]
    """
    random = np.random.default_rng(seed)
    given = [column for column in source.columns if column.kind != "id"]
    return [{column.name: _drawn(column, random) for column in given} for _ in range(n)]


def requests(
    service: str, rows: Sequence[Columns], id_column: str | None, run: str, headers: Mapping[str, str] | None = None
) -> Callable[[int], bytes]:
    """Return what gives the bytes of the HTTP request of a number.

    Parameters
    ----------
    service : str
    rows : sequence of dict
        Asked for in turn.
    id_column : str or None
        Gets an id of its own in each request.
    run : str
        Begins the ids.
    headers : mapping, optional
        More headers.
    """
    kept = [msgspec.json.encode({k: v for k, v in row.items() if k not in (id_column, "at")}) for row in rows]
    rests = [rest[1:] if rest == b"{}" or id_column is None else b"," + rest[1:] for rest in kept]
    begin = b"{" + (msgspec.json.encode(id_column) + b':"' if id_column is not None else b"")
    lines = {"Host": "localhost", "Content-Type": "application/json", "Tidewheel-Caller": LOAD_TEST, **(headers or {})}
    head = f"POST /v1/services/{service} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
    start, n = (head + "Content-Length: ").encode(), len(rests)

    def request(number: int) -> bytes:
        identity = f'{run}-{number}"'.encode() if id_column is not None else b""
        body = begin + identity + rests[number % n]
        return b"%b%d\r\n\r\n%b" % (start, len(body), body)

    return request


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _posted(kind: str, value: Any) -> Any:
    """Return a stored time or vector as callers post it."""
    if kind == "vector":
        return unpack_vector(value).tolist() if isinstance(value, str) else value
    return _time(value) if isinstance(value, int) else value


def _time(instant: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).isoformat()


def _drawn(column: ir.Column, random: np.random.Generator) -> Any:
    name = column.target or column.name
    match column.kind:
        case "float":
            return round(float(random.lognormal(3.0, 1.0)), 2)
        case "int":
            return int(random.integers(0, 100))
        case "bool":
            return bool(random.integers(0, 2))
        case "time":
            return _time(1_700_000_000_000_000 + int(random.integers(0, 86_400_000_000)))
        case "vector":
            return random.normal(size=column.size).round(4).tolist()
        case "category":
            return f"{name}-{random.integers(0, 10)}"
        case _:
            return f"{name}-{random.integers(0, 1000)}"
