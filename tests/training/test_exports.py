"""Exports of registered versions: measured on their own test rows, on record, told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests.conftest import need_extra
from training_world import payments, world

from tidewheel.cli.main import cli
from tidewheel.errors import InputError, NotFoundError, TrainingError
from tidewheel.monitoring.card import card_markdown
from tidewheel.monitoring.run_story import run_story
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.models.exports import exports_of
from tidewheel.registry.runs.datasets import get_dataset
from tidewheel.registry.runs.runs import get_run
from tidewheel.registry.versions.versions import get_version
from tidewheel.training import TrainingContext, rerun, train
from tidewheel.training.export.export import export_version, graph_scores, held_out_rows


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    need_extra("onnx")
    with world(tmp_path_factory.mktemp("world"), payments(900)) as found:
        train(found, "Tuned", trials=1)
        yield found


def test_an_export_is_measured_recorded_and_told(context: TrainingContext) -> None:
    version = get_version(context.catalog, "Tuned@1")
    found, content = export_version(context.catalog, context.artifacts, "Tuned")
    assert (found.version, found.cost.rows) == ("Tuned@1", get_run(context.catalog, version.run).lineage.rows["test"])
    assert found.cost.largest < 1e-12
    assert context.artifacts.get(found.artifact).read_bytes() == content
    measured = {(m.split, m.metric): m.value for m in found.metrics}
    told = next(m.value for m in version.metrics if (m.split, m.metric) == ("test", "roc_auc"))
    assert measured["test", "roc_auc"] == told == pytest.approx(measured["export", "roc_auc"], abs=1e-12)
    assert exports_of(context.catalog, version) == [found]
    assert get_run(context.catalog, found.run).rerun_of == version.run
    with pytest.raises(TrainingError, match="exported Tuned@1: it trained nothing"):
        rerun(context, found.run)
    story = run_story(context.catalog, context.artifacts, get_run(context.catalog, version.run))
    assert f"**exported as**: onnx, {len(content):,} bytes: scores differ by" in card_markdown(story)


def test_the_test_rows_of_a_version_come_back_as_they_were_scored(context: TrainingContext) -> None:
    version = get_version(context.catalog, "Tuned@1")
    bundle = load_bundle(context.artifacts, version.bundle)
    x, y, weight = held_out_rows(context.catalog, context.artifacts, version, bundle)
    _, content = export_version(context.catalog, context.artifacts, version.name)
    np.testing.assert_allclose(graph_scores(content, x), bundle.predictor().score(x), atol=1e-12)
    assert len(x) == len(y) == len(weight)


def test_what_can_not_be_exported_leaves_no_record(context: TrainingContext) -> None:
    before = len(exports_of(context.catalog, get_version(context.catalog, "Tuned@1")))
    with pytest.raises(InputError, match="no matrix product in float32"):
        export_version(context.catalog, context.artifacts, "Tuned@1", "int8")
    with pytest.raises(NotFoundError, match="no version Tuned@7"):
        export_version(context.catalog, context.artifacts, "Tuned@7")
    assert len(exports_of(context.catalog, get_version(context.catalog, "Tuned@1"))) == before


def test_test_rows_that_are_gone_are_missed(context: TrainingContext) -> None:
    version = get_version(context.catalog, train(context, "Loss").version)
    manifest = get_dataset(context.catalog, get_run(context.catalog, version.run).lineage.dataset).manifest
    context.artifacts.delete(manifest)  # type: ignore[attr-defined]  # the store's, beyond what training asks of it
    with pytest.raises(NotFoundError, match=f"the test rows of {version.name} are not kept"):
        export_version(context.catalog, context.artifacts, version.name)


def test_the_command_says_what_it_takes(tmp_path: Path) -> None:
    shown = CliRunner().invoke(cli, ["export", "--help"])
    assert "tidewheel export Fraud@3 --quantise int8 --json" in shown.output
    refused = CliRunner().invoke(cli, ["-C", str(tmp_path), "export", "Fraud@1", "--format", "pmml"])
    assert refused.exit_code == 2
