"""Brings the lists that services gave to where other services take candidates from: the newest of each entity.

It is a view over decisions: they are looked at from where the last look ended, which is kept with the lists in one
transaction, and a list never replaces a newer one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.runtime.due import Schedule
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.schedule import Work
from tidewheel.storage.lists import StoredList, lists_id, put_lists

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

KEEP_LISTS = Schedule(every="interval", interval=120_000_000)
LATE = 600_000_000
"""By how much a decision may come to be seen later than others that arrived after it, µs: workers' files are many."""
COLUMNS = ("decision_id", "arrived", "instant", "inputs", "items", "fallback", "rule")


class Wanted(NamedTuple):
    """Whose lists are to be kept: a service's, by an entity, which a column of its event names."""

    service: str
    entity: str
    key: str
    max_age: int


def list_jobs(workspace: Workspace, graph: ir.Graph) -> dict[str, tuple[Schedule, Work]]:
    """Return the jobs that keep lists for other services, by name."""
    return {
        f"lists {wanted.service} by {wanted.entity}": (KEEP_LISTS, partial(keep_lists, workspace, wanted))
        for wanted in wanted_lists(graph)
    }


def wanted_lists(graph: ir.Graph) -> list[Wanted]:
    """Return which lists services take candidates from, each once, with the greatest age that one allows."""
    found: dict[tuple[str, str, str], int] = {}
    for service in graph.services:
        for source in service.ranking.candidates if service.ranking is not None else ():
            if source.stored is not None:
                name = (source.service, source.stored.entity, source.key)
                found[name] = max(found.get(name, 0), source.stored.max_age)
    return [Wanted(*name, max_age) for name, max_age in sorted(found.items())]


def keep_lists(workspace: Workspace, wanted: Wanted, due: int) -> str:
    """Keep the lists of new decisions; return how many were, in a line."""
    from tidewheel.workspace.features.reading import decisions

    stores, state_id = workspace.stores, lists_id(wanted.service, wanted.entity)
    with Lease.acquire(stores.layout.leases / "scores", f"the lists of {wanted.service}", wait=60.0) as lease:
        writer = stores.scores.writer(0, lease.token)
        try:
            seen = writer.offsets().get(state_id, 0)
            since = max(seen - LATE, stores.clock.now() - wanted.max_age)
            rows = decisions(stores).scan(COLUMNS, service=wanted.service, since=since)
            answered = pc.and_(pc.equal(rows["fallback"], ""), pc.equal(rows["rule"], ""))
            lists: dict[str, StoredList] = {}
            for row in rows.filter(answered).sort_by("instant").to_pylist():
                key, items = msgspec.json.decode(row["inputs"]).get(wanted.key), [item["id"] for item in row["items"]]
                if key is not None and items:
                    lists[str(key)] = StoredList(row["instant"], row["decision_id"], items)
            kept = put_lists(writer, state_id, lists, max(seen, pc.max(rows["arrived"]).as_py() or 0))
            writer.sync()
        finally:
            writer.close()
    return f"{kept:,} lists of {wanted.service} kept by {wanted.entity}"
