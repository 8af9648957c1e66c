"""Constants learned in training travel with the version: served, replayed and repeated to the bit, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from tests.workspace.shop import DAY, START, Customer, CustomerHistory, Order, Return, fill

import tidewheel as tw
from tidewheel.errors import DefinitionError


class ScaledView(tw.View, on=Order):
    customer = CustomerHistory
    amount = tw.transform.standardise(tw.transform.log1p(Order.amount))
    spent = tw.transform.clip(tw.transform.min_max(customer.spent_30d), 0, 1)
    time = tw.transform.cyclic(Order.at, "1d")

    @tw.derived()
    def both(amount: tw.Array, spent: tw.Array) -> tw.Array:
        return amount + spent


class Scaled(tw.Model):
    view = ScaledView
    label = tw.happened(Return, within="14d")
    estimator = LGBMClassifier(n_estimators=5, num_leaves=7, verbose=-1)
    split = tw.temporal(test="20d")
    metrics = ["roc_auc"]
    gates = [tw.parity()]


class Screen(tw.Service, on=Order):
    model = Scaled
    decide = tw.thresholds(ship=0.0, check=0.5)
    fallback = [tw.previous(Scaled), tw.action("ship")]
    deadline = "5s"


PROJECT = [Customer, Order, Return, CustomerHistory, ScaledView, Scaled, Screen]


def test_two_versions_with_their_own_constants(tmp_path: Path) -> None:
    with tw.open(":memory:", PROJECT) as workspace:
        fill(workspace, tmp_path)
        first = workspace.train(Scaled, as_of=START + 80 * DAY)
        second = workspace.train(Scaled)
        assert first.deployable
        assert second.deployable
        views = [workspace.view(result.version) for result in (first, second)]
        raw = np.log1p(workspace.history.scan("Order", ["amount"])["amount"].to_numpy())
        constants = [np.polyfit(raw, view["amount"].to_numpy(), 1) for view in views]
        assert abs(constants[0][1] - constants[1][1]) > 1e-6, "each learned from its own train rows"
        for view in views:
            assert np.nanmin(view["spent"].to_numpy()) >= 0
            assert np.nanmax(view["spent"].to_numpy()) <= 1

        workspace.deploy(first.version)
        workspace.deploy(second.version, canary=0.5)
        answers = [
            workspace.decide(Screen, Order(id=f"n{k}", customer=f"c{k % 60}", category="toys", amount=3.0 + k))
            for k in range(30)
        ]
        told = [workspace.why(answer.decision_id) for answer in answers]
        assert {one.model for one in told} == {first.version, second.version}
        assert len({one.view for one in told}) == 2
        for k, one in enumerate(told):
            scale, shift = constants[[first.version, second.version].index(one.model)]
            assert one.features["amount"] == pytest.approx(scale * np.log1p(3.0 + k) + shift, abs=1e-9)
            assert one.replay.equal
            assert one.replay.score_equal
        report = workspace.check_features()
        assert (report.checked, report.differences, report.skipped) == (30, 0, 0)
        assert workspace.rerun(first.run_id).same


def test_a_view_without_constants_can_not_be_read() -> None:
    with tw.open(":memory:", PROJECT) as workspace:
        workspace.append([Order(id="o", customer="c", category="toys", amount=1.0)])
        with pytest.raises(DefinitionError, match=r"standardise\(log1p\(amount\)\) has no constants yet"):
            workspace.view(ScaledView)
