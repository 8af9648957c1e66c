"""Makes a version's lists ready: its indexes, its sources of candidates, the reader of their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tidewheel.definitions import digest
from tidewheel.errors import NotReadyError
from tidewheel.features.planning.view import ViewPlan, plan_view
from tidewheel.features.reading.items import ItemReader
from tidewheel.registry.models.combining import Combiner, score_columns
from tidewheel.registry.versions.names import model_of
from tidewheel.retrieval.sources import Indexes, Source
from tidewheel.routing.swaps import Swaps
from tidewheel.serving.deciding.breaker import Breakers, reading
from tidewheel.serving.deciding.flight import waited
from tidewheel.serving.deciding.gathering import Ahead, Gathering
from tidewheel.serving.deciding.item_scores import ItemModel, ItemScores
from tidewheel.serving.deciding.lineup import Pinned, key_of, named_inside
from tidewheel.serving.deciding.lists import Lists, places_of
from tidewheel.serving.deciding.predictor import item_scoring
from tidewheel.serving.deciding.scoring import NO_DEADLINE
from tidewheel.serving.deciding.stored import StoredItems, StoredLists

if TYPE_CHECKING:
    from tidewheel.definitions.ir.ranking import Candidates
    from tidewheel.registry.services import ServiceVersion
    from tidewheel.serving.deciding.item_scores import Floats
    from tidewheel.storage.protocols import State

SECONDS = 30.0
"""How old the vectors may be that likeness is taken by, where no source of candidates says."""


def ready_lists(
    version: ServiceVersion,
    members: Sequence[Pinned],
    inner: Callable[[str, str], Pinned],
    candidates: ViewPlan | None,
    states: State,
    scores_of: Callable[[], State] | None,
    now: Callable[[], int],
    breakers: Breakers,
    stored: StoredItems | None = None,
) -> Lists:
    """Return a service's lists by one version of each of its models, its indexes made.

    Parameters
    ----------
    version : ServiceVersion
    members : sequence of Pinned
        In the order in which they are asked.
    inner : callable
        Loads what a bundle names as the version of a model whose score its view has, by name and digest.
    candidates : ViewPlan, optional
        Of the candidate view.
    states : State
    scores_of : callable, optional
        Opens the store of what was made ahead.
    now : callable
        The workspace's clock.
    breakers : Breakers
        What is read and asked goes through them.
    stored : StoredItems, optional
        Scores computed ahead, which go before the model.
    """
    service, graph = version.service, version.graph
    ranking = service.ranking
    assert ranking is not None
    indexes = Indexes(states, graph, ranking.target, now)
    items = plan_view(graph, service.item_view) if service.item_view is not None else None
    plans, scores = _Models(version, inner, breakers).scores(members)
    reader = ItemReader(states, members[0].bundle.manifest.graph, plans if items is None else [*plans, items])
    vector = ranking.top.vector
    named = next(source for source in graph.sources if source.name == service.on)
    lists = Lists(
        top=ranking.top,
        gather=Gathering(
            tuple(_source(given, indexes, scores_of) for given in ranking.candidates),
            ranking.exclude,
            places_of(candidates),
        ),
        read=breakers.call(reader.read, reading(service.name), service.deadline),
        scores=scores,
        shown=places_of(items),
        vectors=indexes.vectors(vector, SECONDS) if vector else None,
        columns=ranking.columns,
        id=named.id_column or "",
        swaps=Swaps(service.name, service.explore) if service.explore else None,
        state_ids=reader.state_ids,
        asking=getattr(states, "asking", None),
        stored=stored,
    )
    if lists.vectors is not None:
        lists.vectors.renew()
    words = reader.read({}, ["", "-"], 0).words
    for model in scores.asked():  # compiled and loaded before the first event comes
        waited(_warmed(model, words[model.place]))
    return lists


async def _warmed(model: ItemModel, words: Floats) -> None:
    scores = model.score(words, NO_DEADLINE)
    if not isinstance(scores, np.ndarray):
        await scores


def _source(given: Candidates, indexes: Indexes, scores_of: Callable[[], State] | None) -> Source | Ahead:
    if given.stored is None:
        return indexes.source(given)
    if scores_of is None:
        raise NotReadyError(f"{given.name}: there is no store of lists made ahead here")
    lists = StoredLists(scores_of(), given.stored, given.service)
    return Ahead(given.name, given.share, lists, tuple(map(indexes.source, given.live)), given.after)


class _Models:
    """Lays out what is read of items to score them, equal views once, and makes what scores them."""

    def __init__(self, version: ServiceVersion, inner: Callable[[str, str], Pinned], breakers: Breakers) -> None:
        self._version, self._inner, self._breakers = version, inner, breakers
        self._plans: list[ViewPlan] = []
        self._places: dict[object, int] = {}

    def scores(self, members: Sequence[Pinned]) -> tuple[list[ViewPlan], ItemScores]:
        """Return what is read, and what scores it."""
        how, own = self._version.service.combine, self._version.service.score_view
        models: dict[str, ItemModel] = {}
        for pinned in members:
            model = self._model(pinned, models if how is not None and how.kind == "stack" else {})
            models[model.model] = model
        if how is None:
            return self._plans, ItemScores(tuple(models.values()))
        place = None if own is None else self._place(plan_view(self._version.graph, own))
        named = "" if own is None else digest(own)
        return self._plans, ItemScores(tuple(models.values()), how, Combiner(how, own), place, named)

    def _model(self, pinned: Pinned, known: Mapping[str, ItemModel], stage: str = "") -> ItemModel:
        plan = plan_view(pinned.bundle.manifest.graph, pinned.view)
        names = model_of(pinned.name), pinned.name, pinned.digest, digest(pinned.view)
        place, deadline = self._place(plan), self._version.service.deadline
        score = self._breakers.call(item_scoring(pinned.bundle, plan.names), pinned.name, deadline)
        inner = tuple(
            (column, known.get(model) or self._inside(pinned, model))
            for column, model in score_columns(pinned.view).items()
        )
        return ItemModel(*names, place, score, inner, stage)

    def _inside(self, outer: Pinned, model: str) -> ItemModel:
        pinned = self._inner(*named_inside(outer, model))
        return self._model(pinned, {}, pinned.name)

    def _place(self, plan: ViewPlan) -> int:
        place = self._places.setdefault(key_of(plan), len(self._plans))
        if place == len(self._plans):
            self._plans.append(plan)
        return place
