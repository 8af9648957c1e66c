"""What is pushed to a real MLflow server is read back with its own client."""

from __future__ import annotations

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import mortal
from tests.conftest import need_extra
from tests.shop import done, filled_shop

from tidewheel.bridges.mlflow import Mirror, downloaded
from tidewheel.bridges.mlflow_models import read_mlflow
from tidewheel.bridges.told import flat
from tidewheel.errors import ConflictError, NotFoundError, UnreachableError
from tidewheel.registry.pointers.environments import clear, promote
from tidewheel.registry.runs.runs import Metric, Verdict, finish_run, start_run
from tidewheel.registry.versions.versions import Version, register
from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.catalog import Catalog

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # the client's own libraries warn of each other
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of an MLflow tracking server in a process of its own, on SQLite."""
    need_extra("mlflow")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination", f"{folder}/files"]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "server.log").open("w") as log:
        process = mortal.start(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 240
    while not answers(url):
        assert process.poll() is None, (folder / "server.log").read_text()
        assert time.monotonic() < end
        time.sleep(0.1)
    yield url
    os.killpg(process.pid, 9)
    process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Kept:
    """A catalog and artifacts with what a test puts there."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.catalog = catalog
        self.artifacts = ArtifactStore.open(folder / "artifacts")

    def version(self, model: str, seed: int) -> Version:
        run = start_run(self.catalog, model, cause="test", parameters={"seed": seed})
        metrics = [Metric("test", "precision_at(recall=0.95)", 0.5 + seed, 0.4, 0.6), Metric("test", "brier", None)]
        left = {"predictions": self.artifacts.put(b"scores %d" % seed), "model.txt": self.artifacts.put(b"tree")}
        given = {"seed": seed, "chosen": {"num_leaves": 7}, "notes": []}
        finish_run(self.catalog, run.id, "done", parameters=given, metrics=metrics, artifacts=left)
        gates = [Verdict("at_least(roc_auc, 0.6)", True)]
        return register(self.catalog, model, run=run.id, bundle="b" * 64, metrics=metrics, gates=gates)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with Catalog.open(tmp_path / "catalog.sqlite") as catalog:
        yield Kept(tmp_path, catalog)


def client(url: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=url)


def test_a_run_with_its_version_is_mirrored(server: str, kept: Kept) -> None:
    one, two = kept.version("Fraud", 0), kept.version("Fraud", 1)
    promote(kept.catalog, one, "production", why="first")
    mirror = Mirror(kept.catalog, kept.artifacts, server)
    pushed = mirror.push("Fraud")
    assert [(p.version, p.mlflow_version, p.aliases, p.new) for p in pushed] == [
        ("Fraud@1", "1", ("production",), True),
        ("Fraud@2", "2", (), True),
    ]
    theirs = client(server)
    run = theirs.get_run(pushed[0].mlflow_run)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "Fraud@1")
    assert run.data.params == {"seed": "0", "chosen.num_leaves": "7", "notes": "[]"}
    assert run.data.metrics == {
        "test/precision_at_recall_0.95": 0.5,
        "test/precision_at_recall_0.95.low": 0.4,
        "test/precision_at_recall_0.95.high": 0.6,
    }
    assert run.data.tags["tidewheel.run"] == one.run
    files = {file.path for file in theirs.list_artifacts(run.info.run_id, "tidewheel")}
    assert files == {"tidewheel/predictions", "tidewheel/model.txt", "tidewheel/run.json"}
    local = theirs.download_artifacts(run.info.run_id, "tidewheel/predictions")
    assert Path(local).read_bytes() == b"scores 0"
    version = theirs.get_model_version_by_alias("Fraud", "production")
    assert (str(version.version), version.tags["tidewheel.version"], version.run_id) == (
        "1",
        "Fraud@1",
        run.info.run_id,
    )

    again = mirror.push()
    assert [p.mlflow_run for p in again] == [p.mlflow_run for p in pushed]
    assert not any(p.new for p in again)
    assert len(theirs.search_model_versions("name = 'Fraud'")) == 2
    promote(kept.catalog, two, "production")
    promote(kept.catalog, one, "staging")
    mirror.push("Fraud@2")
    assert dict(theirs.get_registered_model("Fraud").aliases) == {"production": "2", "staging": "1"}
    theirs.set_registered_model_alias("Fraud", "theirs", "1")
    clear(kept.catalog, "Fraud", "production")
    clear(kept.catalog, "Fraud", "staging")
    mirror.push("Fraud@1")
    assert "theirs" in theirs.get_registered_model("Fraud").aliases  # what is not ours stays


def test_failed_runs_go_and_running_ones_wait(server: str, kept: Kept) -> None:
    failed = start_run(kept.catalog, "Lost")
    finish_run(kept.catalog, failed.id, "failed", error="data: no rows")
    mirror = Mirror(kept.catalog, kept.artifacts, server)
    (pushed,) = mirror.push("Lost")
    assert client(server).get_run(pushed.mlflow_run).info.status == "FAILED"
    with pytest.raises(ConflictError, match="still goes on"):
        mirror.push(start_run(kept.catalog, "Slow").id)
    with pytest.raises(NotFoundError):
        mirror.push("Nobody")


def test_a_server_that_does_not_answer(kept: Kept) -> None:
    need_extra("mlflow")
    kept.version("Fraud", 0)
    with pytest.raises(UnreachableError, match="did not answer") as caught:
        Mirror(kept.catalog, kept.artifacts, "http://127.0.0.1:9").push()
    assert "127.0.0.1:9" in str(caught.value)


def test_each_finished_run_is_mirrored_and_a_dead_server_stops_nothing(server: str, tmp_path: Path) -> None:
    shop = filled_shop(tmp_path / "shop")
    settings = shop / "tidewheel.toml"
    before = settings.read_text() if settings.exists() else ""
    settings.write_text(f'mlflow = "{server}"\n{before}')
    result = done("train", "SentBack", "--json", folder=shop).json
    assert result["version"] == "SentBack@1"
    (version,) = client(server).search_model_versions("name = 'SentBack'")
    assert version.tags["tidewheel.version"] == "SentBack@1"
    settings.write_text(f'mlflow = "http://127.0.0.1:9"\n{before}')
    result = done("train", "SentBack", "--seed", "5", "--json", folder=shop).json
    assert result["version"] == "SentBack@2"
    assert "not mirrored to MLflow" in result["notes"][-1]
    pushed = done("mlflow", "push", "--to", server, "--json", folder=shop).json
    assert [(one["version"], one["new"]) for one in pushed] == [("SentBack@1", False), ("SentBack@2", True)]


def test_names_and_parameters_are_made_to_fit() -> None:
    assert flat({"a": {"b": {"c": 1}}, "d": {}, "e(f)": None}) == {"a.b.c": "1", "d": "{}", "e_f": "None"}


def test_a_registered_model_is_fetched(server: str, tmp_path: Path) -> None:
    import mlflow
    import mlflow.lightgbm
    from tests.bridges.test_mlflow_models import NAMES, X, booster

    mlflow.set_tracking_uri(server)
    try:
        with mlflow.start_run() as run:
            mlflow.lightgbm.log_model(booster(), name="model", registered_model_name="theirs", pip_requirements=[])
    finally:
        mlflow.set_tracking_uri("")
    for number, uri in enumerate(("models:/theirs/1", f"runs:/{run.info.run_id}/model")):
        (tmp_path / str(number)).mkdir()
        found = read_mlflow(downloaded(uri, server, tmp_path / str(number)))
        assert found.names == tuple(NAMES)
        assert np.array_equal(found.predict(X), booster().predict(X))
    with pytest.raises(UnreachableError, match="nobody"):
        downloaded("models:/nobody/1", server, tmp_path)
