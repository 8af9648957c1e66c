"""Makes a version's lists ready: its indexes, its sources of candidates, the reader of their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tidewheel.definitions import digest
from tidewheel.errors import NotReadyError
from tidewheel.features.planning.view import ViewPlan, plan_view
from tidewheel.features.reading.items import ItemReader
from tidewheel.registry.models.combining import Combiner
from tidewheel.registry.versions.names import model_of
from tidewheel.retrieval.sources import Indexes, Source
from tidewheel.routing.swaps import Swaps
from tidewheel.serving.deciding.gathering import Ahead, Gathering
from tidewheel.serving.deciding.item_scores import ItemModel, ItemScores
from tidewheel.serving.deciding.lineup import Pinned, key_of
from tidewheel.serving.deciding.lists import Lists, places_of
from tidewheel.serving.deciding.predictor import Scorer
from tidewheel.serving.deciding.stored import StoredLists

if TYPE_CHECKING:
    from tidewheel.definitions.ir.ranking import Candidates
    from tidewheel.registry.services import ServiceVersion
    from tidewheel.storage.protocols import State

SECONDS = 30.0
"""How old the vectors may be that likeness is taken by, where no source of candidates says."""


def ready_lists(
    version: ServiceVersion,
    members: Sequence[Pinned],
    candidates: ViewPlan | None,
    states: State,
    scores_of: Callable[[], State] | None,
    now: Callable[[], int],
) -> Lists:
    """Return a service's lists by one version of each of its models, its indexes made.

    Parameters
    ----------
    version : ServiceVersion
    members : sequence of Pinned
        In the order in which they are asked.
    candidates : ViewPlan, optional
        Of the candidate view.
    states : State
    scores_of : callable, optional
        Opens the store of what was made ahead.
    now : callable
        The workspace's clock.
    """
    service, graph = version.service, version.graph
    ranking = service.ranking
    assert ranking is not None
    indexes = Indexes(states, graph, ranking.target, now)
    items = plan_view(graph, service.item_view) if service.item_view is not None else None
    plans, scores = _scores(version, members)
    vector = ranking.top.vector
    named = next(source for source in graph.sources if source.name == service.on)
    lists = Lists(
        top=ranking.top,
        gather=Gathering(
            tuple(_source(given, indexes, scores_of) for given in ranking.candidates),
            ranking.exclude,
            places_of(candidates),
        ),
        reader=ItemReader(states, members[0].bundle.manifest.graph, plans if items is None else [*plans, items]),
        scores=scores,
        shown=places_of(items),
        vectors=indexes.vectors(vector, SECONDS) if vector else None,
        columns=ranking.columns,
        id=named.id_column or "",
        swaps=Swaps(service.name, service.explore) if service.explore else None,
    )
    if lists.vectors is not None:
        lists.vectors.renew()
    words = lists.reader.read({}, ["", "-"], 0).words
    for model in lists.scores.models:  # compiled and loaded before the first event comes
        model.score(words[model.place])
    return lists


def _source(given: Candidates, indexes: Indexes, scores_of: Callable[[], State] | None) -> Source | Ahead:
    if given.stored is None:
        return indexes.source(given)
    if scores_of is None:
        raise NotReadyError(f"{given.name}: there is no store of lists made ahead here")
    lists = StoredLists(scores_of(), given.stored, given.service)
    return Ahead(given.name, given.share, lists, tuple(map(indexes.source, given.live)), given.after)


def _scores(version: ServiceVersion, members: Sequence[Pinned]) -> tuple[list[ViewPlan], ItemScores]:
    """Return what is read of items to score them, equal views once, and what scores them."""
    service = version.service
    plans: list[ViewPlan] = []
    places: dict[object, int] = {}

    def place_of(plan: ViewPlan) -> int:
        place = places.setdefault(key_of(plan), len(plans))
        if place == len(plans):
            plans.append(plan)
        return place

    models = []
    for pinned in members:
        plan = plan_view(pinned.bundle.manifest.graph, pinned.view)
        names = model_of(pinned.name), pinned.name, pinned.digest, digest(pinned.view)
        models.append(ItemModel(*names, place_of(plan), Scorer(pinned.bundle, plan.names).together))
    how, own = service.combine, service.score_view
    if how is None:
        return plans, ItemScores(tuple(models))
    place = None if own is None else place_of(plan_view(version.graph, own))
    return plans, ItemScores(tuple(models), how, Combiner(how, own), place, "" if own is None else digest(own))
