"""Models that order lists: declared, trained with their groups, measured as lists, explained, and really served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMRanker, LGBMRegressor
from tests.conftest import need_extra
from training_world import HOUR, START, world

import tidewheel as tw
from tidewheel.definitions import compile_declarations
from tidewheel.errors import DefinitionError
from tidewheel.metrics import metric
from tidewheel.registry.models.arrays import unpack_arrays
from tidewheel.registry.models.predictors import Predictor
from tidewheel.registry.runs.evaluation import evaluation_of
from tidewheel.registry.runs.runs import get_run
from tidewheel.registry.versions.versions import get_version
from tidewheel.storage.log.records import NewEvent
from tidewheel.training import TrainingContext, TrainResult, train
from tidewheel.training.data.gather import gather
from tidewheel.training.fit import estimators
from tidewheel.training.fit.flatten import flatten, verify
from tidewheel.training.fit.matrix import Matrix


class Item(tw.Entity):
    id: tw.Id


class Shown(tw.Event):
    """An item in the list that answered a request."""

    id: tw.Id
    request: tw.Key
    item: tw.Ref[Item]
    device: tw.Category
    match: float
    price: float


class Judged(tw.Event):
    shown: tw.Ref[Shown]
    grade: float


class ItemLately(tw.Features, by=Item):
    shown_7d = tw.count(Shown, "7d")
    liked_30d = tw.mean(Judged.grade, "30d", by=Judged.shown.item)


class ItemView(tw.View, on=Shown):
    match = Shown.match
    price = Shown.price
    device = Shown.device
    item = ItemLately


class Order(tw.Model):
    view = ItemView
    label = tw.outcome(Judged.grade, within="2d", otherwise=0)
    group = Shown.request
    estimator = LGBMRanker(n_estimators=20, num_leaves=7, min_child_samples=5)
    search = {"num_leaves": tw.int_range(3, 15)}
    trials = 2
    split = tw.temporal(test="10d")
    metrics = ["ndcg(k=5)", "mean_average_precision", "mean_reciprocal_rank", "recall_at_k(k=3)"]
    slices = [ItemView.device]
    gates = [
        tw.gate.at_least("ndcg(k=5)", 0.5),
        tw.gate.beats_champion("ndcg(k=5)"),
        tw.gate.no_slice_worse("ndcg(k=5)", by="device"),
        tw.gate.latency_below("5s"),
    ]


class Best(tw.Service, on=Shown):
    model = Order


DECLARED = (Item, Shown, Judged, ItemLately, ItemView, Order, Best)


def requests(n: int = 400, size: int = 6, seed: int = 0) -> list[NewEvent]:
    """Return so many lists over 40 days whose items are liked for their match and against their price."""
    rng = np.random.default_rng(seed)
    events = [NewEvent("Item", f"i{i}", START, {"id": f"i{i}"}, START) for i in range(30)]
    for request, hour in enumerate(np.sort(rng.random(n)) * 40 * 24):
        at = START + HOUR + int(hour * HOUR)
        device = str(rng.choice(["phone", "desk"]))
        for place in range(size):
            match, price, name = float(rng.random()), float(rng.random()), f"s{request}-{place}"
            shown = {
                "id": name, "request": f"r{request}", "item": f"i{rng.integers(30)}",
                "device": device, "match": match, "price": price,
            }  # fmt: skip
            events.append(NewEvent("Shown", name, at, shown, at))
            grade = round(max(0.0, 3 * (match - 0.5 * price) + rng.normal(0, 0.4) - 0.8))
            if grade:
                judged: dict[str, Any] = {"shown": name, "grade": float(min(grade, 3))}
                events.append(NewEvent("Judged", f"j{name}", at + HOUR, judged, at + HOUR))
    return sorted(events, key=lambda event: event.arrived)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    folder: Path = tmp_path_factory.mktemp("ranking")
    with world(folder, requests(), DECLARED, {"Order": Order}) as opened:
        yield opened


@pytest.fixture(scope="module")
def trained(context: TrainingContext) -> TrainResult:
    return train(context, "Order")


def test_lists_are_learned_measured_and_served(context: TrainingContext, trained: TrainResult) -> None:
    assert trained.deployable, trained.verdicts
    ours, guess = trained.metric("ndcg(k=5)"), trained.metric("ndcg(k=5)", "baseline")
    assert ours.value is not None
    assert guess.value is not None
    assert ours.value > guess.value + 0.1
    assert ours.low is not None
    assert ours.high is not None
    assert ours.low < ours.value < ours.high
    assert trained.metric("ndcg(k=5)", "baseline linear").value is not None
    served = next(verdict for verdict in trained.verdicts if verdict.gate.startswith("latency_below"))
    assert served.evidence["answered"] > 1500, served.detail
    assert get_version(context.catalog, trained.version).servable


def test_the_metrics_are_those_of_the_held_out_lists(context: TrainingContext, trained: TrainResult) -> None:
    run = get_run(context.catalog, trained.run_id)
    held = unpack_arrays(context.artifacts.get(run.artifacts["held_out"]).read_bytes())
    found = gather(context, context.model("Order"), context.history, context.now())
    lists = np.array(found.rows["request"].to_pylist())[found.sides.test]
    for name in Order.metrics:
        assert metric(name)(held["y"], held["score"], group=lists) == trained.metric(name).value
    assert not set(lists) & set(np.array(found.rows["request"].to_pylist())[found.sides.train])


def test_the_evaluation_tells_of_lists(context: TrainingContext, trained: TrainResult) -> None:
    told = evaluation_of(context.artifacts, get_run(context.catalog, trained.run_id).artifacts)
    assert told is not None
    assert told.task == "ranking"
    assert told.method == "lists of one request, 200 resamples"
    assert {part.where["device"] for part in told.slices if part.declared} == {"phone", "desk"}
    assert all(part.value is not None and part.low is not None for part in told.slices if part.declared)
    assert told.importance[0].column == "match"
    assert (told.importance[0].permutation or 0.0) > 0.05
    assert max(told.importance, key=lambda entry: entry.shap or 0.0).column == "match"
    (first, *_) = told.against
    assert (first.other, first.metric) == ("baseline", "ndcg(k=5)")
    assert first.difference > 0.1


def ranked_by(ranker: Any) -> tuple[Any, Matrix]:
    """Fit a ranker on lists whose rows stand in any order."""
    rng = np.random.default_rng(3)
    group = rng.integers(0, 60, 600)
    x = rng.normal(size=(600, 3))
    y = np.clip(np.round(x[:, 0] + rng.normal(0, 0.3, 600)), 0, 3)
    matrix = Matrix(x, y, rng.uniform(0.5, 1.5, 600), ["a", "b", "c"], [], group=group)
    return estimators.fit(estimators.prepare(ranker, 0, n_threads=1), matrix).estimator, matrix


@pytest.mark.parametrize("settings", [{}, {"early_stopping_rounds": 3, "n_estimators": 60}])
@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
def test_each_librarys_ranker_learns_lists_and_serves_without_it(library: str, settings: dict[str, Any]) -> None:
    need_extra(library)
    made = {"n_estimators": 20} | settings
    if library == "lightgbm":
        ranker: Any = LGBMRanker(min_child_samples=5, **made)
    elif library == "xgboost":
        from xgboost import XGBRanker

        ranker = XGBRanker(**made)
    else:
        from catboost import CatBoostRanker

        ranker = CatBoostRanker(**made)
    model, matrix = ranked_by(ranker)
    found = flatten(model, [0, 0, 0], np.zeros(3))
    assert not isinstance(found, str), found
    predictor = Predictor(*found)
    assert verify(predictor, model, matrix.x) == 600
    assert metric("ndcg(k=5)")(matrix.y, predictor.score(matrix.x), group=matrix.group) > 0.9


def declared(**changes: Any) -> type:
    own = {name: value for name, value in vars(Order).items() if not name.startswith("_")}
    return type("Order", (tw.Model,), own | {"__module__": __name__, "__qualname__": "Order"} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": None, "metrics": ["rmse"], "gates": []}, "LGBMRanker orders lists.*write group = Shown.request"),
        ({"group": "request"}, "group takes a column of Shown itself"),
        ({"metrics": ["rmse"], "gates": []}, "no metric 'rmse' for a model that ranks"),
        ({"split": tw.split.random()}, r"tears lists apart.*tw.split.by_group\(Shown.request\)"),
        ({"retrain": tw.retrain("weekly", metric="rmse")}, "retrain asks for 'rmse', which is not among the metrics"),
        ({"group": None, "estimator": LGBMRegressor(), "gates": []}, "no metric 'ndcg' for a model that predicts"),
    ],
)
def test_what_can_not_be_is_said_at_load(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        compile_declarations(Item, Shown, Judged, ItemLately, ItemView, declared(**changes))


def test_lists_of_single_decisions_are_retrained_like_others() -> None:
    when = tw.retrain("weekly", on_drift=0.25, metric="ndcg(k=5)")
    graph = compile_declarations(Item, Shown, Judged, ItemLately, ItemView, declared(retrain=when))
    assert graph.models[0].retrain == when


def test_a_search_and_a_default_estimator_know_lists() -> None:
    graph = compile_declarations(
        Item, Shown, Judged, ItemLately, ItemView, declared(estimator=None, search={}, metrics=(), gates=())
    )
    model = graph.models[0]
    assert (model.group, model.split.by) == ("request", ("request",))
    assert model.metrics == ("ndcg(k=10)", "mean_reciprocal_rank")
    assert "LGBMRanker" in model.estimator
