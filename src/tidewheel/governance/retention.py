"""Retention: rows older than their type is kept go, small files are joined, files that nobody reads are deleted.

Whole days go, by the UTC day of arrival, so a row stays up to a day longer than declared. What was decided on
events of the type goes with them: a decision record holds a copy of its event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tidewheel.collect.keeping.decisions import TABLE as DECISIONS
from tidewheel.collect.keeping.history import events_table
from tidewheel.collect.keeping.redactions import note_horizons
from tidewheel.definitions import canonical_aggregates, ir, state_id
from tidewheel.registry.graphs import every_graph
from tidewheel.runtime.stores import Stores
from tidewheel.storage.journal.decisions import date_of
from tidewheel.storage.lake.upkeep import KEEP_HOURS, compact, drop_days

NEVER = 1 << 62
"""The horizon of a state that counts since ever, of rows that are not kept for ever."""


class Upkeep(msgspec.Struct, frozen=True):
    """What was done to one table: rows dropped for their age, small files joined, old files deleted."""

    table: str
    dropped: int = 0
    joined: int = 0
    deleted: int = 0


def tend(stores: Stores, graph: ir.Graph, *, keep_hours: int = KEEP_HOURS) -> list[Upkeep]:
    """Drop what is older than declared, join small files, and delete those that no version needs any more.

    Safe beside ``tidewheel up``, and safe to repeat.

    Parameters
    ----------
    stores : Stores
    graph : Graph
        Says how long rows of which type are kept.
    keep_hours : int
        How long files stay that the newest version of a table does not name.
    """
    now = stores.clock.now()
    cutoffs = {source.name: date_of(now - source.keep) for source in graph.sources if source.keep}
    note_horizons(stores.layout.erasures, _horizons(every_graph(stores.catalog), graph.sources, now))
    dropped: dict[str, int] = {}
    for name, before in cutoffs.items():
        table = events_table(name)
        if stores.lake.exists(table):
            dropped[table] = drop_days(stores.lake, table, before)
        if stores.lake.exists(DECISIONS):
            gone = drop_days(stores.lake, DECISIONS, before, only=f"event_type = '{name}'")
            dropped[DECISIONS] = dropped.get(DECISIONS, 0) + gone
    for source in graph.sources:
        if source.keep:
            stores.log.prune_ids(source.name, now - max(source.keep, source.dedupe_within))
    found = []
    for table in stores.lake.tables():
        done = compact(stores.lake, table, keep_hours=keep_hours)
        found.append(Upkeep(table, dropped.get(table, 0), done["joined"], done["deleted"]))
    return found


def _horizons(graphs: Iterable[ir.Graph], sources: Iterable[ir.Source], now: int) -> dict[str, int]:
    """Return, per state, the instant from which on decisions that read it can be replayed."""
    kept = {source.name: now - source.keep for source in sources if source.keep}
    found: dict[str, int] = {}
    for graph in graphs:
        for state, horizon in _state_horizons(graph, kept):
            found[state] = max(horizon, found.get(state, 0))
    return found


def _state_horizons(graph: ir.Graph, kept: dict[str, int]) -> Iterator[tuple[str, int]]:
    for group in graph.groups:
        for aggregate in canonical_aggregates(group):
            if aggregate.source in kept:
                span = aggregate.window + aggregate.hop + aggregate.delay
                yield state_id(group), kept[aggregate.source] + span if aggregate.window else NEVER
