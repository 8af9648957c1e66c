"""Which rows are drawn together for intervals, and which are one list, as a model declares it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.definitions import ir

Ints = npt.NDArray[np.int64]


def blocks_of(model: ir.Model, rows: pa.Table) -> Ints | None:
    """Return the block of each row; None when rows are drawn alone. Rows without an entity are one block each.

    Parameters
    ----------
    model : ir.Model
    rows : Table
        The event's own columns, with ``_at``.
    """
    if not model.blocks:
        return groups_of(model, rows)
    if model.blocks.isdigit():
        return np.asarray(rows["_at"].to_numpy(), dtype=np.int64) // int(model.blocks)
    return _coded(rows[model.blocks])


def groups_of(model: ir.Model, rows: pa.Table) -> Ints | None:
    """Return the list of each row, numbered; None for a model that does not rank. A row without one is a list."""
    return _coded(rows[model.group]) if model.group else None


def _coded(column: pa.ChunkedArray) -> Ints:
    coded = pc.dictionary_encode(column.combine_chunks())
    alone = np.arange(len(column)) + len(coded.dictionary)
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(codes < 0, alone, codes)


def method_of(model: ir.Model) -> str:
    """Return in words what is drawn.

    Examples
    --------
    >>> method_of(ir.Model("M", "V", ir.Label("happened", "C", ("p",), 1), ir.Split(1, 1), "e", blocks="3600000000"))
    'blocks of 1 h'
    """
    if not model.blocks:
        return f"lists of one {model.group}" if model.group else "rows"
    if model.blocks.isdigit():
        return f"blocks of {int(model.blocks) / 3_600_000_000:g} h"
    return f"blocks of one {model.blocks}"
