"""Scores of whole tables: those that the service answers, once, across kill -9, wherever they are computed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.workspace import shop
from tests.workspace.shop import SHOP, Customer, Order, Screen

from tidewheel.engine import LocalEngine
from tidewheel.errors import InputError, NotFoundError
from tidewheel.features.planning.view import plan_view
from tidewheel.features.replay.backfill import compute_view
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.models.scoring import score_words
from tidewheel.storage.scores import read_score, scores_id
from tidewheel.workspace import Workspace
from tidewheel.workspace.opening import open_workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with history, a deployed version, and a few decisions."""
    folder = tmp_path_factory.mktemp("scored")
    (folder / "tidewheel.toml").write_text("")
    with open_workspace(folder, SHOP) as ws:
        shop.fill(ws, folder)
        trained = ws.train("SentBack")
        assert trained.version is not None
        ws.deploy("SentBack@1", force=True)
    return folder


@pytest.fixture
def ws(folder: Path) -> Iterator[Workspace]:
    with open_workspace(folder, SHOP) as workspace:
        yield workspace


def order(number: int, **given: object) -> Order:
    return Order(id=f"new{number}", customer=f"c{number}", category="toys", amount=20.0 + number, **given)  # type: ignore[arg-type]


def test_batch_scores_are_what_the_service_answers(ws: Workspace) -> None:
    answers = [ws.decide(Screen, order(number)) for number in range(8)]
    ws.sync()
    since = min(ws.serving.find(answer.decision_id).arrived for answer in answers)
    rows = ws.score(Order, "SentBack@1", since=since, by=Customer)
    found = {row["event_id"]: row for row in rows.to_pylist()}
    assert len(found) == len(answers) == rows.num_rows
    for number, answer in enumerate(answers):
        row = found[answer.event_id]
        assert (row["score"], row["decision"]) == (answer.score, answer.decision)
        assert (row["entity"], row["model"]) == (f"c{number}", "SentBack@1")


def test_the_same_run_does_nothing_twice(ws: Workspace) -> None:
    until = shop.START + 60 * shop.DAY
    first = ws.score_run("OrderView", "SentBack@1", until=until)
    version = ws.stores.lake.version("scores/SentBack")
    again = ws.score_run(Order, "SentBack", until=until)
    assert (first.already, again.already, again.run, again.rows) == (False, True, first.run, first.rows)
    assert ws.stores.lake.version("scores/SentBack") == version
    rows = ws.scores("SentBack", first.run)
    assert rows.num_rows == first.rows == len(set(rows["event_id"].to_pylist()))
    view = ws.view("SentBack@1")
    assert view.num_rows > first.rows


def test_rows_of_a_file_are_scored_as_of_their_instants(ws: Workspace) -> None:
    instants = [shop.START + day * shop.DAY for day in (40, 3, 90)]
    rows = [order(number, at=instant) for number, instant in enumerate(instants)]
    columns = ("id", "customer", "category", "amount", "at")
    table = pa.table({name: [getattr(row, name) for row in rows] for name in columns})
    found = ws.score(Order, "SentBack", rows=table).to_pylist()
    assert [row["event_id"] for row in found] == ["new1", "new0", "new2"], "in order of their instants"
    assert [row["instant"] for row in found] == sorted(instants)
    bundle = load_bundle(ws.stores.artifacts, ws.version("SentBack@1")[0].bundle)
    graph = bundle.manifest.graph
    at = table["at"]
    given = table.append_column("_at", at).append_column("_arrived", at)
    computed = compute_view(ws.history, graph, plan_view(graph, graph.views[0]), given)
    expected = dict(zip(table["id"].to_pylist(), score_words(bundle, computed.words).tolist(), strict=True))
    assert {row["event_id"]: row["score"] for row in found} == expected
    without = ws.score(Order, "SentBack", rows=table.drop_columns(["at"]))
    assert without["instant"][0].as_py() > shop.START + 120 * shop.DAY, "as of now"


def test_what_can_not_be_scored_is_refused(ws: Workspace) -> None:
    with pytest.raises(InputError, match="scores rows of Order"):
        ws.score(Customer, "SentBack")
    with pytest.raises(NotFoundError, match="no version"):
        ws.score(Order, "SentBack@9")
    with pytest.raises(InputError, match="no Order arrived"):
        ws.score(Order, "SentBack", since=ws.stores.clock.now() + shop.DAY)
    with pytest.raises(InputError, match="refers to no Shop"):
        ws.score(Order, "SentBack", by="Shop")
    with pytest.raises(InputError, match="by an entity"):
        ws.score(Order, "SentBack", online=True)
    with pytest.raises(NotFoundError, match="nothing was scored"):
        ws.scores("Other")


def test_the_online_store_keeps_each_entitys_newest(ws: Workspace) -> None:
    done = ws.score_run(Order, "SentBack@1", by=Customer, online=True)
    assert done.online > 50
    newest: dict[str, dict[str, object]] = {}
    for row in ws.scores("SentBack", done.run).to_pylist():
        newest[row["entity"]] = row
    for state_id in (scores_id("SentBack@1", "Customer"), scores_id("SentBack", "Customer")):
        for entity, row in newest.items():
            kept = read_score(ws.stores.scores, state_id, entity)
            assert kept == (row["score"], row["instant"], done.run, 1)
    assert read_score(ws.stores.scores, scores_id("SentBack@1", "Customer"), "nobody") is None
    again = ws.score_run(Order, "SentBack@1", by=Customer, online=True)
    assert (again.already, again.online) == (True, 0)
    older = ws.score_run(Order, "SentBack@1", by=Customer, online=True, until=shop.START + 20 * shop.DAY)
    assert older.online == 0, "an older run replaces no newer score"


def test_a_killed_run_goes_on_and_writes_nothing_twice(ws: Workspace, folder: Path) -> None:
    """Killed at each place where something has just become durable."""
    expected = ws.score(Order, "SentBack@1", until=shop.START + 100 * shop.DAY)
    ws.close()
    command = [sys.executable, str(Path(__file__).with_name("kill_scoring.py")), str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    for point in ("slice 2", "commit 3"):
        killed = subprocess.run([*command, point], env=environment, check=False)
        assert killed.returncode == -signal.SIGKILL, point
    subprocess.run([*command, ""], env=environment, check=True)
    with open_workspace(folder, SHOP) as again:
        run = (folder / "run.txt").read_text()
        found = again.scores("SentBack", run)
        assert found["run"][0] != expected["run"][0], "made by itself"
        assert found["event_id"].to_pylist() == expected["event_id"].to_pylist()
        assert bits(found).tolist() == bits(expected).tolist()


def bits(table: pa.Table) -> np.ndarray:
    values: np.ndarray = table["score"].to_numpy().view(np.int64)
    return values


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["ray", "spark"])
def test_where_a_run_is_computed_changes_no_bit(name: str, ws: Workspace) -> None:
    pytest.importorskip("pyspark" if name == "spark" else name)
    number = ("ray", "spark").index(name)
    engine = engine_of(name)
    try:
        ranges = [{"until": shop.START + (30 + number) * shop.DAY + extra} for extra in (0, 1)]
        local = ws.score(Order, "SentBack@1", engine=LocalEngine(), **ranges[0])
        far = ws.score(Order, "SentBack@1", engine=engine, **ranges[1])
    finally:
        engine.close()
    assert far["run"][0] != local["run"][0]
    assert far["event_id"].to_pylist() == local["event_id"].to_pylist()
    assert bits(far).tolist() == bits(local).tolist()


def engine_of(name: str) -> Any:
    if name == "spark":
        from tidewheel.engine.spark import SparkEngine

        return SparkEngine(master="local[2]")
    from tidewheel.engine.ray import RayEngine

    return RayEngine(cpus=2)
