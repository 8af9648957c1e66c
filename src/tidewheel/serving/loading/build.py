"""From a deployment's pointers to a decider: frozen services and bundles made ready. No user's module, no learner."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from tidewheel.definitions import digest
from tidewheel.errors import NotFoundError, TidewheelError
from tidewheel.features.planning.view import ViewPlan, plan_view
from tidewheel.features.reading.online import OnlineReader
from tidewheel.registry.models.bundles import ArtifactStore, Bundle, load_bundle
from tidewheel.registry.pointers.pinning import pins_of, standing_in
from tidewheel.registry.pointers.thresholds import effective, get_thresholds
from tidewheel.registry.services import ServiceVersion, load_service
from tidewheel.registry.versions.names import member_of, members_of, model_of
from tidewheel.registry.versions.versions import get_version
from tidewheel.routing.explore import Explorer
from tidewheel.routing.split import CHALLENGER, CHAMPION, Split
from tidewheel.serving.deciding.arms import Arm, NoReader, Reader, Rule, Thresholds, Verdict
from tidewheel.serving.deciding.breaker import Breakers
from tidewheel.serving.deciding.caching import CachedScoring, KeptRows
from tidewheel.serving.deciding.decider import Decider
from tidewheel.serving.deciding.fallback import Chain, Link, Table
from tidewheel.serving.deciding.flight import waited
from tidewheel.serving.deciding.freshness import Freshness
from tidewheel.serving.deciding.lineup import Lineup, Pinned, in_turn
from tidewheel.serving.deciding.predictor import scoring_of
from tidewheel.serving.deciding.scoring import NO_DEADLINE, settled
from tidewheel.serving.deciding.stored import StoredItems, StoredScores
from tidewheel.serving.loading.build_lists import ready_lists

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from tidewheel.definitions.ir import Graph, Service, Source, Stored, View
    from tidewheel.registry.models.profile import FallbackTable
    from tidewheel.registry.pointers.pointers import Deployment
    from tidewheel.registry.pointers.thresholds import Thresholds as TurnedThresholds
    from tidewheel.runtime.kill_switch import KillSwitch
    from tidewheel.serving.deciding.scoring import Scoring
    from tidewheel.storage.catalog import Catalog
    from tidewheel.storage.log.event_log import EventLog
    from tidewheel.storage.protocols import State

log = logging.getLogger("tidewheel.serving")

PREVIOUS, SMALLER = "previous", "model"


@dataclass(frozen=True, eq=False)
class Loaded:
    """A service version with its models' bundles, read and warmed; arms are made of it for free."""

    version: ServiceVersion
    pinned: tuple[Pinned, ...]
    arm: Arm


class Builder:
    """Builds deciders and keeps what it has loaded, so that a moved share loads nothing again.

    Parameters
    ----------
    catalog : Catalog
        Where the pointers, versions and frozen services are.
    artifacts : ArtifactStore
        Where the bundles are.
    states : callable
        Opens the state store, or returns the one that is open.
    log : EventLog
        Tells how far the states are behind it.
    switch : KillSwitch
        Goes with each decider.
    scores : callable, optional
        Opens the store of scores computed ahead, or returns the one that is open.
    """

    def __init__(
        self,
        catalog: Catalog,
        artifacts: ArtifactStore,
        states: Callable[[], State],
        log: EventLog,
        switch: KillSwitch,
        scores: Callable[[], State] | None = None,
    ) -> None:
        self.catalog = catalog
        self.artifacts = artifacts
        self._states = states
        self._log = log
        self._switch = switch
        self._scores = scores
        self.breakers = Breakers()
        self.loop: AbstractEventLoop | None = None
        """A worker's, whose requests of one turn reach a net together."""
        self._loaded: dict[tuple[str, str], Loaded] = {}
        self._turned: dict[str, TurnedThresholds | None] = {}
        self.broken = False
        """True when something could not be loaded, so that it is worth trying again."""

    def bundles(self) -> dict[str, Bundle]:
        """Return the bundle of each loaded version, by its name as ``Fraud@3``."""
        loaded = list(self._loaded.values())
        return {pinned.name: pinned.bundle for item in loaded for pinned in item.pinned}

    def build(self, deployment: Deployment) -> tuple[Decider, Source]:
        """Return the decider for a deployment, and the source of its events.

        A version that can't be loaded leaves its arm empty (`Decider.damage` says why): then the chain answers.

        Raises
        ------
        NotFoundError
            The catalog does not hold the frozen service.
        """
        self._turned.clear()
        version = self._version(deployment.service_version)
        service = version.service
        damage: list[str] = []
        champion = self._load(deployment.service_version, deployment.champion, damage)
        challenger = previous = None
        if deployment.challenger and deployment.mode != "shadow":  # a shadow is scored elsewhere
            frozen = deployment.challenger_service_version or deployment.service_version
            challenger = self._load(frozen, deployment.challenger, damage)
        if deployment.previous:
            frozen = deployment.previous_service_version or deployment.service_version
            previous = self._load(frozen, deployment.previous, damage)
        smaller = {name: self._load(deployment.service_version, name, damage) for name in pins_of(service)}
        self._keep(champion, challenger, previous, *smaller.values())
        shares = {CHALLENGER: deployment.share}
        decider = Decider(
            service=service,
            champion=self._arm(champion, CHAMPION),
            challenger=self._arm(challenger, CHALLENGER),
            split=Split(service.name, deployment.salt, shares) if challenger is not None and deployment.share else None,
            chain=self._chain(version, champion, previous, smaller),
            revision=deployment.revision,
            damage="; ".join(damage),
            killed=deployment.killed,
            switch=self._switch,
        )
        return decider, source_of(version.graph, service.on)

    def _load(self, service_version: str, model: str, damage: list[str]) -> Loaded | None:
        """Return a version ready to decide; None, with the reason added to `damage`, when it can't be loaded."""
        key = (service_version, model)
        if key in self._loaded:
            return self._loaded[key]
        try:
            version = self._version(service_version)
            if model and model_of(model) not in version.service.members:
                version = standing_in(version, model_of(model))
            pinned = tuple(self._pinned(name) for name in members_of(model))
            if version.service.ranking is not None and pinned:
                arm = self._ready_list(version, model, in_turn(version.service, pinned))
            else:
                scoring = partial(self._scoring, version.service)
                arm = self._ready(version, model, Lineup(version, pinned, self._inner, scoring) if pinned else None)
            loaded = Loaded(version, pinned, arm)
        except Exception as error:
            log.error("%s can't be loaded: %s", model or service_version, error)
            # The damage becomes a reason in answers, where the worker's paths have no business.
            said = error.message if isinstance(error, TidewheelError) else type(error).__name__
            damage.append(f"{model or service_version} can't be loaded: {said}")
            self.broken = True
            return None
        if isinstance(loaded.arm.reader, NoReader):
            damage.append(f"features can't be read: {loaded.arm.reader.error.message}")
            self.broken = True
        else:
            self._loaded[key] = loaded
        return loaded

    def _keep(self, *loaded: Loaded | None) -> None:
        """Forget what no arm needs; other services' versions stay."""
        mine = {id(item) for item in loaded if item is not None}
        service = next((item.version.service.name for item in loaded if item is not None), "")
        for key, item in list(self._loaded.items()):
            if item.version.service.name == service and id(item) not in mine:
                del self._loaded[key]

    def _pinned(self, name: str) -> Pinned:
        return self._inner(name, get_version(self.catalog, name).bundle)

    def _inner(self, name: str, bundle: str) -> Pinned:
        return Pinned(name, bundle, load_bundle(self.artifacts, bundle))

    def _scoring(self, service: Service, pinned: Pinned, names: Sequence[str]) -> Scoring:
        scoring = self.breakers.scoring(scoring_of(pinned.bundle, names, self.loop), pinned.name, service.deadline)
        return scoring if service.cache is None else CachedScoring(scoring)

    def _ready(self, version: ServiceVersion, model: str, lineup: Lineup | None) -> Arm:
        service = version.service
        plans = [plan_view(version.graph, service.rule_view)] if service.rule_view is not None else []
        plans = plans if lineup is None else lineup.plans
        view = service.rule_view if lineup is None else lineup.lead.view
        rules = () if service.rule_view is None else tuple(rules_of(version, plans[0]))
        reader = self._reader(plans)
        arm = Arm(
            name=CHAMPION,
            model=model,
            bundle="" if lineup is None else lineup.lead.digest,
            view=digest(view) if view is not None else "",
            service_version=version.digest,
            reader=self._kept(service, self.breakers.reader(reader, service.name, service.deadline)),
            rules=rules,
            scoring=None if lineup is None else lineup.scoring(),
            thresholds=Thresholds(service.thresholds),
            otherwise=service.thresholds[0][0] if service.thresholds else "",
            freshness=self._freshness([view] if lineup is None else lineup.views(), plans),
            stored=self._stored(service.stored, model),
            combined=None if lineup is None else lineup.combined,
            asking=getattr(reader, "asking", None),
        )
        warm(arm, plans)
        return arm

    def _ready_list(self, version: ServiceVersion, model: str, members: Sequence[Pinned]) -> Arm:
        """Return the arm of a service that ranks: what is read of the event is not what its model sees."""
        service, graph = version.service, version.graph
        rules = plan_view(graph, service.rule_view) if service.rule_view is not None else None
        asked = plan_view(graph, service.candidate_view) if service.candidate_view is not None else None
        plans = [plan_view(pinned.bundle.manifest.graph, pinned.view) for pinned in members]
        reader = self._reader([read for read in (rules, asked) if read is not None])
        return Arm(
            name=CHAMPION,
            model=model,
            bundle=members[0].digest,
            view=digest(members[0].view),
            service_version=version.digest,
            reader=self.breakers.reader(reader, service.name, service.deadline),
            rules=() if rules is None else tuple(rules_of(version, rules)),
            scoring=None,
            thresholds=Thresholds(()),
            freshness=self._freshness([pinned.view for pinned in members], plans),
            lists=ready_lists(
                version,
                members,
                self._inner,
                asked,
                self._states(),
                self._scores,
                self.catalog.now,
                self.breakers,
                self._stored_items(service.stored, model),
            ),
            asking=getattr(reader, "asking", None),
        )

    def _reader(self, plans: list[ViewPlan]) -> Reader:
        try:
            return OnlineReader(self._states(), plans)
        except TidewheelError as error:
            log.error("features can't be read: %s", error)
            return NoReader(error)

    def _kept(self, service: Service, reader: Reader) -> Reader:
        """Return a reader that keeps rows where the service lets an entity's be of some age."""
        cache = service.cache
        if cache is None or not cache.by or isinstance(reader, NoReader):
            return reader
        return KeptRows(reader, cache.by[0], cache.max_age, rules=bool(service.rules))

    def _freshness(self, views: Sequence[View | None], plans: list[ViewPlan]) -> Freshness | None:
        """Hold an arm to the strictest freshness that its models' views declare."""
        declared = [view for view in views if view is not None and view.freshness]
        if not declared:
            return None
        strictest = min(declared, key=lambda view: view.freshness)
        plan = next(plan for plan in plans if plan.view == strictest)
        try:
            return Freshness(strictest, plan, self._states(), self._log)
        except TidewheelError:
            return None  # the reader says why

    def _stored(self, declared: Stored | None, model: str) -> StoredScores | None:
        if declared is None or self._scores is None or not model:
            return None
        return StoredScores(self._scores(), declared, model)

    def _stored_items(self, declared: Stored | None, model: str) -> StoredItems | None:
        if declared is None or self._scores is None or not model:
            return None
        return StoredItems(self._scores(), declared, model)

    def _version(self, digest: str) -> ServiceVersion:
        """Return a frozen service; those that are loaded are at hand."""
        known = (loaded.version for loaded in self._loaded.values() if loaded.version.digest == digest)
        return next(known, None) or load_service(self.catalog, digest)

    def _thresholds(self, service: str) -> TurnedThresholds | None:
        """Return the thresholds set last, asked for once while a decider is built."""
        if service not in self._turned:
            self._turned[service] = get_thresholds(self.catalog, service)
        return self._turned[service]

    def _arm(self, loaded: Loaded | None, name: str) -> Arm | None:
        if loaded is None:
            return None
        service = loaded.version.service
        turned = self._thresholds(service.name)
        levels = service.thresholds
        if turned is not None and turned.levels:
            try:
                levels = effective(levels, turned.levels, service=service.name)
            except TidewheelError as error:
                log.error("%s: thresholds set at run time do not fit and are left out: %s", service.name, error)
        actions = [action for action, _ in levels]
        explore = (
            Explorer(service.name, actions, service.prevents, service.explore)
            if service.explore and service.prevents and service.ranking is None
            else None
        )
        return replace(loaded.arm, name=name, thresholds=Thresholds(levels), explore=explore)

    def _chain(
        self,
        version: ServiceVersion,
        champion: Loaded | None,
        previous: Loaded | None,
        smaller: Mapping[str, Loaded | None],
    ) -> Chain:
        service = version.service
        links: list[Link] = []
        for link in service.fallback:
            if link.kind == "action":
                links.append(link.action)
            elif link.kind == "previous":
                arm = self._arm(previous, PREVIOUS)
                links.extend([replace(arm, stored=None)] if arm is not None else [])
            elif link.kind == "model":
                arm = self._arm(smaller.get(link.version), SMALLER)
                links.extend([arm] if arm is not None else [])
            elif link.kind == "stored":
                model = champion.arm.model if champion is not None else f"{link.model}@0"
                ahead = self._stored if service.ranking is None else self._stored_items
                stored = ahead(link.stored, member_of(model, link.model))
                links.extend([stored] if stored is not None else [])
            else:
                table = table_of(link.by, champion, previous)
                of_item = table is not None and service.ranking is not None and "." in table.by[0]
                links.extend([Table(table.by[0], table.scores, table.default, of_item)] if table is not None else [])
        actions = [link for link in links if isinstance(link, str)]
        floor = service.thresholds[0][0] if service.thresholds else ""
        known = self._arm(champion or previous, CHAMPION)
        thresholds = known.thresholds if known is not None else Thresholds(service.thresholds)
        return Chain(tuple(links), actions[-1] if actions else floor, thresholds)


def rules_of(version: ServiceVersion, plan: ViewPlan) -> list[Rule]:
    """Return a service's rules with the places of their conditions in the rule view."""
    return [Rule(rule.name, plan.names.index(rule.column), rule.then) for rule in version.service.rules]


def table_of(by: tuple[str, ...], *candidates: Loaded | None) -> FallbackTable | None:
    """Return the fallback table by a column, from the first bundle that has one."""
    for loaded in candidates:
        for pinned in loaded.pinned if loaded is not None else ():
            for table in pinned.bundle.manifest.tables:
                if table.by == by:
                    return table
    return None


def source_of(graph: Graph, name: str) -> Source:
    """Return a source of a graph by name."""
    for source in graph.sources:
        if source.name == name:
            return source
    raise NotFoundError(f"the frozen service has no event {name!r}", remedy="deploy again")


def warm(arm: Arm, plans: list[ViewPlan]) -> None:
    """Call everything once on an event of nulls, so that the first real one finds it compiled and loaded."""
    try:
        row = arm.reader.read(dict.fromkeys(name for plan in plans for name in plan.columns), 0, 0)
        if arm.combined is not None:
            waited(settled(arm.combined(Verdict(row=row), NO_DEADLINE)))
        elif arm.scoring is not None:
            waited(settled(arm.scoring(row.words[-1], NO_DEADLINE)))
    except Exception as error:
        # A derived function may not like an event without values; that says nothing about real ones.
        log.info("warming %s: %s", arm.model or arm.service_version, error)
