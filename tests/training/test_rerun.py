"""A run repeated from its id comes out the same to the bit, or says what was different."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import training_shop as shop
from training_world import DAY, NOW, START, at, payments, world

from tidewheel.definitions import compile_declarations
from tidewheel.errors import NotFoundError, TrainingError
from tidewheel.registry.runs.runs import get_run, list_runs
from tidewheel.registry.versions.versions import list_versions
from tidewheel.storage.log.event_log import EventLog
from tidewheel.training import TrainingContext, compare, rerun, train


@pytest.fixture
def context(tmp_path: Path) -> Iterator[TrainingContext]:
    with world(tmp_path, payments(900)) as found:
        yield found


def log_of(context: TrainingContext) -> EventLog:
    return context.history._log


@pytest.mark.parametrize("name", ["Fraud", "Tuned", "Neighbours"])
def test_the_same_comes_out_though_the_world_went_on(context: TrainingContext, name: str) -> None:
    first = train(context, name, seed=3)
    later = payments(400, seed=9)
    for event in later:
        event.id, event.arrived, event.at = f"late-{event.id}", NOW + 1, min(event.at, NOW)
    log_of(context).append([event for event in later if event.type != "Card"], now=NOW + DAY)
    report = rerun(at(context, NOW + 5 * DAY), first.run_id)
    assert report.same, report.differences
    assert report.differences == []
    again = get_run(context.catalog, report.run_id)
    assert again.rerun_of == first.run_id
    assert again.lineage.dataset == get_run(context.catalog, first.run_id).lineage.dataset
    assert len(list_versions(context.catalog, name)) == 1


def test_what_changed_is_told(context: TrainingContext) -> None:
    first = train(context, "Fraud", seed=1)

    class Fraud(shop.Fraud):
        estimator = shop.LGBMClassifier(n_estimators=5, min_child_samples=5)

    others = [shop.Card, shop.Payment, shop.Chargeback, shop.CardHistory, shop.PaymentView]
    changed = replace(context, graph=compile_declarations(*others, Fraud), models={"Fraud": Fraud})
    report = rerun(changed, first.run_id)
    assert report.same_data
    assert not report.same_metrics
    assert not report.same_predictions
    assert any(line.startswith("definition model Fraud:") for line in report.changed)
    assert any(line.startswith("test roc_auc:") for line in report.differences)


def test_only_a_finished_run_can_be_repeated(context: TrainingContext) -> None:
    with pytest.raises(NotFoundError):
        rerun(context, "01NOSUCHRUN")
    with pytest.raises(TrainingError):
        train(context, "Broken")
    with pytest.raises(TrainingError, match="is failed"):
        rerun(context, list_runs(context.catalog, "Broken")[0].id)


def test_two_seeds_differ_and_one_does_not(context: TrainingContext) -> None:
    runs = [get_run(context.catalog, train(context, "Tuned", seed=seed).run_id) for seed in (1, 1, 2)]
    assert runs[0].artifacts["predictions"] == runs[1].artifacts["predictions"]
    assert runs[0].artifacts["trials"] != runs[2].artifacts["trials"]


def test_versions_side_by_side(context: TrainingContext) -> None:
    train(at(context, START + 45 * DAY), "Fraud")
    train(context, "Fraud", seed=5)

    class Fraud(shop.Fraud):
        view = shop.LeakyView

    everything = [shop.Card, shop.Payment, shop.Chargeback, shop.CardHistory, shop.PaymentView, shop.LeakyView]
    changed = replace(context, graph=compile_declarations(*everything, Fraud), models={"Fraud": Fraud})
    train(changed, "Fraud")
    seen = compare(context.catalog, "Fraud@1", "Fraud@2")
    assert not seen.same_data
    assert not seen.same_test
    assert seen.added == seen.removed == []
    assert {"as of", "seed", "data set", "rows train"} <= {difference.what for difference in seen.lineage}
    assert ("random_state", 0, 5) in [(d.what, d.one, d.two) for d in seen.parameters]
    assert {(split, name) for split, name, _, _ in seen.metrics} >= {("test", "roc_auc"), ("baseline", "brier")}
    wider = compare(context.catalog, "Fraud@2", "Fraud@latest")
    assert wider.added == ["leak"]
    assert "over_mean" in wider.removed
    assert wider.same_test
