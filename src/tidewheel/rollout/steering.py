"""Rollouts steered by guards: scored in the shadow, ramped up step by step, promoted at the end, taken back at once.

Every move is one row of the deployment's history with who, when and why; what guards found goes into a note beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from tidewheel.definitions import format_duration, ir
from tidewheel.errors import ConflictError, TidewheelError
from tidewheel.outcomes import COLUMNS, FACTS, Joined
from tidewheel.registry.alerts import close_alert, raise_alert
from tidewheel.registry.pointers.deployments import (
    Deployment,
    Move,
    find_deployment,
    history,
    promote,
    roll_out,
    rollback,
)
from tidewheel.registry.pointers.ramps import Ramp, Rollout, find_ramp
from tidewheel.rollout.evidence import challengers, evidence_of, known_of
from tidewheel.rollout.guards import ALPHA, COMPARED, NOTHING, USUAL, Evidence, Finding, Floats, Known, Side, ask
from tidewheel.rollout.rules import GUARD, may_go_on, may_roll_back
from tidewheel.rollout.shadow import score_shadow
from tidewheel.rollout.shadow_time import ShadowTime
from tidewheel.rollout.tally import Tally
from tidewheel.rollout.view import LoopView
from tidewheel.storage.catalog.notes import note

log = logging.getLogger("tidewheel.rollout")

WATCHED = 86_400_000_000
"""A champion is watched for a day after it became one."""
COOLDOWN = 3_600_000_000
"""Where a service declares none."""
LOOKED_BACK = 200
"""Moves in which a person's is looked for."""
ALERT = "guard"
AT_ONCE = frozenset({"latency", "fallbacks", "divergence"})
"""Guards that need nothing but decisions."""


def explores(service: ir.Service) -> bool:
    """Tell whether a service lets through some of what it would prevent."""
    return bool(service.explore and service.prevents)


def guards_of(service: ir.Service, deployment: Deployment) -> tuple[ir.Guard, ...]:
    """Return the guards to ask: a champion has nobody to differ from, and a shadow is always compared."""
    guards = service.guards or USUAL
    if not deployment.challenger:
        return tuple(guard for guard in guards if guard.kind != "divergence")
    if deployment.mode == "shadow" and all(guard.kind != "divergence" for guard in guards):
        return (*guards, COMPARED)
    return guards


class Seen(NamedTuple):
    """A rollout as it was looked at."""

    deployment: Deployment
    ramp: Ramp | None
    guards: tuple[ir.Guard, ...]
    findings: list[Finding]


class Steering:
    """Acts on the rollouts of a workspace.

    Parameters
    ----------
    view : LoopView
        The workspace.
    """

    def __init__(self, view: LoopView) -> None:
        self._view = view
        self._tallies: dict[str, Tally] = {}
        self._times: dict[str, ShadowTime] = {}
        self.seen: dict[str, Seen] = {}
        """By service, what guards said last."""

    def step(self, service: ir.Service) -> str:
        """Do what is to be done for a service's rollout now; return what that was."""
        deployment = find_deployment(self._view.catalog, service.name)
        if deployment is None or not deployment.champion:
            return "no version is deployed"
        if deployment.mode == "blue-green":  # who staged it switches
            return f"{deployment.challenger} is being made ready"
        if not deployment.challenger and not self._is_new(deployment):
            return "no rollout"
        damage = self._damage(deployment)
        if deployment.mode == "shadow" and not damage:
            score_shadow(self._view, deployment)
        findings = damage or self.findings(service, deployment)
        fired = next((finding for finding in findings if finding.fired), None)
        try:
            return self._take_back(deployment, fired) if fired else self._go_on(service, deployment, findings)
        except ConflictError as error:
            return f"left alone: {error}"

    def held_back(self, service: ir.Service) -> str:
        """Return why nothing may be promoted automatically on a service now; "" when it may."""
        return may_go_on(self._moves(service.name), self._view.now(), service.cooldown or COOLDOWN)

    def findings(self, service: ir.Service, deployment: Deployment, rows: Joined | None = None) -> list[Finding]:
        """Return what a service's guards say of its challenger, or of a champion that has none."""
        guards = guards_of(service, deployment)
        kinds = {guard.kind for guard in guards}
        if rows is None and deployment.mode == "shadow":
            rows = self._view.joined(service, deployment.since, COLUMNS)
        if rows is not None:
            evidence = evidence_of(self._view, deployment, rows, kinds, explores(service))
            if deployment.mode == "shadow" and "latency" in kinds:
                failed = evidence.ours.failed()
                fell = np.arange(failed.n) < failed.total
                evidence = evidence._replace(ours=Side(self._time_of(deployment), fell))
        else:
            evidence = self._tally(service, deployment, guards).evidence(self._known(service, deployment, kinds))
        return self._asked(guards, deployment, evidence)

    def glance(self, service: ir.Service) -> str:
        """Take a version back at once that fails or is slow; return what was done, "" for nothing.

        Costs what came in since the last look. Outcomes, shadows and the next step of a ramp wait for `step`.
        """
        deployment = find_deployment(self._view.catalog, service.name)
        if deployment is None or not deployment.challenger or deployment.mode in ("blue-green", "shadow"):
            return ""
        guards = guards_of(service, deployment)
        evidence = self._tally(service, deployment, guards).evidence(NOTHING)
        findings = self._asked(guards, deployment, evidence)
        fired = next(
            (one for one, guard in zip(findings, guards, strict=True) if one.fired and guard.kind in AT_ONCE), None
        )
        try:
            return self._take_back(deployment, fired) if fired else ""
        except ConflictError as error:
            return f"left alone: {error}"

    def _tally(self, service: ir.Service, deployment: Deployment, guards: tuple[ir.Guard, ...]) -> Tally:
        """Return the sums of a deployment with what came in counted."""
        tally = self._tallies.get(service.name)
        if tally is None or not tally.counts(deployment, guards):
            tally = self._tallies[service.name] = Tally(self._view, service, deployment, guards)
        tally.read()
        return tally

    def _time_of(self, deployment: Deployment) -> Floats:
        """Return how long a shadow would have taken, of some of the decisions so far."""
        timed = self._times.get(deployment.service)
        if timed is None or timed.revision != deployment.revision:
            timed = self._times[deployment.service] = ShadowTime(self._view, deployment)
        timed.look()
        return timed.spent

    def _known(self, service: ir.Service, deployment: Deployment, kinds: Collection[str]) -> Known:
        """Return the known outcomes of the watched version's decisions, where a guard asks for them."""
        if "outcome" not in kinds:
            return NOTHING
        rows = self._view.joined(service, deployment.since, FACTS)
        return known_of(rows.take(challengers(deployment, rows.decisions)), explores(service))

    def _asked(self, guards: tuple[ir.Guard, ...], deployment: Deployment, evidence: Evidence) -> list[Finding]:
        ramp = find_ramp(self._view.catalog, deployment)
        alpha = ALPHA / (len(guards) * (len(ramp.steps) if ramp is not None else 1))
        findings = [ask(guard, evidence, alpha) for guard in guards]
        self.seen[deployment.service] = Seen(deployment, ramp, guards, findings)
        return findings

    def _damage(self, deployment: Deployment) -> list[Finding]:
        """Return that a challenger can't be loaded; nothing when it can."""
        version = deployment.challenger or deployment.champion
        try:
            self._view.bundle(version)
        except TidewheelError as error:
            return [Finding("bundle", True, False, f"{version} can't be loaded: {error}", {})]
        return []

    def _is_new(self, deployment: Deployment) -> bool:
        came = next((m for m in self._moves(deployment.service) if m.action in ("deploy", "promote")), None)
        return (
            came is not None
            and came.after.champion == deployment.champion
            and self._view.now() - came.at < WATCHED
            and bool(deployment.previous_service_version)
        )

    def _moves(self, service: str) -> list[Move]:
        return history(self._view.catalog, service, limit=LOOKED_BACK)

    def _take_back(self, deployment: Deployment, fired: Finding) -> str:
        """Drop a challenger, or roll a champion back; a shadow harms nobody and goes on, with an alert."""
        service = deployment.service
        refused = "" if deployment.challenger else may_roll_back(self._moves(service))
        if deployment.mode == "shadow" or refused:
            message = f"{fired.said} ({refused})" if refused else fired.said
            raise_alert(self._view.catalog, service, ALERT, fired.guard, message, fired.figures)
            return f"alert: {message}"
        rollback(self._view.catalog, service, seen=deployment, cause=fired.said, who=GUARD)
        told = {"version": deployment.challenger or deployment.champion, "guard": fired.guard, "said": fired.said}
        note(self._view.catalog, "rollout.guard", service, {**told, "figures": fired.figures})
        log.warning("%s: %s was taken back: %s", service, told["version"], fired.said)
        return f"taken back: {fired.said}"

    def _go_on(self, service: ir.Service, deployment: Deployment, findings: list[Finding]) -> str:
        """Take the next step of a ramp when this one has lasted, has shown enough, and nothing is in the way."""
        catalog, version = self._view.catalog, deployment.challenger
        for finding in findings:
            close_alert(catalog, service.name, ALERT, finding.guard)
        ramp = find_ramp(catalog, deployment)
        if ramp is None:
            return f"{version or deployment.champion} keeps to its guards"
        in_the_way = self._in_the_way(service, deployment, ramp, findings)
        if in_the_way:
            return f"{version} stays at {deployment.share:.0%}: {in_the_way}"
        cause, share = f"it kept to its guards at {deployment.share:.0%}", ramp.after(deployment.share)
        if share is None:
            promote(catalog, service.name, seen=deployment, cause=cause, who=GUARD)
        else:
            step = Rollout("canary", share)
            roll_out(catalog, service.name, version, step, seen=deployment, cause=cause, who=GUARD)
        done = "promoted" if share is None else f"raised to {share:.0%}"
        log.info("%s: %s was %s: %s", service.name, version, done, cause)
        return f"{version} {done}: {cause}"

    def _in_the_way(self, service: ir.Service, deployment: Deployment, ramp: Ramp, findings: list[Finding]) -> str:
        """Return why a ramp may not go on now; "" when it may."""
        now = self._view.now()
        if now - deployment.since < ramp.hold:
            return f"for {format_duration(ramp.hold)} at least"
        waiting = next((finding.said for finding in findings if not finding.enough), "")
        return waiting or self.held_back(service)
