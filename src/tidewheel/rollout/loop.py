"""Retraining: when a schedule or drift asks, a challenger is trained, gated, canaried, judged."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import TidewheelError
from tidewheel.monitoring.build import served_rows
from tidewheel.monitoring.drift import SCORE, measure_drift
from tidewheel.monitoring.report import FeatureDrift
from tidewheel.registry.alerts import close_alert, list_alerts, raise_alert
from tidewheel.registry.bundles import Bundle
from tidewheel.registry.deployments import Deployment, find_deployment, promote, rollback
from tidewheel.registry.scoring import score_words
from tidewheel.registry.versions import list_versions
from tidewheel.rollout.judge import Judgement, judge_canary
from tidewheel.rollout.view import LoopView
from tidewheel.storage.catalog.notes import note

Floats = npt.NDArray[np.float64]
log = logging.getLogger("tidewheel.rollout")

DAY = 86_400_000_000
DRIFT_WINDOW = 7 * DAY
"""Served rows of so long are compared with the training rows."""
WHO = "retraining loop"


class RetrainLoop:
    """Acts on pointers by what decisions and outcomes say. Every step is a note in the catalog's outbox.

    Parameters
    ----------
    view : LoopView
        The workspace.
    """

    def __init__(self, view: LoopView) -> None:
        self._view = view

    def retrain(self, model: str, cause: str) -> bool:
        """Train a challenger of `model` and start its canaries; return whether one started.

        Nothing happens while a canary of the model runs: it is judged first.
        """
        policy = self._policy(model)
        waiting = [d for s in self._services(model) if (d := self._deployment(s)) is not None and not d.challenger]
        if policy is None or not waiting:
            return False
        try:
            version = self._view.train(model, cause)
        except TidewheelError as error:
            note(self._view.catalog, "retrain.failed", model, {"cause": cause, "error": str(error)})
            log.warning("%s: no challenger (%s): %s", model, cause, error)
            return False
        if not version.passed:
            failed = [gate.gate for gate in version.gates if not gate.passed]
            note(self._view.catalog, "retrain.refused", model, {"version": version.name, "gates": failed})
            log.warning("%s: %s did not pass %s", model, version.name, ", ".join(failed))
            return False
        for deployment in waiting:
            self._view.start_canary(deployment.service, version.name, policy.canary, cause)
        return True

    def watch(self, service: ir.Service) -> Judgement | None:
        """Judge a service's canary; promote it, roll it back, or let it run. None when there is none."""
        deployment, policy = self._deployment(service), self._policy(service.model)
        if deployment is None or policy is None or not deployment.challenger:
            return None
        watched = self._view.now() - deployment.since
        if watched < policy.watch:
            return Judgement("wait", "the canary has not run for its time")
        versions = (deployment.champion, deployment.challenger)
        bundles = {version: self._view.bundle(version) for version in versions}
        judgement = judge_canary(
            policy,
            policy.metric or self._model(service.model).metrics[0],
            self._view.joined(service, deployment.since),
            *versions,
            {version: bundle.manifest.view_digest for version, bundle in bundles.items()},
            lambda version, words: score_words(bundles[version], words),
            watched,
        )
        self._carry_out(service.name, judgement)
        return judgement

    def _carry_out(self, service: str, judgement: Judgement) -> None:
        if judgement.verdict == "wait":
            return
        act = promote if judgement.verdict == "promote" else rollback
        act(self._view.catalog, service, cause=judgement.reason, who=WHO)
        body = {"reason": judgement.reason, **judgement.evidence}
        note(self._view.catalog, f"canary.{judgement.verdict}", service, body)
        log.info("%s: %s (%s)", service, judgement.verdict, judgement.reason)

    def look_for_drift(self, service: ir.Service) -> list[FeatureDrift]:
        """Compare the last week's served rows with the champion's training rows; alert, and maybe retrain.

        Returns the columns beyond the policy's bound: the lower end of the interval counts, so a
        small sample raises no alarm by its noise.
        """
        deployment, policy = self._deployment(service), self._policy(service.model)
        if deployment is None or policy is None or not policy.on_drift:
            return []
        moved = [found for found in self._measure(service, deployment) if found.low >= policy.on_drift]
        self._tell(service.name, deployment.champion, moved)
        score = next((found for found in moved if found.feature == SCORE), None)
        if score is not None and not self._answered_already(service.model, deployment):
            self.retrain(service.model, f"drift of the score: PSI {score.psi:.2f}")
        return moved

    def _measure(self, service: ir.Service, deployment: Deployment) -> list[FeatureDrift]:
        rows = self._view.joined(service, self._view.now() - DRIFT_WINDOW)
        champion = rows.take(np.array(rows.decisions["model"].to_pylist(), dtype=object) == deployment.champion)
        bundle = self._view.bundle(deployment.champion)
        served = served_rows(champion, view_columns(bundle))
        return measure_drift(deployment.champion, "last 7 days", bundle.manifest.profile, served)

    def _tell(self, service: str, version: str, moved: list[FeatureDrift]) -> None:
        """Open an alert for each column that moved, close those of columns that came back."""
        catalog = self._view.catalog
        for found in moved:
            message = f"{found.feature} moved from what {version} was trained on: PSI {found.psi:.2f}"
            detail = {"psi": found.psi, "low": found.low, "high": found.high, "version": version}
            raise_alert(catalog, service, "drift", found.feature, message, detail)
        names = {found.feature for found in moved}
        for alert in list_alerts(catalog, service, only_open=True):
            if alert.kind == "drift" and alert.subject not in names:
                close_alert(catalog, service, "drift", alert.subject)

    def _answered_already(self, model: str, deployment: Deployment) -> bool:
        """Tell whether a version was trained, for any cause, within two drift windows: drift is answered once."""
        newest = list_versions(self._view.catalog, model, limit=1)
        recent = bool(newest) and self._view.now() - newest[0].created < 2 * DRIFT_WINDOW
        return recent or bool(deployment.challenger)

    def _services(self, model: str) -> list[ir.Service]:
        return [service for service in self._view.graph.services if service.model == model]

    def _deployment(self, service: ir.Service) -> Deployment | None:
        return find_deployment(self._view.catalog, service.name)

    def _model(self, name: str) -> ir.Model:
        return next(model for model in self._view.graph.models if model.name == name)

    def _policy(self, model: str) -> ir.Retrain | None:
        return self._model(model).retrain if model else None


def view_columns(bundle: Bundle) -> tuple[str, ...]:
    """Return the columns of a bundle's view, in the order of the words that decisions keep."""
    manifest = bundle.manifest
    view = next(view for view in manifest.graph.views if view.name == manifest.view)
    return tuple(column.name for column in view.columns)
