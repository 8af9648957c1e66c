"""A model that a baseline does as well as is told so: in its findings, on its page and in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from tests.shop import done, filled_shop
from training_shop import Chargeback, PaymentView
from training_world import declaring, payments, world

import tidewheel as tw
from tidewheel.metrics import Metric as Measure
from tidewheel.metrics import metric
from tidewheel.registry.runs.evaluation import evaluation_of
from tidewheel.registry.runs.runs import Metric, get_run
from tidewheel.training import train
from tidewheel.training.data.findings import Finding
from tidewheel.training.evaluation.beaten import beaten
from tidewheel.training.fit.matrix import Matrix


class Upside(LGBMClassifier):
    """Ranks rows the wrong way round."""

    def predict_proba(self, X, **more):
        return super().predict_proba(X, **more)[:, ::-1]


class Wrong(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = Upside(n_estimators=10, num_leaves=7, min_child_samples=5)
    split = tw.temporal(test="10d")
    metrics = ["roc_auc"]
    allow_pickle = True


RNG = np.random.default_rng(3)
Y = (RNG.random(400) < 0.3).astype(float)
ROWS = Matrix(Y[:, None], Y, np.ones(400), ["a"], [])


def judged(measure: Measure, model: np.ndarray, constant: np.ndarray) -> list[Finding]:
    metrics = [Metric("test", measure.name, measure(Y, model, ROWS.weight))]
    metrics.append(Metric("baseline", measure.name, measure(Y, constant, ROWS.weight)))
    return beaten(measure, metrics, ROWS, model, {"baseline": lambda: constant}, seed=1)


def test_a_better_model_is_not_spoken_of() -> None:
    assert judged(metric("roc_auc"), Y + RNG.normal(size=400), np.full(400, 0.3)) == []
    assert judged(metric("brier"), 0.3 + 0.1 * Y, np.full(400, 0.3)) == []


@pytest.mark.parametrize("name", ["roc_auc", "brier"])
def test_a_worse_model_is_told_with_the_interval_of_the_difference(name: str) -> None:
    (found,) = judged(metric(name), np.clip(0.5 - 0.3 * Y, 0, 1), np.full(400, 0.3))
    seen = found.evidence
    assert found.level == "warning"
    assert "a constant beats the model on the 400 test rows" in found.message
    assert seen["low"] <= seen["difference"] <= seen["high"] < 0.0
    assert abs(seen["model"] - seen["value"]) == pytest.approx(-seen["difference"])


def test_a_difference_within_chance_is_not_called_one() -> None:
    noise = 0.02 * np.random.default_rng(1).normal(size=400)
    told = [judged(metric("brier"), 0.3 + sign * noise, np.full(400, 0.3)) for sign in (1.0, -1.0)]
    (found,) = next(filter(None, told))
    assert found.evidence["low"] < found.evidence["difference"] < 0.0 < found.evidence["high"]
    assert "a constant does as well as the model" in found.message


def test_a_constant_model_does_no_better_than_a_constant() -> None:
    (found,) = judged(metric("roc_auc"), np.full(400, 0.7), np.full(400, 0.3))
    assert "does as well as the model" in found.message
    assert found.evidence["difference"] == 0.0


def test_a_run_says_so_wherever_it_is_looked_at(tmp_path: Path) -> None:
    with world(tmp_path, payments()) as shop:
        context = declaring(shop, Wrong)
        result = train(context, "Wrong")
        run = get_run(context.catalog, result.run_id)
        told = evaluation_of(context.artifacts, run.artifacts)
    found = {finding.evidence["baseline"]: finding for finding in result.findings if finding.about == "model"}
    assert set(found) == {"baseline", "baseline linear"}
    assert found["baseline"].evidence["high"] < 0.0
    assert str(found["baseline linear"]) in run.parameters["warnings"]
    assert told is not None
    on_card = [item for item in told.findings if item.what == "warning on the model"]
    assert [item.evidence["baseline"] for item in on_card] == ["baseline", "baseline linear"]


def test_the_command_line_says_so(tmp_path: Path) -> None:
    shop = filled_shop(tmp_path / "shop")
    module = (shop / "project.py").read_text()
    assert "n_estimators=20" in module
    (shop / "project.py").write_text(module.replace("n_estimators=20", "n_estimators=1, min_child_samples=100000"))
    out = done("train", "SentBack", folder=shop).out
    assert "a constant does as well as the model" in out
    found = json.loads(done("train", "SentBack", "--json", folder=shop).out)["findings"]
    assert "baseline" in [item["evidence"].get("baseline") for item in found]
    assert "a constant does as well as the model" in done("show", "SentBack@1", folder=shop).out
    done("report", "run", "SentBack@1", "--html", str(tmp_path / "page.html"), folder=shop)
    assert "Beaten: a constant does as well as the model" in (tmp_path / "page.html").read_text()
