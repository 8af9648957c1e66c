"""Steps of a project's own: given what they name, kept, reused, tried again, and able to stop a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from training_shop import Linear
from training_world import declaring, payments, world

import tidewheel as tw
from tidewheel.errors import TrainingError
from tidewheel.registry.models.plain import as_plain, is_plain, read_plain
from tidewheel.registry.runs.runs import get_run, list_runs
from tidewheel.registry.runs.steps import StepRecord, step_records
from tidewheel.registry.versions.versions import list_versions
from tidewheel.training import TrainingContext, rerun, train

CALLS: list[str] = []
BROKEN: list[Exception] = []


@tw.pipeline.step()
def surprises(test: pa.Table, scores: np.ndarray, most: int = 5) -> pa.Table:
    CALLS.append("surprises")
    return test.take(np.argsort(-np.abs(test["_label"].to_numpy() - scores))[:most])


@tw.pipeline.step(after="gates")
def summary(surprises: pa.Table, rows: pa.Table, metrics: dict[str, float], estimator: Any) -> dict[str, Any]:
    CALLS.append("summary")
    return {"rows": np.int64(rows.num_rows), "worst": surprises.num_rows, **metrics, "steps": len(estimator.steps)}


@tw.pipeline.step(after="gates")
def verdict(verdicts: list[Any], chosen: dict[str, Any], train: pa.Table) -> list[Any]:
    return [len(verdicts), chosen, float("nan"), {"rows": train.num_rows}]


@tw.pipeline.step(after="data", retries=2, wait="1us")
def unsteady(test: pa.Table) -> dict[str, np.ndarray]:
    if BROKEN:
        raise BROKEN.pop()
    return {"labels": test["_label"].to_numpy()}


class Surprising(Linear):
    steps = [verdict, summary, unsteady, surprises]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    with world(tmp_path_factory.mktemp("world"), payments(600)) as found:
        yield declaring(found, Surprising)


def records(context: TrainingContext, run: str) -> dict[str, StepRecord]:
    return {record.step: record for record in step_records(context.catalog, run)}


def left(context: TrainingContext, run: str, step: str) -> Any:
    return read_plain(context.artifacts.get(get_run(context.catalog, run).artifacts[f"step {step}"]).read_bytes())


def test_they_run_in_their_places_and_what_they_return_is_kept_with_the_run(context: TrainingContext) -> None:
    result = train(context, "Surprising", cache=False)
    found = records(context, result.run_id)
    assert list(found) == [
        "validate", "data", "unsteady", "split", "fit", "evaluate", "surprises", "gates", "verdict", "summary",
        "register",
    ]  # fmt: skip
    table = left(context, result.run_id, "surprises")
    assert {"_id", "amount", "_label"} <= set(table.column_names)
    assert left(context, result.run_id, "summary") == {
        "rows": result.counts["labelled"], "worst": 5, "steps": 3,
        "roc_auc": result.metric("roc_auc").value, "log_loss": result.metric("log_loss").value,
    }  # fmt: skip
    assert left(context, result.run_id, "verdict") == [0, {}, None, {"rows": result.counts["train"]}]
    assert found["surprises"].detail == f"5 rows, {table.num_columns} columns"
    assert found["summary"].key
    assert not found["verdict"].key  # verdicts are measured anew in each run


def test_they_are_reused_like_ours_and_a_rerun_leaves_them_out(context: TrainingContext) -> None:
    first = train(context, "Surprising")
    CALLS.clear()
    second = train(context, "Surprising")
    assert CALLS == []
    found = records(context, second.run_id)
    assert {found[name].reused for name in ("surprises", "summary", "unsteady")} != {""}
    assert left(context, first.run_id, "surprises") == left(context, second.run_id, "surprises")
    assert rerun(context, second.run_id).same
    assert CALLS == []


def test_a_step_that_raises_is_tried_again_and_then_stops_the_run(context: TrainingContext) -> None:
    BROKEN[:] = [ConnectionError("gone"), ConnectionError("gone")]
    assert records(context, train(context, "Surprising", cache=False).run_id)["unsteady"].attempts == 3
    before = len(list_versions(context.catalog))
    BROKEN[:] = [ValueError(f"no {number}") for number in range(3)]
    with pytest.raises(TrainingError, match=r"test_added\.py:\d+ unsteady: raised ValueError: no 0"):
        train(context, "Surprising", cache=False)
    run = list_runs(context.catalog)[0]
    assert (run.status, run.error.partition(":")[0]) == ("failed", "unsteady")
    assert len(list_versions(context.catalog)) == before


@tw.pipeline.step()
def wrong(scores: np.ndarray) -> object:
    return object()


class Wrong(Linear):
    steps = wrong


def test_what_can_not_be_kept_is_refused(tmp_path: Path) -> None:
    with world(tmp_path, payments(600)) as found:
        context = declaring(found, Wrong)
        with pytest.raises(TrainingError, match="returned object, which can't be kept; return numbers"):
            train(context, "Wrong")
        assert list_versions(context.catalog) == []


def test_plain_data_comes_back_as_it_was() -> None:
    for value in (None, "", [1, 2.5, {"a": True}], {}, "ARROW1", {"PK": [None]}):
        assert is_plain(value)
        assert read_plain(as_plain(value)) == value
    table = pa.table({"a": [1, None], "b": ["x", "ü"]})
    assert read_plain(as_plain(table)) == table
    arrays = {"a": np.arange(3), "b": np.eye(2)}
    assert all(np.array_equal(found, arrays[name]) for name, found in read_plain(as_plain(arrays)).items())
