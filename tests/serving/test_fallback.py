"""A caller always gets an answer: damaged bundles, failing features, a missing or full store, passed deadlines."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import time
from pathlib import Path

import lmdb
import numpy as np
import pytest
from tests.serving.shop import (
    BY_HUNDRED,
    BY_THOUSAND,
    FAILS,
    PROJECT,
    SLOW,
    Shop,
    open_shop,
    payment,
    service_of,
    serving,
)
from tests.serving.test_deciding import eventually, records

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest, load_project, reachable
from tidewheel.definitions.ir import Graph
from tidewheel.errors import ConflictError, FullError, StorageError, TidewheelError
from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.graphs import set_live_graph
from tidewheel.registry.models.bundles import Bundle, Manifest, save_bundle
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.pointers.pinning import pinned, pins_of, unpinned
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.marks import delete
from tidewheel.registry.versions.versions import get_version, register
from tidewheel.serving.explain import explain
from tidewheel.serving.service import Serving
from tidewheel.storage.state import partition as state_partition
from tidewheel.workspace.features.groups import reaching


def damage(path: Path) -> bytes:
    """Change one byte of a file in the middle; return what it was."""
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :])
    return whole


def two_versions(shop: Shop, second: str = BY_HUNDRED) -> None:
    shop.deploy(shop.graph())
    shop.deploy(shop.graph(second))


QUICK = """
class QuickView(tw.View, on=Payment):
    amount = Payment.amount


class Quick(tw.Model):
    view = QuickView
    label = tw.happened(Chargeback, within="30d")
    estimator = Mean()
    split = tw.temporal(test="30d")


class Score("""


def with_quick(shop: Shop) -> Graph:
    """Give the shop's graph, with a chain that has a smaller model in it."""
    folder = shop.folder / "quick"
    folder.mkdir(exist_ok=True)
    (folder / "tidewheel.toml").write_text("")
    text = PROJECT.format(weight=BY_THOUSAND, explore=0.0, deadline="10s")
    text = text.replace("[tw.previous(Fraud), ", "[tw.previous(Fraud), Quick, ").replace(
        "class Score(", QUICK.lstrip(), 1
    )
    (folder / "project.py").write_text(text)
    return load_project(folder).graph


def quick_version(shop: Shop, graph: Graph) -> str:
    view = next(view for view in graph.views if view.name == "QuickView")
    manifest = Manifest(
        model="Quick",
        view="QuickView",
        view_digest=digest(view),
        graph=reachable(graph, ["Quick"]),
        columns=("amount",),
        predictor=PredictorSpec(kind="linear"),
    )
    bundle = save_bundle(shop.stores.artifacts, Bundle(manifest, {"coef": np.array([1 / 1024])}))
    run = start_run(shop.stores.catalog, "Quick")
    return register(shop.stores.catalog, "Quick", run=run.id, bundle=bundle, view=manifest.view_digest).name


def test_a_smaller_model_stands_in_by_the_version_it_was_deployed_with(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        catalog, graph = shop.stores.catalog, with_quick(shop)
        declared = service_of(graph, "Score")
        assert [link.kind for link in declared.fallback] == ["previous", "model", "table", "action"]
        with pytest.raises(ConflictError, match="no version of Quick, to which Score falls back"):
            pinned(catalog, declared)
        quick_version(shop, graph)
        service = pinned(catalog, declared)
        assert (pins_of(service), unpinned(service)) == (["Quick@1"], declared)
        set_live_graph(catalog, graph)
        frozen = freeze_service(catalog, service, reachable(graph, ["Score"]))
        deploy(catalog, "Score", shop.version(graph), frozen.digest)
        quick_version(shop, graph)
        assert "Quick@1" in [name for name, _ in reaching(catalog, shop.stores.artifacts)]
        with pytest.raises(ConflictError, match="Quick@1 can't be deleted: Score falls back to it"):
            delete(catalog, get_version(catalog, "Quick@1"))
        damage(shop.bundle_file("Fraud@1"))
        with serving(shop) as running:
            answer = running.decide("Score", payment(1, amount=768.0))
            assert (answer.decision, answer.score, answer.model, answer.fallback) == (
                "review",
                0.75,
                "Quick@1",
                "model",
            )
            assert "Fraud@1 can't be loaded" in answer.reason
            assert set(running.builder.bundles()) == {"Quick@1"}
        record = records(shop.stores.layout.journal)[0]
        assert (record.model, record.fallback, record.arm) == ("Quick@1", "model", "model")
        told = explain(record, shop.stores, History(shop.stores.lake, shop.stores.log))
        assert told.fallback == "model"


def test_a_chain_does_not_fall_back_to_what_failed(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        folder = shop.folder / "own"
        folder.mkdir()
        text = PROJECT.format(weight=BY_THOUSAND, explore=0.0, deadline="10s")
        (folder / "tidewheel.toml").write_text("")
        (folder / "project.py").write_text(text.replace("[tw.previous(Fraud), ", "[Fraud, "))
        with pytest.raises(TidewheelError, match="Fraud is what the service asks first"):
            load_project(folder)


def fallbacks(running: Serving) -> int:
    return running.metrics.total("fallbacks")


def test_a_damaged_bundle_is_answered_for_by_the_version_before(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        two_versions(shop)
        damage(shop.bundle_file("Fraud@2"))
        with serving(shop) as running:
            answer = running.decide("Score", payment(1, amount=700.0))
            assert (answer.decision, answer.score, answer.model, answer.arm) == ("review", 0.7, "Fraud@1", "previous")
            assert answer.fallback == "previous"
            assert "Fraud@2 can't be loaded" in answer.reason
            assert str(tmp_path) not in answer.reason
            assert fallbacks(running) == 1
            assert [alert.kind for alert in list_alerts(shop.stores.catalog, "Score", only_open=True)] == ["load"]
        assert records(shop.stores.layout.journal)[0].fallback == "previous"


def test_a_mended_bundle_takes_over_again(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        file = shop.bundle_file("Fraud@1")
        whole = damage(file)
        with serving(shop) as running:
            assert running.decide("Score", payment(1)).fallback == "action"
            file.write_bytes(whole)
            eventually(lambda: not running.decide("Score", payment(time.time_ns())).fallback)
            eventually(lambda: not list_alerts(shop.stores.catalog, "Score", only_open=True))


def test_with_no_version_at_all_the_constant_answers(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        two_versions(shop)
        for version in ("Fraud@1", "Fraud@2"):
            shop.bundle_file(version).unlink()
        with serving(shop) as running:
            answer = running.decide("Score", payment(1))
            assert (answer.decision, answer.score, answer.fallback) == ("review", None, "action")


def test_a_champion_that_can_not_be_loaded_leaves_the_old_one_serving(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        graph = shop.graph(BY_HUNDRED)
        set_live_graph(shop.stores.catalog, graph)
        frozen = freeze_service(shop.stores.catalog, service_of(graph, "Score"), graph)
        second = shop.version(graph)
        damage(shop.bundle_file(second))
        with serving(shop) as running:
            deploy(shop.stores.catalog, "Score", second, frozen.digest)
            eventually(lambda: list_alerts(shop.stores.catalog, "Score", only_open=True))
            answer = running.decide("Score", payment(1))
            assert (answer.model, answer.fallback) == ("Fraud@1", "")


def test_a_derived_function_that_fails_is_answered_for_by_the_version_before(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        two_versions(shop, FAILS)
        with serving(shop) as running:
            answer = running.decide("Score", payment(1))
            assert (answer.model, answer.fallback) == ("Fraud@1", "previous")
            assert "no weight today" in answer.reason


def test_without_an_earlier_version_the_table_answers_by_its_column(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph(FAILS))
        with serving(shop) as running:
            known = running.decide("Score", payment(1, card="known"))
            assert (known.decision, known.score, known.fallback) == ("review", 0.7, "table")
            other = running.decide("Score", payment(2, card="other"))
            assert (other.decision, other.score, other.fallback) == ("allow", 0.1, "table")


def test_a_passed_deadline_is_answered_without_computing_again(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph(deadline="20ms"))
        shop.deploy(shop.graph(SLOW, deadline="20ms"))
        with serving(shop) as running:
            begin = time.monotonic()
            answer = running.decide("Score", payment(1, card="known"))
            assert time.monotonic() - begin < 0.5
            assert answer.fallback == "table"
            assert answer.reason.startswith("deadline: the deadline passed before the model")
        record = records(shop.stores.layout.journal)[0]
        assert record.features
        assert record.timings[1] > 20_000_000


def test_a_store_without_a_free_reader_slot_is_answered_for(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = shop.graph()
        shop.deploy(graph)
        with serving(shop) as running:
            assert running.decide("Score", payment(1)).fallback == ""
            held = []
            for folder in sorted(path.parent for path in shop.stores.layout.state.rglob("data.mdb")):
                held += hold_all_readers(shop, folder)
            try:
                answer = running.decide("Score", payment(2, card="known"))
            finally:
                for transaction in held:
                    transaction.abort()
                held.clear()
                del transaction
            assert (answer.fallback, answer.score) == ("table", 0.7)
            assert fallbacks(running) == 1
            assert running.decide("Score", payment(3)).fallback == ""


def hold_all_readers(shop: Shop, folder: Path) -> list[lmdb.Transaction]:
    """Take every reader slot of an environment, as a crowd of stuck readers would."""
    environment = next(e for e in shop.stores.state._environments if Path(e.path) == folder)
    held = []
    while True:
        try:
            held.append(environment.raw.begin())
        except lmdb.ReadersFullError:
            return held


def test_a_state_store_that_can_not_be_opened_is_answered_for(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        folder = shop.stores.layout.state
        shutil.rmtree(folder)
        folder.write_text("not a folder")
        with serving(shop) as running:
            answer = running.decide("Score", payment(1, card="known"))
            assert answer.fallback == "table"
            folder.unlink()
            eventually(lambda: not running.decide("Score", payment(time.time_ns())).fallback)


def test_a_state_store_that_someone_has_locked_is_answered_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_partition, "SECONDS_LOCKED", 0.1)
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        shop.stores.state.close()
        del shop.stores.state
        with (shop.stores.layout.state / "0" / "open.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with serving(shop) as running:
                answer = running.decide("Score", payment(1, card="known"))
                assert answer.fallback == "table"
                assert "locked by another process" in answer.reason
                fcntl.flock(lock, fcntl.LOCK_UN)
                eventually(lambda: not running.decide("Score", payment(time.time_ns())).fallback)


HOLDS_THE_WRITE_LOCK = """
import sys, lmdb
transactions = [lmdb.open(folder, max_dbs=16, create=False).begin(write=True) for folder in sys.argv[1:]]
print("held", flush=True)
sys.stdin.read()
"""


def test_whoever_holds_the_write_lock_of_the_state_store_stops_no_decision(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            running.decide("Score", payment(1))
            folders = [str(path.parent) for path in shop.stores.layout.state.rglob("data.mdb")]
            command = [sys.executable, "-c", HOLDS_THE_WRITE_LOCK, *folders]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
                assert holder.stdout is not None
                assert holder.stdout.readline() == "held\n"
                answer = running.decide("Score", payment(2, amount=700.0))
                holder.communicate("")
            assert (answer.decision, answer.fallback) == ("review", "")


def test_no_answer_leaves_without_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            full = FullError("no space left for a decision")

            def refuse(payload: bytes) -> tuple[str, int]:
                raise full

            with monkeypatch.context() as patched:
                patched.setattr(running.journal, "append", refuse)
                with pytest.raises(StorageError):
                    running.decide("Score", payment(1))
            assert running.decide("Score", payment(1)).decision == "allow"
