"""Makes a version's lists ready: its indexes, its sources of candidates, the reader of their rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tidewheel.features.planning.view import ViewPlan, plan_view
from tidewheel.features.reading.items import ItemReader
from tidewheel.retrieval.sources import Indexes
from tidewheel.routing.swaps import Swaps
from tidewheel.serving.deciding.lists import Lists, places_of
from tidewheel.serving.deciding.predictor import Scorer

if TYPE_CHECKING:
    from tidewheel.registry.models.bundles import Bundle
    from tidewheel.registry.services import ServiceVersion
    from tidewheel.storage.protocols import State

SECONDS = 30.0
"""How old the vectors may be that likeness is taken by, where no source of candidates says."""


def ready_lists(
    version: ServiceVersion,
    bundle: Bundle,
    plan: ViewPlan,
    candidates: ViewPlan | None,
    states: State,
    now: Callable[[], int],
) -> Lists:
    """Return a service's lists by one version of its model, its indexes made.

    Parameters
    ----------
    version : ServiceVersion
    bundle : Bundle
    plan : ViewPlan
        Of the model's view.
    candidates : ViewPlan, optional
        Of the candidate view.
    states : State
    now : callable
        The workspace's clock.
    """
    service, graph = version.service, version.graph
    ranking = service.ranking
    assert ranking is not None
    indexes = Indexes(states, graph, ranking.target, now)
    items = plan_view(graph, service.item_view) if service.item_view is not None else None
    vector = ranking.top.vector
    named = next(source for source in graph.sources if source.name == service.on)
    lists = Lists(
        top=ranking.top,
        sources=tuple(indexes.source(source) for source in ranking.candidates),
        exclude=ranking.exclude,
        reader=ItemReader(states, bundle.manifest.graph, [plan] if items is None else [plan, items]),
        score=Scorer(bundle, plan.names).together,
        asked=places_of(candidates),
        shown=places_of(items),
        vectors=indexes.vectors(vector, SECONDS) if vector else None,
        columns=ranking.columns,
        id=named.id_column or "",
        swaps=Swaps(service.name, service.explore) if service.explore else None,
    )
    if lists.vectors is not None:
        lists.vectors.renew()
    lists.score(lists.reader.read({}, ["", "-"], 0).words[0])  # compiled and loaded before the first event comes
    return lists
