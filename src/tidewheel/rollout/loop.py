"""Retraining: when a schedule or drift asks, a challenger is trained, gated, canaried, judged."""

from __future__ import annotations

import logging
from functools import partial
from typing import Literal

from tidewheel.definitions import ir
from tidewheel.errors import ConflictError, TidewheelError
from tidewheel.monitoring.drift import SCORE
from tidewheel.monitoring.report import FeatureDrift
from tidewheel.outcomes import FACTS, Joined
from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.models.scoring import score_words, view_columns
from tidewheel.registry.pointers.deployments import Deployment, find_deployment, promote, rollback
from tidewheel.registry.pointers.ramps import find_ramp
from tidewheel.registry.versions.versions import Version
from tidewheel.rollout.drift import ALERT_AT, OUTCOME, WINDOW, find_drift, lookback, tell
from tidewheel.rollout.judge import Contender, Judgement, judge_canary, judge_lists
from tidewheel.rollout.rules import LOOP, refuse_moved
from tidewheel.rollout.steering import Steering
from tidewheel.rollout.view import LoopView
from tidewheel.storage.catalog.notes import list_notes, note

__all__ = ["RetrainLoop", "view_columns"]

log = logging.getLogger("tidewheel.rollout")

ANSWERED_FOR = 2 * WINDOW
"""Drift is answered once in so long: the answer itself needs a window to show."""
STARTED = "retrain.started"
EVERY = 1_000_000
"""More trainings than a model has in its life."""
Trigger = Literal["schedule", "drift", "labels", "age"]


class RetrainLoop:
    """Acts on pointers by what decisions and outcomes say. Every step is a note in the catalog's outbox.

    Parameters
    ----------
    view : LoopView
        The workspace.
    """

    def __init__(self, view: LoopView) -> None:
        self._view = view

    def retrain(self, model: str, cause: str, trigger: Trigger = "schedule") -> bool:
        """Train a challenger of `model` and start its canaries; return whether one started.

        Nothing happens while a canary of the model runs: it is judged first.
        """
        policy, deployments = self._policy(model), self._deployments(model)
        if policy is None or not deployments or any(deployment.challenger for deployment in deployments):
            return False
        self._note(STARTED, model, cause=cause, trigger=trigger)
        version = self._challenger(model, cause)
        if version is None:
            return False
        started = [self._start(deployment.service, version.name, policy, cause) for deployment in deployments]
        return any(started)

    def _challenger(self, model: str, cause: str) -> Version | None:
        """Train a version; return it when it may be deployed."""
        try:
            version = self._view.train(model, cause)
        except TidewheelError as error:
            self._note("retrain.failed", model, cause=cause, error=str(error))
            log.warning("%s: no challenger (%s): %s", model, cause, error)
            return None
        failed = [gate.gate for gate in version.gates if not gate.passed]
        if failed and all(gate.passed or gate.waits for gate in version.gates):
            self._note("retrain.waiting", model, cause=cause, version=version.name, gates=failed)
            log.info("%s: %s waits for approval: %s", model, version.name, ", ".join(failed))
            return None
        if failed:
            self._note("retrain.refused", model, cause=cause, version=version.name, gates=failed)
            log.warning("%s: %s did not pass %s", model, version.name, ", ".join(failed))
            return None
        return version

    def _start(self, service: str, version: str, policy: ir.Retrain, cause: str) -> bool:
        try:
            self._view.start_canary(service, version, policy.canary, cause)
        except TidewheelError as error:
            self._note("canary.failed", service, cause=cause, version=version, error=str(error))
            log.warning("%s: no canary of %s: %s", service, version, error)
            return False
        log.info("%s: %s answers %.0f%% (%s)", service, version, 100 * policy.canary, cause)
        return True

    def watch(self, service: ir.Service) -> Judgement | None:
        """Judge a service's canary; promote it, roll it back, or let it run. None when there is none.

        Of several models in one score, guards judge: what one of them adds is not told by its own rows alone.

        One with a ramp is not judged here: `Steering` takes it from step to step.
        """
        deployment, policy = self._deployment(service), self._policy(service.model)
        if deployment is None or policy is None or deployment.mode != "canary" or service.combine is not None:
            return None
        if find_ramp(self._view.catalog, deployment) is not None:
            return None
        rows, steering = self._view.joined(service, deployment.since), Steering(self._view)
        fired = next((finding for finding in steering.findings(service, deployment, rows) if finding.fired), None)
        if fired is not None:
            return self._carry_out(deployment, Judgement("rollback", fired.said, fired.figures))
        judgement = self._judge(service, policy, deployment, rows)
        if judgement.verdict == "promote" and (refused := steering.held_back(service)):
            judgement = Judgement("wait", refused, judgement.evidence)
        return self._carry_out(deployment, judgement)

    def _judge(self, service: ir.Service, policy: ir.Retrain, deployment: Deployment, rows: Joined) -> Judgement:
        watched, model = self._view.now() - deployment.since, self._model(service.model)
        measure = policy.metric or model.metrics[0]
        champion = self._view.bundle(deployment.champion)
        try:
            challenger = self._view.bundle(deployment.challenger)
        except TidewheelError as error:
            return Judgement("rollback", f"{deployment.challenger} can't be loaded: {error}")
        if service.ranking is not None:
            lists = partial(self._view.lists, service, deployment.since)
            return judge_lists(policy, measure, lists, deployment.champion, deployment.challenger, watched)
        bundles = {deployment.champion: champion, deployment.challenger: challenger}
        return judge_canary(
            policy,
            measure,
            rows,
            _contender(deployment.champion, champion),
            _contender(deployment.challenger, challenger),
            lambda version, words: score_words(bundles[version], words),
            watched,
            model.group,
        )

    def _carry_out(self, deployment: Deployment, judgement: Judgement) -> Judgement:
        service = deployment.service
        if judgement.verdict == "wait":
            return judgement
        act = promote if judgement.verdict == "promote" else rollback
        try:
            refuse_moved(self._view.catalog, deployment)
            act(self._view.catalog, service, cause=judgement.reason, who=LOOP)
        except ConflictError as error:
            return Judgement("wait", str(error))
        told = {"champion": deployment.champion, "challenger": deployment.challenger, "reason": judgement.reason}
        self._note(f"canary.{judgement.verdict}", service, **told, evidence=judgement.evidence)
        log.info("%s: %s (%s)", service, judgement.verdict, judgement.reason)
        return judgement

    def look_for_drift(self, service: ir.Service) -> list[FeatureDrift]:
        """Compare what was served lately with training, and outcomes with before; alert, and maybe retrain.

        Returns the columns that moved beyond the policy's bound (see `rollout.drift`).
        """
        deployment, policy = self._deployment(service), self._policy(service.model)
        if deployment is None or policy is None or not deployment.champion or service.combine is not None:
            return []
        view, now, label = self._view, self._view.now(), self._model(service.model).label
        lately = view.joined(service, now - WINDOW)
        before = view.joined(service, now - lookback(label), FACTS)
        champion, bundle = deployment.champion, view.bundle(deployment.champion)
        drift = find_drift(lately, before, label, champion, bundle, policy.on_drift or ALERT_AT, now)
        alerts = tell(view.catalog, service.name, deployment.champion, drift)
        if drift.causes and policy.on_drift and not self._answered_already(service.model):
            asked = ", ".join(f"alert {alerts[what].seq}" for what in (SCORE, OUTCOME) if what in alerts)
            self.retrain(service.model, f"drift of {service.name} ({asked}): {'; '.join(drift.causes)}", "drift")
        return drift.columns

    def _answered_already(self, model: str) -> bool:
        """Tell whether drift had a challenger trained within two windows. Scheduled ones do not count."""
        started = list_notes(self._view.catalog, subject=model, kind=STARTED, limit=EVERY)
        answers = [note.at for note in started if note.body["trigger"] == "drift"]
        return bool(answers) and self._view.now() - answers[-1] < ANSWERED_FOR

    def _note(self, kind: str, subject: str, **body: object) -> None:
        note(self._view.catalog, kind, subject, body)

    def _deployments(self, model: str) -> list[Deployment]:
        """Return the deployments that answer with a model's champion, and with it alone."""
        services = [service for service in self._view.graph.services if service.members == (model,)]
        found = [self._deployment(service) for service in services]
        return [deployment for deployment in found if deployment is not None and deployment.champion]

    def _deployment(self, service: ir.Service) -> Deployment | None:
        return find_deployment(self._view.catalog, service.name)

    def _model(self, name: str) -> ir.Model:
        return next(model for model in self._view.graph.models if model.name == name)

    def _policy(self, model: str) -> ir.Retrain | None:
        return self._model(model).retrain if model else None


def _contender(name: str, bundle: Bundle) -> Contender:
    return Contender(name, bundle.manifest.view_digest, len(view_columns(bundle.manifest)))
