"""Whether services find the scores and lists made ahead for them: an alert while too few are young enough."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.registry.alerts import close_alert, raise_alert
from tidewheel.runtime.due import Schedule
from tidewheel.runtime.schedule import Work

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

ALERT = "stored"
LOOK_FOR_STALE = Schedule(every="interval", interval=600_000_000)
LOOKED_AT = 3_600_000_000
"""How far back decisions are looked at, microseconds."""
FEWEST = 20
"""With fewer decisions that looked for a score, nothing is said."""


def staleness_jobs(workspace: Workspace, graph: ir.Graph) -> dict[str, tuple[Schedule, Work]]:
    """Return the jobs that look after services' stored scores, by name."""
    return {
        f"stored scores {service.name}": (LOOK_FOR_STALE, partial(look_for_stale, workspace, service))
        for service in graph.services
        if staleness_bound(service) is not None
    }


def staleness_bound(service: ir.Service) -> float | None:
    """Return the share of decisions that a service allows to find nothing fresh; None where it reads nothing stored."""
    lists = service.ranking.candidates if service.ranking is not None else ()
    declared = [service.stored, *(link.stored for link in service.fallback), *(source.stored for source in lists)]
    return min((stored.alert for stored in declared if stored is not None), default=None)


def look_for_stale(workspace: Workspace, service: ir.Service, due: int) -> str:
    """Raise or close the alert on a service's stored scores; return what was found, in a line."""
    from tidewheel.workspace.features.reading import decisions

    bound = staleness_bound(service)
    assert bound is not None
    stores, what = workspace.stores, "score" if service.ranking is None else "list"
    found = decisions(stores).scan(["stored"], service=service.name, since=stores.clock.now() - LOOKED_AT)["stored"]
    looked = found.filter(pc.not_equal(found, "").fill_null(False))
    if len(looked) < FEWEST:
        return f"{len(looked)} decisions looked for a stored {what}: too few to tell"
    counts = {count["values"]: count["counts"] for count in pc.value_counts(looked).to_pylist()}
    share = 1.0 - counts.get("fresh", 0) / len(looked)
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
    if share > bound:
        message = (
            f"{share:.0%} of {len(looked):,} decisions found no stored {what} young enough ({told}); {bound:.0%} may"
        )
        raise_alert(stores.catalog, service.name, ALERT, service.model, message, {"share": share, "counts": counts})
    else:
        close_alert(stores.catalog, service.name, ALERT, service.model)
    return f"{share:.0%} without: {told}"
