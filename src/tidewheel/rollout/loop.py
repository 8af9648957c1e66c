"""Retraining: when a schedule or drift asks, a challenger is trained, gated, canaried, judged."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.errors import ConflictError, TidewheelError
from tidewheel.monitoring.drift import SCORE
from tidewheel.monitoring.report import FeatureDrift
from tidewheel.outcomes import COLUMNS, FACTS, Joined
from tidewheel.registry.alerts import Alert
from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.models.scoring import score_words, view_columns
from tidewheel.registry.pointers.deployments import Deployment, find_deployment, promote, rollback
from tidewheel.registry.pointers.ramps import find_ramp
from tidewheel.registry.versions.names import members_of, model_of
from tidewheel.registry.versions.versions import Version
from tidewheel.rollout.drift import ALERT_AT, OUTCOME, WINDOW, Drift, find_drift, lookback, of_member, tell
from tidewheel.rollout.evidence import MOST_COMPARED
from tidewheel.rollout.judge import Contender, Judgement, judge_canary, judge_lineups, judge_lists
from tidewheel.rollout.rules import LOOP
from tidewheel.rollout.shadow import lineup_scores
from tidewheel.rollout.steering import Steering
from tidewheel.rollout.view import LoopView
from tidewheel.storage.catalog.notes import list_notes, note

__all__ = ["RetrainLoop", "view_columns"]

log = logging.getLogger("tidewheel.rollout")
Floats = npt.NDArray[np.float64]

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

        Line-ups are judged by the scores that they combine to. Where that is an expression no outcome speaks of it, and
        guards alone judge. One with a ramp is not judged here: `Steering` takes it from step to step.
        """
        deployment = self._deployment(service)
        if deployment is None or deployment.mode != "canary" or not _comparable(service):
            return None
        standing = members_of(deployment.champion)
        moved = [model_of(name) for name in members_of(deployment.challenger) if name not in standing]
        policy = next((policy for policy in map(self._policy, moved) if policy is not None), None)
        if policy is None:
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
        if service.combine is not None:
            names, score = (deployment.champion, deployment.challenger), partial(self._lineup_scores, deployment)
            return judge_lineups(policy, measure, rows, *names, score, watched, model.group)
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

    def _lineup_scores(self, deployment: Deployment, lineup: str, decisions: pa.Table) -> Floats:
        """Return a line-up's scores of decisions, NaN of all but the newest where there are very many."""
        view, scores = self._view, np.full(decisions.num_rows, np.nan)
        records = view.decisions(deployment.service, deployment.since, view.now() + 1)
        place = pc.index_in(records["decision_id"], value_set=decisions["decision_id"].combine_chunks())
        known = np.flatnonzero(place.is_valid().to_numpy())[-MOST_COMPARED:]
        version = deployment.service_version
        if lineup == deployment.challenger:
            version = deployment.challenger_service_version or version
        at = place.to_numpy()[known].astype(np.int64)
        scores[at] = lineup_scores(view, version, lineup, records.take(pa.array(known)))
        return scores

    def _carry_out(self, deployment: Deployment, judgement: Judgement) -> Judgement:
        service = deployment.service
        if judgement.verdict == "wait":
            return judgement
        act = promote if judgement.verdict == "promote" else rollback
        try:
            act(self._view.catalog, service, seen=deployment, cause=judgement.reason, who=LOOP)
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
        deployment = self._deployment(service)
        watched = members_of(deployment.champion) if deployment is not None else ()
        policies = {version: self._policy(model_of(version)) for version in watched}
        if not any(policies.values()):
            return []
        view, now, judged = self._view, self._view.now(), self._model(service.model)
        several = service.combine is not None
        columns = (*COLUMNS, "stages") if several else COLUMNS
        before = view.joined(service, now - lookback(judged), FACTS)
        lately: dict[ir.Label | ir.View | None, Joined] = {}
        drifts: dict[str, Drift] = {}
        for version, policy in policies.items():
            if policy is not None:
                model, bound = self._model(model_of(version)), policy.on_drift or ALERT_AT
                if model.where not in lately:
                    lately[model.where] = view.joined(service, now - WINDOW, columns, model.name)
                own = of_member(lately[model.where], version) if several else lately[model.where]
                drifts[version] = find_drift(own, before, judged, version, view.bundle(version), bound, now)
        alerts = tell(view.catalog, service.name, drifts)
        for version, drift in drifts.items():
            self._answer(service.name, version, drift, alerts)
        return [column for drift in drifts.values() for column in drift.columns]

    def _answer(self, service: str, version: str, drift: Drift, alerts: Mapping[str, Alert]) -> None:
        """Train a challenger for what moved, where the model's policy asks for it."""
        model = model_of(version)
        policy = self._policy(model)
        if not drift.causes or policy is None or not policy.on_drift or self._answered_already(model):
            return
        subjects = (SCORE, f"{model}: {SCORE}", OUTCOME)
        asked = ", ".join(f"alert {alerts[what].seq}" for what in subjects if what in alerts)
        self.retrain(model, f"drift of {service} ({asked}): {'; '.join(drift.causes)}", "drift")

    def _answered_already(self, model: str) -> bool:
        """Tell whether drift had a challenger trained within two windows. Scheduled ones do not count."""
        started = list_notes(self._view.catalog, subject=model, kind=STARTED, limit=EVERY)
        answers = [note.at for note in started if note.body["trigger"] == "drift"]
        return bool(answers) and self._view.now() - answers[-1] < ANSWERED_FOR

    def _note(self, kind: str, subject: str, **body: object) -> None:
        note(self._view.catalog, kind, subject, body)

    def _deployments(self, model: str) -> list[Deployment]:
        """Return the deployments that answer with a model's champion, alone or in a line-up that can be judged."""
        graph = self._view.graph
        services = [service for service in graph.services if model in service.members and _comparable(service)]
        found = [self._deployment(service) for service in services]
        return [deployment for deployment in found if deployment is not None and deployment.champion]

    def _deployment(self, service: ir.Service) -> Deployment | None:
        return find_deployment(self._view.catalog, service.name)

    def _model(self, name: str) -> ir.Model:
        return next(model for model in self._view.graph.models if model.name == name)

    def _policy(self, model: str) -> ir.Retrain | None:
        return self._model(model).retrain if model else None


def _comparable(service: ir.Service) -> bool:
    """Whether a service's score tells the same thing as its label, so that outcomes judge it."""
    return service.combine is None or service.combine.expr is None


def _contender(name: str, bundle: Bundle) -> Contender:
    return Contender(name, bundle.manifest.view_digest, len(view_columns(bundle.manifest)))
