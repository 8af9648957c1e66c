"""What is needed stays, what is damaged is told."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tidewheel.definitions.ir import Graph
from tidewheel.errors import CorruptError
from tidewheel.registry.models.bundles import Bundle, Manifest, load_bundle, load_manifest, save_bundle
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.registry.references import check_version, needed
from tidewheel.registry.runs.datasets import Dataset, save_dataset
from tidewheel.registry.runs.runs import Lineage, Run, finish_run, start_run
from tidewheel.registry.runs.steps import begin_step, end_step
from tidewheel.registry.versions.marks import delete
from tidewheel.registry.versions.versions import Version, register
from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import note

WEIGHTS = {"coef": np.array([0.5, 2.0])}
LATER = 4_000_000_000_000_000


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog.open(tmp_path / "catalog.sqlite")


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore.open(tmp_path / "artifacts")


def made(catalog: Catalog, store: ArtifactStore, data: str, weight: float) -> tuple[Version, Run]:
    """Make a version with a bundle, predictions, and a data set of two parts that a manifest names."""
    parts = [store.put(f"{data} part {number}".encode()) for number in range(2)]
    snapshot = store.put(msgspec.json.encode({"parts": parts}))
    digest = data.encode().hex().ljust(64, "0")
    save_dataset(catalog, Dataset(digest=digest, model="M", view="v", rows=2, as_of=1, detail={"kept": snapshot}))
    manifest = Manifest(model="M", view="V", graph=Graph(), columns=("a", "b"), predictor=PredictorSpec(kind="linear"))
    bundle = save_bundle(store, Bundle(manifest, {"coef": np.array([weight, 2.0])}))
    run = start_run(catalog, "M")
    place = begin_step(catalog, run.id, "learn", "k" * 64)
    end_step(catalog, run.id, place, status="done", output=store.put(f"step {weight}".encode()))
    left = {"bundle": bundle, "predictions": store.put(f"scores {weight}".encode())}
    done = finish_run(catalog, run.id, "done", artifacts=left, lineage=Lineage(dataset=digest))
    return register(catalog, "M", run=run.id, bundle=bundle), done


def left_over(catalog: Catalog, store: ArtifactStore, since: int = 0) -> int:
    stay = needed(catalog, store, since)
    return sum(digest not in stay for digest in store.digests())


def test_all_that_a_row_or_a_manifest_names_is_needed(catalog: Catalog, store: ArtifactStore) -> None:
    made(catalog, store, "one", 1.0)
    assert len(list(store.digests())) == 7  # two parts, their manifest, bundle, arrays, step, predictions
    assert left_over(catalog, store) == 0
    stray = store.put(b"of a run that was killed")
    note(catalog, "version.registered", "M", {"bundle": stray})
    assert left_over(catalog, store) == 1, "a note only tells of it"
    assert left_over(catalog, store, LATER) == 2, "what a step left for later runs has its time too"


def test_a_deleted_version_takes_only_what_is_its_own(catalog: Catalog, store: ArtifactStore) -> None:
    one, run = made(catalog, store, "shared", 1.0)
    made(catalog, store, "shared", 2.0)
    other, _ = made(catalog, store, "alone", 3.0)
    for version, gone in ((one, 3), (other, 3 + 6)):  # arrays, step and predictions; and of `other` its data as well
        delete(catalog, version)
        assert left_over(catalog, store) == gone
    stay = needed(catalog, store)
    for digest in list(store.digests()):
        if digest not in stay:
            store.delete(digest)
    assert load_manifest(store, one.bundle).model == "M", "reports of what it decided still read its words"
    assert [check.name for check in check_version(store, one, run) if check.state == "missing"] == [
        "predictions", "bundle, arrays"
    ]  # fmt: skip


def test_what_superseded_a_needed_file_is_needed(catalog: Catalog, store: ArtifactStore) -> None:
    version, run = made(catalog, store, "one", 1.0)
    old = run.artifacts["predictions"]
    store.supersede(old, store.put(b"[erased]"))
    assert left_over(catalog, store) == 0
    assert {check.state for check in check_version(store, version, run)} == {"sound", "superseded by an erasure"}


@pytest.mark.parametrize("which", ["bundle", "arrays", "predictions"])
def test_a_changed_byte_is_found_and_nothing_is_loaded(catalog: Catalog, store: ArtifactStore, which: str) -> None:
    version, run = made(catalog, store, "one", 1.0)
    assert {check.state for check in check_version(store, version, run)} == {"sound"}
    digest = load_manifest(store, version.bundle).arrays if which == "arrays" else run.artifacts[which]
    path = store.get(digest)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    damaged = [check.digest for check in check_version(store, version, run) if check.state == "damaged"]
    assert damaged == [digest]
    if which != "predictions":
        with pytest.raises(CorruptError, match=r"no longer holds|SHA-256"):
            load_bundle(store, version.bundle)


def test_a_put_beside_a_collection_is_never_lost(store: ArtifactStore) -> None:
    digest, stop = store.put(b"used again and again"), threading.Event()

    def collect() -> None:
        while not stop.is_set():
            store.discard(digest, time.time() - 0.2)

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        for _ in range(100):
            store.put(b"used again and again")
            assert store.has(digest)
    finally:
        stop.set()
        thread.join()
