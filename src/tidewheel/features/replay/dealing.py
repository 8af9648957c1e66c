"""What a slice of history holds for a group, dealt out to buckets of entities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tidewheel.features.keys import key_array, plain
from tidewheel.features.planning.group import AT, PAST, GroupPlan
from tidewheel.features.planning.view import StateRead
from tidewheel.features.replay.partition import fixed_lists, piece_schema, read_source
from tidewheel.features.rows import NEVER, Fed, Ints, Rows, feed_rows
from tidewheel.features.words import Words, hashes_of
from tidewheel.kernel import group_rows


class Dealt(NamedTuple):
    """A piece for every bucket, one after the other."""

    table: pa.Table
    starts: Ints

    def piece(self, bucket: int) -> pa.Table:
        """Return the piece of a bucket."""
        return self.table.slice(self.starts[bucket], self.starts[bucket + 1] - self.starts[bucket])


def deal(plan: GroupPlan, feds: Mapping[int, Sequence[Fed]], reads: Sequence[pa.Table], buckets: int) -> Dealt:
    """Deal a group's events and reads out to buckets by their keys; what has no key goes nowhere.

    A feed's events may come in several parts.
    """
    parts = [*(_events(plan, number, parts) for number, parts in feds.items()), *reads]
    table = pa.concat_tables(parts) if parts else piece_schema(plan).empty_table()
    table = table.filter(table["key"].is_valid()).combine_chunks()
    hashes = hashes_of(table["key"].combine_chunks()).view(np.uint64)
    codes = (hashes % np.uint64(buckets)).astype(np.int64)
    order, starts = group_rows(codes, None, buckets)
    return Dealt(table.take(pa.array(order)).combine_chunks(), starts)


def reads_of(plan: GroupPlan, reads: Sequence[StateRead], rows: Rows, instants: Ints) -> list[pa.Table]:
    """Return reads of a group for a view's rows; their places count through the rows, lookup by lookup."""
    count, width = len(rows), max(1, plan.layout.n_slots)
    return [
        _piece(
            plan,
            source=np.full(count, read_source(read.request), np.int8),
            key=lookup_keys(read, rows),
            at=instants,
            arrived=instants,
            offset=np.arange(number * count, (number + 1) * count),
            slots=_request_slots(read, rows, width),
        )
        for number, read in enumerate(reads)
    ]


def _request_slots(read: StateRead, rows: Rows, width: int) -> Words:
    if read.request == PAST:
        return np.full((len(rows), width), np.nan)
    return feed_rows(read.plan.feeds[read.request], rows).slots(np.arange(len(rows)), width)


def lookup_keys(read: StateRead, rows: Rows) -> pa.Array:
    """Return the state key that each row looks up, null where a part is."""
    parts = [
        pa.array(rows.at) if path == (AT,) and AT not in rows.columns else rows.columns[path[0]] for path in read.keys
    ]
    return plain(key_array(parts))


def _events(plan: GroupPlan, number: int, parts: Sequence[Fed]) -> pa.Table:
    """Return a feed's events in fold order."""
    table = pa.concat_tables([_events_of(plan, number, fed) for fed in parts])
    if len(parts) == 1:
        return table
    own, offset = (np.concatenate(of) for of in zip(*((fed.rows.offset, fed.offset) for fed in parts), strict=True))
    return table.take(pa.array(np.lexsort((own, offset))))


def _events_of(plan: GroupPlan, number: int, fed: Fed) -> pa.Table:
    index = np.arange(len(fed))
    return _piece(
        plan,
        source=np.full(len(fed), number, np.int8),
        key=plain(fed.keys),
        at=fed.at,
        arrived=fed.arrived,
        offset=fed.offset,
        slots=fed.slots(index, max(1, plan.layout.n_slots)),
        gone=None if fed.gone is None else fed.gone.arrived,
    )


def _piece(
    plan: GroupPlan,
    *,
    source: np.ndarray,
    key: pa.Array,
    at: Ints,
    arrived: Ints,
    offset: Ints,
    slots: Words,
    gone: Ints | None = None,
) -> pa.Table:
    columns = [pa.array(source), key, pa.array(at), pa.array(arrived), pa.array(offset), fixed_lists(slots)]
    if plan.corrected:
        columns.append(pa.array(np.full(len(source), NEVER) if gone is None else gone))
    return pa.table(columns, schema=piece_schema(plan))
