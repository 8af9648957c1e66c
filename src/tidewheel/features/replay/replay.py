"""Reading a group as of many instants, by folding its events again.

Two orders decide what a read sees. A *historical* read goes by time: events that had arrived
before the instant (an entity's attributes: that hold at the instant). A *recorded* read goes by
the log alone: events up to the offset that a decision noted for the state it read. Reads of one
entity are sorted by how many of its events they see, and one pass of the kernel answers all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.errors import HorizonError
from tidewheel.features.folding.corrections import Columns, holding, living, moved, with_withdrawals
from tidewheel.features.planning.group import GroupPlan
from tidewheel.features.rows import Fed, Ints
from tidewheel.features.words import Words
from tidewheel.kernel import NOTHING, Events, Requests, count_visible, group_rows, replay, take

Column = TypeVar("Column", Ints, Words)
Order = Literal["arrival", "event", "attribute", "offset"]
"""What decides visibility: `arrived < t`, `at < t`, `at <= t`, or `offset <= recorded`."""


@dataclass(frozen=True, eq=False)
class Reads:
    """Reads of one group: which entity (null: none), at what instant, seeing what.

    `bounds` is compared with each event's position in the order asked for: the instant less the
    serving delay, or a recorded offset. `requests` are rows to fold into what is read of an entity.
    """

    keys: pa.Array
    instants: Ints
    bounds: Ints
    requests: Requests | None = None

    def take(self, index: Ints) -> Reads:
        """Return the reads at some places."""
        requests = self.requests and Requests(self.requests.source[index], self.requests.slots[index])
        return Reads(self.keys.take(pa.array(index)), self.instants[index], self.bounds[index], requests)

    def __len__(self) -> int:
        return len(self.instants)


@dataclass(frozen=True, eq=False)
class Grouped:
    """Events grouped by entity, in visibility order within each."""

    events: Events
    positions: Ints


def replay_group(
    plan: GroupPlan,
    feds: Sequence[Fed],
    reads: Reads,
    order: Order,
    lenient: bool = False,
) -> tuple[Words, Ints]:
    """Return each read's aggregates (float64[n, aggregates]) and how many events it saw.

    Raises
    ------
    HorizonError
        When an instant lies before an event that the read sees; nulls instead when `lenient`.
    """
    encoded = reads.keys if pa.types.is_dictionary(reads.keys.type) else pc.dictionary_encode(reads.keys)
    entities = len(encoded.dictionary)
    # Reads of no entity share one that has no events, so that they are answered like any empty state.
    codes = encoded.indices.fill_null(entities).to_numpy(zero_copy_only=False).astype(np.int64)
    grouped = group_events(plan, feds, encoded.dictionary, order, entities + 1)
    starts, inclusive = grouped.events.starts, order in ("attribute", "offset")
    cuts = count_visible(starts, grouped.positions, codes, reads.bounds, inclusive=inclusive)
    places, read_starts = group_rows(codes, cuts, entities + 1)
    requests = None
    if reads.requests is not None:
        source = np.where(codes == entities, NOTHING, reads.requests.source)
        requests = Requests(source[places], reads.requests.slots[places])
    words, status = replay(
        plan.layout,
        grouped.events,
        read_starts,
        _take(cuts, places),
        _take(reads.instants, places),
        places=places,
        requests=requests,
    )
    if status.any() and not lenient:
        raise HorizonError(
            f"an instant of {plan.group.name} lies before the arrival of an event that it is to see",
            remedy="read at a later instant",
        )
    return words, cuts


def group_events(plan: GroupPlan, feds: Sequence[Fed], entities: pa.Array, order: Order, n: int) -> Grouped:
    """Return the events of the wanted entities, in the order that decides what is visible."""
    wanted = [_wanted(fed, entities) for fed in feds]
    kept = [_kept(fed, rows, order) for fed, (rows, _) in zip(feds, wanted, strict=True)]
    wanted = [(rows[keep], codes[keep]) for (rows, codes), keep in zip(wanted, kept, strict=True)]
    columns = _columns(plan, feds, wanted)
    undoes = None
    if order in ("event", "attribute"):
        columns = columns._replace(arrived=columns.at)
    else:
        columns, undoes = with_withdrawals(columns, feds, [rows for rows, _ in wanted])
    positions = columns.offset if order == "offset" else columns.arrived
    permutation, starts = group_rows(columns.code, positions, n)
    events = Events(
        starts=starts,
        source=columns.source[permutation],
        at=_take(columns.at, permutation),
        arrived=_take(columns.arrived, permutation),
        offset=_take(columns.offset, permutation),
        slots=_take(columns.slots, permutation),
        undoes=moved(undoes, permutation),
    )
    return Grouped(events, events.offset if order == "offset" else events.arrived)


def _kept(fed: Fed, rows: np.ndarray, order: Order) -> slice | np.ndarray:
    """Return which of the events at `rows` are there at all, in an order."""
    if fed.gone is None:
        return slice(None)
    if order in ("event", "attribute"):
        return holding(fed, rows)
    return living(fed, rows, "offset" if order == "offset" else "arrived")


def _columns(plan: GroupPlan, feds: Sequence[Fed], wanted: Sequence[tuple[np.ndarray, Ints]]) -> Columns:
    index = [rows for rows, _ in wanted]
    at, arrived, offset = (
        np.concatenate([getattr(fed, field)[rows] for fed, rows in zip(feds, index, strict=True)])
        for field in ("at", "arrived", "offset")
    )
    return Columns(
        code=np.concatenate([codes for _, codes in wanted]),
        source=np.concatenate([np.full(len(rows), i, np.int8) for i, rows in enumerate(index)]),
        at=at,
        arrived=arrived,
        offset=offset,
        slots=np.concatenate([fed.slots(rows, plan.layout.n_slots) for fed, rows in zip(feds, index, strict=True)]),
    )


def _take(column: Column, permutation: Ints) -> Column:
    return cast(Column, take(column, permutation))


def _wanted(fed: Fed, entities: pa.Array) -> tuple[np.ndarray, Ints]:
    """Return which events are of a wanted entity, and of which."""
    if pa.types.is_dictionary(fed.keys.type):
        table = pc.index_in(fed.keys.dictionary, value_set=entities)
        found = table.take(fed.keys.indices)
    else:
        found = pc.index_in(fed.keys, value_set=entities)
    if found.null_count == 0:
        return np.arange(len(fed)), found.to_numpy().astype(np.int64)
    rows = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    return rows, found.drop_null().to_numpy(zero_copy_only=False).astype(np.int64)
