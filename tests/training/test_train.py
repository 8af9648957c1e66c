"""Whole runs on real stores: a version comes of them, or a run that says why not."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from training_world import MODELS, NOW, payments, world

from tidewheel.errors import BusyError, NotFoundError, TrainingError
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.runs.runs import get_run, list_runs, steps_of
from tidewheel.registry.versions.versions import get_version, list_versions
from tidewheel.training import TrainingContext, train


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    with world(tmp_path_factory.mktemp("world"), payments()) as found:
        yield found


def test_a_run_makes_a_version_with_all_that_it_came_from(context: TrainingContext) -> None:
    told: list[str] = []
    result = train(context, "Fraud", seed=7, cause="test", progress=lambda what, share: told.append(what))
    assert result.deployable, result.verdicts
    version = get_version(context.catalog, result.version)
    run = get_run(context.catalog, result.run_id)
    assert version.run == run.id
    assert run.status == "done"
    assert run.lineage.as_of == NOW
    assert run.lineage.log_head == context.history.head()
    assert run.lineage.rows == result.counts
    assert run.lineage.seed == 7
    assert {"view PaymentView", "model Fraud", "features CardHistory"} <= set(run.lineage.definitions)
    assert run.lineage.libraries["lightgbm"]
    assert [verdict.passed for verdict in run.gates] == [True] * 3
    assert result.metric("roc_auc").value > result.metric("roc_auc", "baseline").value == 0.5
    test = result.metric("average_precision")
    assert test.low < test.value < test.high
    assert {"data", "fit", "gates"} <= {step.step for step in steps_of(context.catalog, run.id)}
    assert "fit" in told
    assert result.counts["train"] + result.counts["test"] + result.counts["gap"] == result.counts["labelled"]


def test_the_bundle_holds_what_serving_needs(context: TrainingContext) -> None:
    result = train(context, "Fraud")
    bundle = load_bundle(context.artifacts, get_version(context.catalog, result.version).bundle)
    manifest = bundle.manifest
    assert manifest.columns[:3] == ("amount", "country", "issued_in")
    assert manifest.levels["country"] == ("DE", "FI", "NO")
    assert manifest.levels["issued_in"] == ("NO", "SE")
    assert manifest.predictor.calibration == "isotonic"
    assert [model.name for model in manifest.graph.models] == ["Fraud"]
    assert manifest.profile.rows == result.counts["train"]
    assert [table.by for table in manifest.tables] == [("country",)]
    assert manifest.tables[0].scores["DE"] > manifest.tables[0].scores["NO"]
    assert [name for name, _ in manifest.thresholds] == ["allow", "review", "block"]
    row = np.full((1, len(manifest.columns)), np.nan)
    assert 0.0 <= bundle.predictor().score(row)[0] <= 1.0


@pytest.mark.parametrize("name", ["Tuned", "Loss", "Linear"])
def test_other_estimators_and_labels(context: TrainingContext, name: str) -> None:
    result = train(context, name)
    assert result.deployable
    run = get_run(context.catalog, result.run_id)
    if name == "Tuned":
        assert run.parameters["trials"] == 3
        assert set(run.parameters["chosen"]) == {"num_leaves", "boosting_type"}


def test_a_model_that_can_not_be_served_is_measured_but_not_deployable(context: TrainingContext) -> None:
    result = train(context, "Neighbours")
    assert not result.deployable
    assert result.metric("roc_auc").value > 0.5
    servable = result.verdicts[-1]
    assert servable.gate == "servable"
    assert re.search("KNeighborsClassifier has no neutral form|its ONNX form differs", servable.detail)
    assert get_version(context.catalog, result.version).bundle == ""


def test_a_leaked_column_is_found_and_recorded(context: TrainingContext) -> None:
    result = train(context, "Neighbours")
    assert [found.column for found in result.findings if found.level == "warning" and found.about == "data"] == ["leak"]
    recorded = get_run(context.catalog, result.run_id).parameters["warnings"]
    assert "leak: whether it is null alone tells the label apart" in recorded[0]
    assert {finding.level for finding in train(context, "Fraud").findings} == {"note"}


def test_a_run_that_fails_says_why_and_leaves_no_version(context: TrainingContext) -> None:
    with pytest.raises(TrainingError, match=r"LogisticRegression raised in fit.*SimpleImputer"):
        train(context, "Broken")
    run = list_runs(context.catalog, "Broken")[0]
    assert run.status == "failed"
    assert run.error.startswith("fit: LogisticRegression raised in fit")
    assert list_versions(context.catalog, "Broken") == []


def test_a_run_that_is_interrupted_is_closed(context: TrainingContext) -> None:
    def stop(what: str, share: float) -> None:
        if what == "fit":
            raise KeyboardInterrupt

    before = len(list_versions(context.catalog, "Fraud"))
    with pytest.raises(KeyboardInterrupt):
        train(context, "Fraud", progress=stop)
    run = list_runs(context.catalog, "Fraud")[0]
    assert (run.status, run.error) == ("failed", "fit: KeyboardInterrupt: ")
    assert len(list_versions(context.catalog, "Fraud")) == before


def test_where_a_version_can_not_be_made_its_run_is_not_done(
    context: TrainingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise BusyError("locked by another process")

    before = len(list_versions(context.catalog, "Fraud"))
    monkeypatch.setattr(sys.modules["tidewheel.training.train"], "add_version", locked)
    with pytest.raises(BusyError):
        train(context, "Fraud")
    run = list_runs(context.catalog, "Fraud")[0]
    assert (run.status, run.error) == ("failed", "register: locked by another process")
    assert len(list_versions(context.catalog, "Fraud")) == before


def test_a_model_nobody_declares(context: TrainingContext) -> None:
    with pytest.raises(NotFoundError, match=r"no model 'Frod'.*Fraud"):
        train(context, "Frod")


def test_nothing_to_train_on(tmp_path: Path) -> None:
    with world(tmp_path, []) as empty, pytest.raises(TrainingError, match="none of 0 Payment rows"):
        train(empty, "Fraud")


def test_all_models_of_the_shop_are_tried() -> None:
    assert set(MODELS) == {"Fraud", "Tuned", "Loss", "Linear", "Neighbours", "Broken", "Watched"}
