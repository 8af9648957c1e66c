"""The whole loop on real stores: drift appears, a challenger is trained, judged and promoted; a bad one is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from decision_rows import DAY, HOUR, MONDAY
from loop_shop import DECLARED, Chargeback, Payment

import tidewheel as tw
from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.pointers.deployments import Deployment, get_deployment
from tidewheel.rollout import LIFECYCLE, RetrainLoop, send_notes
from tidewheel.storage.catalog.notes import list_notes
from tidewheel.workspace import Workspace

A_DAY = 90
HISTORY = 20
STEPS = 4
"""Instants in a day at which payments are made."""


class World:
    """Payments by day, in a replay workspace: some history, then decided as they come."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.loop = RetrainLoop(workspace.loop_view())
        self.service = workspace.service("Score")
        self.random = np.random.default_rng(0)
        self.made = 0
        self.decided = 0
        self.now = MONDAY
        workspace.advance(MONDAY)

    def reach(self, instant: int) -> None:
        """Let time pass."""
        self.now = self.workspace.advance(instant)

    def day(self, *, drifted: bool, decide: bool = True) -> None:
        """Let a day pass: payments at four instants, chargebacks three hours later, at its end the loop."""
        start, disputed = self.now, []
        for step in range(STEPS):
            self.reach(start + (5 * step + 1) * HOUR)
            for payment, fraud in self._payments(drifted):
                if decide:
                    self.workspace.decide("Score", payment)
                    self.decided += 1
                else:
                    self.workspace.append(payment)
                disputed += [payment.id] if fraud else []
            self.reach(start + (5 * step + 4) * HOUR)
            self.workspace.append([Chargeback(id=f"x{payment}", payment=payment) for payment in disputed])
            disputed = []
        self.reach(start + DAY)
        if decide:
            self.loop.watch(self.service)
            self.loop.look_for_drift(self.service)

    def _payments(self, drifted: bool) -> Iterator[tuple[Payment, bool]]:
        for _ in range(A_DAY // STEPS):
            self.made += 1
            amount = float(np.round(self.random.lognormal(3, 1), 2))
            abroad = self.random.random() < 0.3
            country = "NO" if not abroad else "XX" if drifted else "DE"
            risk = 0.02 if not abroad else 0.95 if drifted else 0.4 * (amount > 15)
            payment = Payment(id=f"p{self.made}", card=f"c{self.random.integers(30)}", country=country, amount=amount)
            yield payment, bool(self.random.random() < risk)

    @property
    def deployment(self) -> Deployment:
        return get_deployment(self.workspace.stores.catalog, "Score")

    def notes(self, kind: str) -> list[dict[str, object]]:
        return [note.body for note in list_notes(self.workspace.stores.catalog, kind=kind)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("loop")
    (folder / "tidewheel.toml").write_text('project = "project.py"\nclock = "replay"\npartitions = 1\n')
    with tw.open(folder, DECLARED) as workspace:
        yield World(workspace)


def test_drift_is_seen_answered_and_a_bad_challenger_rolled_back(world: World) -> None:
    for _ in range(HISTORY):
        world.day(drifted=False, decide=False)
    trained = world.workspace.train("Fraud")
    assert trained.version == "Fraud@1"
    world.workspace.deploy("Fraud@1")

    for _ in range(9):
        world.day(drifted=False)
    assert not world.deployment.challenger
    assert not world.notes("retrain.started"), "nothing drifted yet"

    for _ in range(12):
        world.day(drifted=True)
        if world.deployment.champion != "Fraud@1":
            break
    assert world.deployment.champion == "Fraud@2"
    assert world.deployment.previous == "Fraud@1"
    started = world.notes("retrain.started")
    assert [note["trigger"] for note in started] == ["drift"]
    assert "outcomes moved from" in str(started[0]["cause"])
    promoted = world.notes("canary.promote")[0]
    evidence = promoted["evidence"]
    assert isinstance(evidence, dict)
    assert evidence["gain"] > 0.05
    assert evidence["rows"] >= 200
    assert any(alert.subject == "(outcome)" for alert in list_alerts(world.workspace.stores.catalog, "Score"))

    world.workspace.deploy("Fraud@1", canary=0.3, cause="somebody liked the old one")
    for _ in range(4):
        world.day(drifted=True)
    assert world.deployment.champion == "Fraud@2"
    assert not world.deployment.challenger
    assert "Fraud@1 is" in str(world.notes("canary.rollback")[0]["reason"])
    assert "worse than Fraud@2" in str(world.notes("canary.rollback")[0]["reason"])
    assert world.decided > 1500

    report = world.workspace.report("Score")
    assert [period.version for period in report.totals] == ["Fraud@1", "Fraud@2"]
    assert sum(period.decisions for period in report.totals) == world.decided
    assert sum(period.fallbacks for period in report.totals) == 0
    assert {"country", "(score)"} <= {found.feature for found in report.drift}

    stores = world.workspace.stores
    assert send_notes(stores.catalog, stores.log, world.now) > 5
    assert send_notes(stores.catalog, stores.log, world.now) == 0
    world.workspace.flush()
    kinds = world.workspace.history.scan(LIFECYCLE, ["kind", "subject", "body"])["kind"].to_pylist()
    assert "canary.promote" in kinds
    assert len(kinds) == len(list_notes(stores.catalog))

    world.day(drifted=True)  # the log goes on with lifecycle events in it
    checked = world.workspace.check_features("Score", sample=300)
    assert checked.checked == 300
    assert checked.differences == 0
