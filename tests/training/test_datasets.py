"""Runs on sampled, weighed and folded data: what is kept, what is measured, what the model then says of all rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from training_shop import Chargeback, Payment, PaymentView
from training_world import DAY, HOUR, NOW, START, declaring, payments, world

import tidewheel as tw
from tidewheel.errors import TrainingError
from tidewheel.registry.runs.datasets import get_dataset
from tidewheel.registry.runs.runs import get_run, list_runs
from tidewheel.registry.runs.snapshots import read_manifest, read_snapshot, save_snapshot, shared_bytes
from tidewheel.registry.runs.trials import trials_of
from tidewheel.registry.versions.versions import list_versions
from tidewheel.storage.log.records import NewEvent
from tidewheel.training import TrainingContext, rerun, train
from tidewheel.training.context import pinned
from tidewheel.training.data.gather import Gathered, gather

TREES = LGBMClassifier(n_estimators=15, num_leaves=5, min_child_samples=5)


class Sampled(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = TREES
    split = tw.split.expanding(folds=2, test="8d")
    sample = [tw.sample.keep(negatives=0.4), tw.sample.weights(Payment.amount * 0 + 2)]
    metrics = ["roc_auc", "brier"]


class Calibrated(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = TREES
    calibrate = tw.isotonic()
    split = tw.split.temporal(test="10d")
    sample = [tw.sample.keep(negatives=0.4), tw.sample.balanced()]
    metrics = ["roc_auc", "brier"]


class Grouped(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = TREES
    split = tw.split.by_group(Payment.card, test=0.3)
    sample = tw.sample.stratified(Payment.country, share={"NO": 0.5})
    metrics = ["roc_auc"]


class Searched(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = TREES
    search = {"num_leaves": tw.int_range(3, 15)}
    tune = tw.tune.search(trials=3, sampler="random")
    split = tw.split.expanding(folds=2, test="8d")
    metrics = ["brier"]


MODELS = {model.__name__: model for model in (Sampled, Calibrated, Grouped, Searched)}


def declared(context: TrainingContext) -> TrainingContext:
    return declaring(context, *MODELS.values())


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    with world(tmp_path_factory.mktemp("data"), payments(2500)) as opened:
        yield declared(opened)


def gathered(context: TrainingContext, model: str, as_of: int = NOW) -> Gathered:
    return gather(context, context.model(model), pinned(context.history, context.history.head()), as_of)


def test_a_sampled_model_is_right_about_all_rows_and_says_how_it_spreads(context: TrainingContext) -> None:
    result = train(context, "Sampled")
    assert result.counts["sampled out"] > 300
    folds = {metric.split: metric for metric in result.metrics if metric.metric == "brier"}
    assert {"fold 1", "fold 2", "folds", "test", "train", "baseline"} <= set(folds)
    mean = (folds["fold 1"].value + folds["fold 2"].value) / 2  # type: ignore[operator]  # both were measured
    assert folds["folds"].value == pytest.approx(mean)
    assert folds["folds"].low < folds["folds"].value < folds["folds"].high  # type: ignore[operator]  # nor are these None
    # A constant that knew only the kept rows would guess far too high, and score worse than always saying the mean
    found = gathered(context, "Sampled")
    y = found.data.y[found.sides.test]
    assert found.prior == pytest.approx(0.4)
    assert folds["baseline"].value == pytest.approx(float(np.mean((y - y.mean()) ** 2)), rel=0.05)
    assert folds["test"].value < folds["baseline"].value  # type: ignore[operator]  # both were measured


def test_a_search_is_judged_by_the_declared_folds(context: TrainingContext) -> None:
    result = train(context, "Searched")
    trials = trials_of(context.catalog, result.run_id)
    assert len({trial.value for trial in trials}) > 1
    best = min(trial.value for trial in trials if trial.value is not None)
    assert result.metric("brier", "folds").value == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("model", ["Sampled", "Calibrated"])
def test_predicted_probabilities_are_those_of_all_rows(context: TrainingContext, model: str) -> None:
    from tidewheel.registry.models.bundles import load_bundle
    from tidewheel.training.fit.scoring import bundle_scores

    version = next(iter(list_versions(context.catalog, model)), None)
    if version is None:
        train(context, model)
        version = list_versions(context.catalog, model)[0]
    found = gathered(context, model)
    columns, y = found.data.view.take(found.sides.test), found.data.y[found.sides.test]
    score = bundle_scores(load_bundle(context.artifacts, version.bundle), columns)
    kept = found.data.y[found.sides.train]
    assert kept.mean() > 1.7 * y.mean()
    assert score.mean() == pytest.approx(y.mean(), abs=0.04)


def test_no_card_is_on_both_sides_and_kept_rows_stand_for_the_others(context: TrainingContext) -> None:
    found = gathered(context, "Grouped")
    cards = np.array(found.rows["card"].to_pylist())
    assert not set(cards[found.sides.train]) & set(cards[found.sides.test])
    norway = np.array(found.data.view["country"].to_pylist()) == "NO"
    train_side = np.zeros(norway.size, dtype=bool)
    train_side[found.sides.train] = True
    assert set(found.data.weight[train_side & norway]) == {2.0}
    assert set(found.data.weight[~(train_side & norway)]) == {1.0}
    result = train(context, "Grouped")
    assert not [
        finding for finding in result.findings if finding.kind == "shared entities" and finding.column == "card"
    ]
    assert rerun(context, result.run_id).same


def test_rows_are_kept_and_a_week_later_only_the_week_is_new(context: TrainingContext) -> None:
    version = train(context, "Grouped")
    run = get_run(context.catalog, version.run_id)
    known = get_dataset(context.catalog, run.lineage.dataset)
    table = read_snapshot(context.artifacts, read_manifest(context.artifacts, known.manifest))
    assert table.equals(gathered(context, "Grouped").data.table())
    earlier, later = (
        read_manifest(context.artifacts, save_snapshot(context.artifacts, "d", found.data.table(), rows=16))
        for found in (gathered(context, "Grouped", START + 46 * DAY), gathered(context, "Grouped", START + 53 * DAY))
    )
    assert later.rows > earlier.rows
    assert shared_bytes(earlier, [later]) / earlier.bytes > 0.95  # all but its last file is in the later one


def test_what_arrived_after_the_row_is_found_in_its_features(tmp_path: Path) -> None:
    events = payments(300)
    corrected = [
        NewEvent("Card", f"n{card}", START + HOUR, {"id": f"c{card}", "issued_in": "LATE"}, START + 30 * DAY)
        for card in range(20)
    ]
    with world(tmp_path, sorted([*events, *corrected], key=lambda event: event.arrived)) as opened:
        found = gathered(declared(opened), "Calibrated")
    late = [finding for finding in found.findings if finding.kind == "known later"]
    assert [finding.column for finding in late] == ["issued_in"]
    assert late[0].evidence["examples"][0]["trained_on"] == "LATE"
    assert late[0].evidence["examples"][0]["had_arrived"] in ("NO", "SE")


def test_ten_rows_and_empty_columns_are_told_and_nothing_is_registered(tmp_path: Path) -> None:
    with world(tmp_path / "ten", payments(10)) as opened:
        context = declared(opened)
        with pytest.raises(TrainingError, match=r"too few|rows to train on|labels of the|none of"):
            train(context, "Calibrated")
        assert list_versions(context.catalog) == []
        assert list_runs(context.catalog)[0].status == "failed"
