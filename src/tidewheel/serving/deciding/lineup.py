"""From the versions of a line-up to what is read and asked: every view in one read, every member ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidewheel.definitions import digest, ir
from tidewheel.errors import CorruptError, NotReadyError
from tidewheel.features.planning.view import ViewPlan, plan_view
from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.models.combining import Combiner, score_columns
from tidewheel.registry.versions.names import model_of
from tidewheel.serving.deciding.combined import Combined, Member

if TYPE_CHECKING:
    from tidewheel.registry.services import ServiceVersion
    from tidewheel.serving.deciding.scoring import Scoring

LAST = -1
"""The place of the first member's view: what a record holds is the row's last."""


@dataclass(frozen=True)
class Pinned:
    """One version, loaded: ``Fraud@3``, its bundle's digest and its bundle."""

    name: str
    digest: str
    bundle: Bundle

    @property
    def view(self) -> ir.View:
        """The view it was trained on."""
        return view_of(self.bundle.manifest.graph, self.bundle.manifest.view)


class Lineup:
    """Lays a line-up's views out for one read, and makes its members.

    Parameters
    ----------
    version : ServiceVersion
        Says how scores are combined.
    members : sequence of Pinned
        One version of each of the service's models, in any order.
    inner : callable
        Loads what a bundle names as the version of a model whose score its view has, by name and digest.
    scoring : callable
        Makes what scores rows of a version's view, whose columns are given.

    Raises
    ------
    NotReadyError
        A model of the service has no version here.
    """

    def __init__(
        self,
        version: ServiceVersion,
        members: Sequence[Pinned],
        inner: Callable[[str, str], Pinned],
        scoring: Callable[[Pinned, Sequence[str]], Scoring],
    ) -> None:
        service = version.service
        self._pinned = in_turn(service, members)
        self._inner, self._scoring = inner, scoring
        self.lead = self._pinned[0]
        self._last = plan_view(self.lead.bundle.manifest.graph, self.lead.view)
        self._places = {key_of(self._last): LAST}
        self._plans = [plan_view(version.graph, service.rule_view)] if service.rule_view is not None else []
        self.combined = self._combined(version)

    @property
    def plans(self) -> list[ViewPlan]:
        """The views to read: the rules', the other members', the first member's."""
        return [*self._plans, self._last]

    def scoring(self) -> Scoring:
        """Return what scores the first member's row."""
        if self.combined is not None:
            return self.combined.members[0].scoring
        return self._scoring(self.lead, self._last.names)

    def views(self) -> list[ir.View]:
        """Return the members' views."""
        return [pinned.view for pinned in self._pinned]

    def _combined(self, version: ServiceVersion) -> Combined | None:
        service = version.service
        how, own = service.combine, service.score_view
        if how is None:
            alone = self._member(self._pinned[0], {})
            return Combined((alone,)) if alone.inner else None
        members: dict[str, Member] = {}
        for model, pinned in zip(how.members, self._pinned, strict=True):
            members[model] = self._member(pinned, members if how.kind == "stack" else {})
        place = None if own is None else self._place(plan_view(version.graph, own))
        combiner = Combiner(how, own)
        return Combined(tuple(members.values()), how, combiner, place, "" if own is None else digest(own))

    def _member(self, pinned: Pinned, known: Mapping[str, Member]) -> Member:
        view = pinned.view
        plan = plan_view(pinned.bundle.manifest.graph, view)
        inner = tuple(
            (column, known.get(model) or self._inside(pinned, model)) for column, model in score_columns(view).items()
        )
        return Member(
            model=model_of(pinned.name),
            version=pinned.name,
            bundle=pinned.digest,
            view=digest(view),
            place=self._place(plan),
            scoring=self._scoring(pinned, plan.names),
            inner=inner,
        )

    def _inside(self, outer: Pinned, model: str) -> Member:
        return self._member(self._inner(*named_inside(outer, model)), {})

    def _place(self, plan: ViewPlan) -> int:
        """Return where a view's row stands in what is read; equal views are read once."""
        key = key_of(plan)
        if key not in self._places:
            self._places[key] = len(self._plans)
            self._plans.append(plan)
        return self._places[key]


def named_inside(outer: Pinned, model: str) -> tuple[str, str]:
    """Return the version, and its bundle's digest, whose score a version's view has.

    Raises
    ------
    CorruptError
        Its bundle does not say.
    """
    found = next((link for link in outer.bundle.manifest.inner if link.model == model), None)
    if found is None:
        raise CorruptError(f"the bundle of {outer.name} does not say which {model} it reads", remedy="train again")
    return found.version, found.bundle


def in_turn(service: ir.Service, members: Sequence[Pinned]) -> list[Pinned]:
    """Return a line-up's versions in the order in which they are asked.

    Raises
    ------
    NotReadyError
        A model of the service has no version among them.
    """
    by_model = {model_of(pinned.name): pinned for pinned in members}
    missing = [model for model in service.members if model not in by_model]
    if missing:
        raise NotReadyError(f"the line-up has no version of {', '.join(missing)}", remedy="deploy one")
    return [by_model[model] for model in service.members]


def key_of(plan: ViewPlan) -> object:
    """Return what tells a view that is read from another."""
    return (digest(plan.view), plan.nodes, tuple(read.id for read in plan.reads))


def view_of(graph: ir.Graph, name: str) -> ir.View:
    """Return a view of a graph by name."""
    for view in graph.views:
        if view.name == name:
            return view
    raise CorruptError(f"the bundle's graph has no view {name!r}", remedy="train again")
