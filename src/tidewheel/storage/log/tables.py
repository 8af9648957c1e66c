"""Runs of log rows to Arrow tables, by array arithmetic: no Python object per event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.storage.log.chunks import HEADER
from tidewheel.storage.log.rows import WORD, RowLayout

_Ints = npt.NDArray[np.int64]


class _Rows:
    """Joined chunks as one array of words, with each row's first word and offset."""

    def __init__(self, chunks: Sequence[bytes], first_offsets: Sequence[int], counts: Sequence[int]) -> None:
        self.buffer = b"".join(chunks)
        self.words: _Ints = np.frombuffer(self.buffer, np.int64)
        starts, offsets, base = [], [], 0
        for chunk, offset, rows in zip(chunks, first_offsets, counts, strict=True):
            lengths = np.frombuffer(chunk, np.uint32, rows, HEADER.size).astype(np.int64)
            head = base + HEADER.size + 4 * (rows + rows % 2)
            starts.append(np.cumsum(lengths) - lengths + head)
            offsets.append(np.arange(offset, offset + rows, dtype=np.int64))
            base += len(chunk)
        self.starts = np.concatenate(starts) // WORD
        self.offsets = np.concatenate(offsets)

    def keep(self, first: int, below: int) -> None:
        """Leave out rows before `first` or from `below` on."""
        cut = slice(*np.searchsorted(self.offsets, (first, below)))
        self.starts, self.offsets = self.starts[cut], self.offsets[cut]

    def texts(self, layout: RowLayout, starts: _Ints) -> pa.Array:
        """All texts of some rows: element ``row * (texts + 1) + j``, where the last of each row is a gap."""
        n, per_row = len(starts), layout.lengths + 1
        lengths = np.empty((n, layout.lengths), np.int64)
        for j in range(layout.lengths):
            word = self.words[starts + layout.first_length + j // 2]
            lengths[:, j] = (word >> 32 if j % 2 else word) & 0xFFFFFFFF
        edges = np.empty(n * per_row + 1, np.int64)
        inside = edges[:-1].reshape(n, per_row)
        inside[:, 0] = starts * WORD + layout.head.size
        inside[:, 1:] = inside[:, :1] + np.cumsum(lengths, axis=1)
        edges[-1] = edges[-2]
        return pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(edges) - 1, [None, pa.py_buffer(edges), pa.py_buffer(self.buffer)]
        )


def _null_mask(rows: _Rows, starts: _Ints, position: int) -> npt.NDArray[np.bool_] | None:
    mask = (rows.words[starts + 4 + (position >> 6)] >> (position & 63) & 1).astype(np.bool_)
    return mask if mask.any() else None


def _number(rows: _Rows, layout: RowLayout, starts: _Ints, position: int) -> pa.Array:
    words = rows.words[starts + layout.first_fixed + layout.fixed.index(position)]
    kind = layout.schema.kinds[position]
    values = words.view(np.float64) if kind == "d" else words.astype(np.bool_) if kind == "b" else words
    return pa.array(values, mask=_null_mask(rows, starts, position))


def _text(texts: pa.Array, layout: RowLayout, n: int, j: int, mask: npt.NDArray[np.bool_] | None) -> pa.Array:
    which = pa.array(np.arange(n, dtype=np.int64) * (layout.lengths + 1) + j, mask=mask)
    return texts.take(which).view(pa.large_string()).cast(pa.string())


def _table(rows: _Rows, layout: RowLayout, starts: _Ints, offsets: _Ints) -> pa.Table:
    n, schema = len(starts), layout.schema
    texts = rows.texts(layout, starts)
    at, arrived, claimed = (rows.words[starts + k] for k in (1, 2, 3))
    columns = {
        "_offset": pa.array(offsets),
        "_id": _text(texts, layout, n, 0, None),
        "_at": pa.array(at),
        "_arrived": pa.array(arrived),
        "_claimed_at": pa.array(claimed, mask=claimed == at),
    }
    for position, (name, kind) in enumerate(zip(schema.names, schema.kinds, strict=True)):
        if kind == "n":
            columns[name] = pa.nulls(n)
        elif kind == "t":
            j = layout.texts.index(position) + 1
            columns[name] = _text(texts, layout, n, j, _null_mask(rows, starts, position))
        else:
            columns[name] = _number(rows, layout, starts, position)
    return pa.table(columns)


def tables_of(
    chunks: Sequence[bytes],
    first_offsets: Sequence[int],
    counts: Sequence[int],
    layouts: Mapping[int, RowLayout],
    *,
    first: int,
    below: int,
) -> dict[str, pa.Table]:
    """Turn chunks into one table per type, rows in offset order, ``first <= _offset < below``."""
    rows = _Rows(chunks, first_offsets, counts)
    rows.keep(first, below)
    codes = rows.words[rows.starts] & 0xFFFFFFFF
    parts: dict[str, list[pa.Table]] = {}
    for code in np.unique(codes).tolist():
        layout = layouts.get(code)
        if layout is not None:
            chosen = codes == code
            table = _table(rows, layout, rows.starts[chosen], rows.offsets[chosen])
            parts.setdefault(layout.schema.type, []).append(table)
    return {type: _joined(tables) for type, tables in parts.items()}


def _joined(tables: list[pa.Table]) -> pa.Table:
    if len(tables) == 1:
        return tables[0]
    return pa.concat_tables(tables, promote_options="permissive").sort_by("_offset")
