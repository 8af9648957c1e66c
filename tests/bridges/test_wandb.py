"""What is written for Weights & Biases is read back by its own messages, and nothing is sent."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conftest import need_extra

from tidewheel.bridges.wandb import export_runs
from tidewheel.errors import NotFoundError
from tidewheel.registry.pointers.environments import promote
from tidewheel.registry.runs.runs import Metric, Verdict, finish_run, start_run
from tidewheel.registry.versions.versions import register
from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.catalog import Catalog

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

BLOCK, HEADER = 32 * 1024, struct.Struct("<IHB")


def records(file: Path) -> Iterator[Any]:
    """Yield the messages of an offline run: a file of LevelDB's log format behind seven bytes of its own."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, place, whole = file.read_bytes(), 7, b""
    while place + HEADER.size <= len(data):
        if BLOCK - place % BLOCK < HEADER.size:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = HEADER.unpack_from(data, place)
        whole += data[place + HEADER.size : place + HEADER.size + length]
        place += HEADER.size + length
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(whole)
            whole = b""


@pytest.fixture
def kept(catalog: Catalog, tmp_path: Path) -> ArtifactStore:
    """Give the artifacts of a version in production and of a run that failed."""
    need_extra("wandb")
    artifacts = ArtifactStore.open(tmp_path / "artifacts")
    run = start_run(catalog, "Fraud", cause="test", parameters={"seed": 1})
    left = {"predictions": artifacts.put(b"scores"), "model.txt": artifacts.put(b"tree")}
    metrics = [Metric("test", "roc_auc", 0.8, 0.75, 0.85), Metric("test", "brier", None)]
    finish_run(catalog, run.id, "done", parameters={"chosen": {"num_leaves": 7}}, metrics=metrics, artifacts=left)
    version = register(catalog, "Fraud", run=run.id, bundle=artifacts.put(b"bundle"), gates=[Verdict("g", True)])
    promote(catalog, version, "production", why="test")
    finish_run(catalog, start_run(catalog, "Fraud").id, "failed", error="no rows")
    return artifacts


def test_runs_versions_metrics_and_files_are_there(catalog: Catalog, kept: ArtifactStore, tmp_path: Path) -> None:
    exported = export_runs(catalog, kept, tmp_path / "out")
    assert [one.version for one in exported] == ["Fraud@1", ""]
    by_kind: dict[str, list[Any]] = {}
    for record in records(next(Path(exported[0].folder).glob("*.wandb"))):
        by_kind.setdefault(record.WhichOneof("record_type"), []).append(record)
    run = by_kind["run"][0].run
    assert (run.project, run.run_id, run.display_name) == ("Fraud", exported[0].run, "Fraud@1")
    config = {item.key: msgspec.json.decode(item.value_json) for item in run.config.update}
    assert config["chosen.num_leaves"] == "7"
    logged = {(item.key or item.nested_key[0]): item.value_json for item in by_kind["history"][0].history.item}
    assert (float(logged["test/roc_auc"]), float(logged["test/roc_auc.low"])) == (0.8, 0.75)
    assert "test/brier" not in logged
    requests = [record.request.log_artifact.artifact for record in by_kind.get("request", [])]
    artifact = [record.artifact for record in by_kind.get("artifact", [])] or requests
    assert artifact[0].name == "Fraud"
    assert "production" in artifact[0].aliases
    assert {entry.path for entry in artifact[0].manifest.contents} == {"predictions", "model.txt"}
    assert all(Path(entry.local_path).exists() for entry in artifact[0].manifest.contents)
    assert by_kind["exit"][0].exit.exit_code == 0
    failed = list(records(next(Path(exported[1].folder).glob("*.wandb"))))
    assert [record.exit.exit_code for record in failed if record.WhichOneof("record_type") == "exit"] == [1]


def test_a_second_export_writes_nothing_again(catalog: Catalog, kept: ArtifactStore, tmp_path: Path) -> None:
    first = export_runs(catalog, kept, tmp_path / "out", "Fraud@1")
    before = sorted(path.stat().st_mtime_ns for path in Path(first[0].folder).rglob("*"))
    again = export_runs(catalog, kept, tmp_path / "out", "Fraud@1")
    assert [one.new for one in first + again] == [True, False]
    assert again[0].folder == first[0].folder
    assert sorted(path.stat().st_mtime_ns for path in Path(first[0].folder).rglob("*")) == before


def test_what_is_not_there_is_named(catalog: Catalog, kept: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        export_runs(catalog, kept, tmp_path / "out", "Frau")
