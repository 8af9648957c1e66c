"""Events that correct others, as folding meets them: the row corrected is taken back at its correction's offset.

A correction is folded like any late event. What it corrects can't be subtracted from an accumulator; so at that
offset its entity's state is folded again, from the first, without it. Kernel events say so with `undoes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.collect.importing.revisions import numbers
from tidewheel.definitions import ir
from tidewheel.features.rows import Fed, Ints
from tidewheel.features.words import Words
from tidewheel.kernel import NOTHING

Index = npt.NDArray[np.intp]


class Columns(NamedTuple):
    """Events of some feeds side by side, as `kernel.Events` has them but not grouped yet."""

    code: Ints
    source: npt.NDArray[np.int8]
    at: Ints
    arrived: Ints
    offset: Ints
    slots: Words


def holding(fed: Fed, index: Index) -> npt.NDArray[np.bool_]:
    """Tell which of the events at `index` no other corrects."""
    by = fed.corrected_by
    return np.ones(len(index), np.bool_) if by is None else by[index] < 0


def with_withdrawals(columns: Columns, feds: Sequence[Fed], index: Sequence[Index]) -> tuple[Columns, Ints | None]:
    """Add, for each event that is corrected, one that takes it back; and the place of what each takes back.

    Parameters
    ----------
    columns : Columns
        The events at `index` of each feed, one feed after the other.
    """
    undone: list[Ints] = []
    times: list[tuple[Ints, Ints]] = []
    start = 0
    for fed, rows in zip(feds, index, strict=True):
        by = fed.corrected_by
        if by is not None:
            places = np.flatnonzero(by[rows] >= 0)
            corrections = by[rows[places]]
            undone.append(start + places)
            times.append((fed.arrived[corrections], fed.offset[corrections]))
        start += len(rows)
    if not sum(map(len, undone)):
        return columns, None
    places = np.concatenate(undone)
    arrived, offset = (np.concatenate(parts) for parts in zip(*times, strict=True))
    source = np.full(len(places), NOTHING, np.int8)
    nothing = np.full((len(places), columns.slots.shape[1]), np.nan)
    added = Columns(columns.code[places], source, columns.at[places], arrived, offset, nothing)
    whole = Columns._make(np.concatenate([old, new]) for old, new in zip(columns, added, strict=True))
    return whole, np.concatenate([np.full(start, -1, np.int64), places])


def moved(undoes: Ints | None, permutation: Index) -> Ints | None:
    """Return where each event's `undoes` points after the events were put in another order."""
    if undoes is None:
        return None
    to = np.empty(len(permutation), np.int64)
    to[permutation] = np.arange(len(permutation))
    ordered = undoes[permutation]
    return np.where(ordered >= 0, to[ordered], -1)


def may_correct(fed: Fed) -> bool:
    """Tell whether an event of a micro-batch may correct an earlier one."""
    if not fed.feed.revisable:
        return False
    return bool(numbers(fed.rows.columns[ir.REVISION]).any())


def corrected_keys(feds: Sequence[Fed], after: int) -> list[str]:
    """Return the keys of the events whose corrections stand after an offset."""
    keys: dict[str, None] = {}
    for fed in feds:
        by = fed.corrected_by
        if by is not None:
            places = np.flatnonzero(by >= 0)
            chosen = places[fed.offset[by[places]] > after]
            keys.update(dict.fromkeys(fed.keys.take(pa.array(chosen)).drop_null().to_pylist()))
    return list(keys)
