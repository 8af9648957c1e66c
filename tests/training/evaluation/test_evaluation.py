"""What a run leaves of its evaluation is read again as it was, and its curves are scikit-learn's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve
from training_world import payments, world

from tidewheel.errors import CorruptError
from tidewheel.registry.runs.evaluation import Evaluation, evaluation_of, load_evaluation
from tidewheel.registry.runs.runs import get_run
from tidewheel.training import TrainingContext, train
from tidewheel.training.evaluation.curves import residuals, threshold_curves

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    with world(tmp_path_factory.mktemp("world"), payments()) as found:
        yield found


@pytest.fixture(scope="module")
def evaluations(context: TrainingContext) -> list[Evaluation]:
    found = []
    for _ in range(2):
        run = get_run(context.catalog, train(context, "Fraud").run_id)
        told = evaluation_of(context.artifacts, run.artifacts)
        assert told is not None
        assert sorted(told.metrics, key=str) == sorted(run.metrics, key=str)
        found.append(told)
    return found


def test_a_run_leaves_its_evaluation(evaluations: list[Evaluation]) -> None:
    first, second = evaluations
    assert first.leading == "average_precision"
    assert {curve.kind for curve in first.curves} == {"precision_recall", "roc", "gain", "reliability"}
    assert {entry.other for entry in first.against} == {"baseline"}
    leading = next(entry for entry in first.against if entry.metric == first.leading)
    assert leading.low is not None
    assert 0.0 < leading.low < leading.difference
    previous = [entry for entry in second.against if entry.other == "previous"]
    assert [entry.version for entry in previous] == ["Fraud@1"] * 3
    assert {entry.difference for entry in previous} == {0.0}
    assert {metric.split for metric in second.metrics} >= {"test", "train", "baseline", "previous"}


def test_what_is_no_evaluation_is_refused(context: TrainingContext) -> None:
    digest = context.artifacts.put(b'{"format":99}')
    with pytest.raises(CorruptError, match="this is no evaluation"):
        load_evaluation(context.artifacts, digest)
    assert evaluation_of(context.artifacts, {}) is None


def test_curves_are_those_of_scikit_learn() -> None:
    y = (RNG.random(150) < 0.3).astype(float)
    score = np.round(RNG.random(150) + 0.3 * y, 2)
    weight = RNG.random(150)
    ours = {curve.kind: curve for curve in threshold_curves("candidate", y, score, weight)}
    precision, recall, _ = precision_recall_curve(y, score, sample_weight=weight)
    assert np.allclose(ours["precision_recall"].x, recall[::-1])
    assert np.allclose(ours["precision_recall"].y[1:], precision[::-1][1:])
    false, true, _ = roc_curve(y, score, sample_weight=weight, drop_intermediate=False)
    assert np.allclose(ours["roc"].x, false)
    assert np.allclose(ours["roc"].y, true)
    assert ours["gain"].x[-1] == ours["gain"].y[-1] == 1.0


def test_residuals_count_every_row_once() -> None:
    curve = residuals("candidate", RNG.random(103), RNG.random(103), np.ones(103))
    assert sum(curve.rows) == 103
    assert curve.x == sorted(curve.x)
