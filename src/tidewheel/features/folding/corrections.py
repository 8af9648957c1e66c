"""Events that correct others, as folding meets them: the row corrected is taken back at its correction's offset.

A correction is folded like any late event. What it corrects can't be subtracted from an accumulator; so at that
offset its entity's state is folded again, from the first, without it. Kernel events say so with `undoes`.

An event that goes through a reference is one with its target: a correction of either takes the pair back, and another
pair begins in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.importing.revisions import corrected_by, numbers
from tidewheel.definitions import ir
from tidewheel.features.keys import part_array, plain
from tidewheel.features.planning.group import Feed, GroupPlan
from tidewheel.features.rows import NEVER, Fed, Gone, Ints, Rows
from tidewheel.features.words import Words
from tidewheel.kernel import NOTHING

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


class Columns(NamedTuple):
    """Events of some feeds side by side, as `kernel.Events` has them but not grouped yet."""

    code: Ints
    source: npt.NDArray[np.int8]
    at: Ints
    arrived: Ints
    offset: Ints
    slots: Words


def feed_revisions(feed: Feed, rows: Rows, targets: Rows | None) -> Fed:
    """Return what `feed` makes of all revisions of its events and, through a reference, of all those of its targets.

    Each pair of them counts that stand at one time: from where the later begins, to where the first is corrected.
    """
    if feed.via is None or targets is None:
        return Fed(feed, rows, None, rows.arrived, rows.offset, gone_of(rows))
    own, other = _pairs(part_array(rows.columns[feed.via.ref]), plain(targets.columns["_id"]))
    ends = [gone_of(rows).take(own)] if feed.revisable else []
    ends += [gone_of(targets).take(other)] if feed.via.revisable else []
    gone = Gone(*(np.minimum.reduce(times) for times in zip(*ends, strict=True)))
    arrived = np.maximum(rows.arrived[own], targets.arrived[other])
    offset = np.maximum(rows.offset[own], targets.offset[other])
    index = np.flatnonzero((offset < gone.offset) | (arrived < gone.arrived))
    index = index[np.lexsort((rows.offset[own[index]], offset[index]))]
    return Fed(feed, rows.take(own[index]), targets.take(other[index]), arrived[index], offset[index], gone.take(index))


def gone_of(rows: Rows) -> Gone:
    """Return when each row is corrected."""

    def gone() -> Gone:
        by = corrected_by(rows.columns["_id"], numbers(rows.columns[ir.REVISION]))
        return Gone(*(np.where(by < 0, NEVER, when[by]) for when in (rows.arrived, rows.offset)))

    return rows.once("gone", gone)


def _pairs(refs: pa.Array, ids: pa.Array) -> tuple[Index, Index]:
    """Return the places of each reference and of each row that has its id."""
    known = ids.dictionary_encode()
    codes = known.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(known.dictionary) + 1))
    found = pc.index_in(refs, value_set=known.dictionary)
    wanted = found.drop_null().to_numpy()
    counts = starts[wanted + 1] - starts[wanted]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    own = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    return np.repeat(own, counts), order[np.repeat(starts[wanted], counts) + within]


def holding(fed: Fed, index: Index) -> Mask:
    """Tell which of the events at `index` nothing takes back."""
    return np.ones(len(index), np.bool_) if fed.gone is None else fed.gone.offset[index] == NEVER


def living(fed: Fed, index: Index, order: Literal["offset", "arrived"]) -> Mask:
    """Tell which of the events at `index` are there before they are taken back, in order of offset or arrival.

    What refers to an event and what it refers to may have come in one order and arrived in the other.
    """
    if fed.gone is None:
        return np.ones(len(index), np.bool_)
    mask: Mask = getattr(fed, order)[index] < getattr(fed.gone, order)[index]
    return mask


def with_withdrawals(columns: Columns, feds: Sequence[Fed], index: Sequence[Index]) -> tuple[Columns, Ints | None]:
    """Add, for each event that is taken back, one that does so; and the place of what each takes back.

    Parameters
    ----------
    columns : Columns
        The events at `index` of each feed, one feed after the other.
    """
    undone: list[Ints] = []
    times: list[tuple[Ints, Ints]] = []
    start = 0
    for fed, rows in zip(feds, index, strict=True):
        if fed.gone is not None:
            places = np.flatnonzero(~holding(fed, rows))
            undone.append(start + places)
            times.append((fed.gone.arrived[rows[places]], fed.gone.offset[rows[places]]))
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


def may_correct(plan: GroupPlan, rows: Mapping[str, Rows]) -> bool:
    """Tell whether an event of a micro-batch may correct an earlier one that a group has folded."""
    types = {type for feed in plan.feeds for type in feed.corrected} & rows.keys()
    return any(numbers(rows[type].columns[ir.REVISION]).any() for type in types)


def touched(fed: Fed, after: int) -> Index:
    """Return the places of the events that begin, or are taken back, after an offset."""
    if fed.gone is None:
        return np.flatnonzero(fed.offset > after)
    return np.flatnonzero((fed.offset < fed.gone.offset) & ((fed.offset > after) | fed.gone.after(after)))
