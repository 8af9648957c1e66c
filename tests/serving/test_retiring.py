"""What a retired version held is given back: its objects, and its memory to the system."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import msgspec
import numpy as np
from tests.serving.shop import Shop, open_shop, payment, post, service_of, serving, worker

from tidewheel.registry.models.bundles import Bundle, load_bundle, save_bundle
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import get_version, register

SCORE = "/v1/services/Score"
MEGABYTES, SWAPS = 4, 30


def heavier(shop: Shop, like: str, number: int) -> str:
    """Register a version with megabytes of its own beside its coefficients."""
    bundle = load_bundle(shop.stores.artifacts, get_version(shop.stores.catalog, like).bundle)
    weight = np.random.default_rng(number).random(MEGABYTES << 17)
    digest = save_bundle(shop.stores.artifacts, Bundle(bundle.manifest, {**bundle.arrays, "weight": weight}))
    run = start_run(shop.stores.catalog, "Fraud")
    return register(shop.stores.catalog, "Fraud", run=run.id, bundle=digest, view=bundle.manifest.view_digest).name


def resident(pid: int) -> float:
    """Return the megabytes that a process has for itself."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("RssAnon")).split()[1]) / 1024


def test_a_version_that_no_arm_needs_any_more_is_forgotten(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = shop.graph()
        first = shop.deploy(graph)
        frozen = freeze_service(shop.stores.catalog, service_of(graph, "Score"), graph).digest
        seen: weakref.WeakSet[object] = weakref.WeakSet()
        with serving(shop) as running:
            for number in range(6):
                deploy(shop.stores.catalog, "Score", heavier(shop, first, number), frozen)
                running.loader.load()
                running.decide("Score", payment(number))
                loaded = list(running.builder._loaded.values())
                seen.update(loaded)
                seen.update(item.arm for item in loaded)
                del loaded
            gc.collect()
            alive = {item.arm.model for item in running.builder._loaded.values()}
            assert alive == {"Fraud@6", "Fraud@7"}  # what answers, and the way back
            assert len(seen) == 4


def test_a_workers_memory_is_flat_over_many_versions(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = shop.graph()
        first = shop.deploy(graph)
        frozen = freeze_service(shop.stores.catalog, service_of(graph, "Score"), graph).digest
        names = [heavier(shop, first, number) for number in range(SWAPS)]
        used = []
        with worker(tmp_path) as running:
            for number, name in enumerate(names):
                deploy(shop.stores.catalog, "Score", name, frozen)
                tries = 0
                while post(running.port, SCORE, payment(f"{number}-{tries}"))[1]["model"] != name:
                    tries += 1
                used.append(resident(running.process.pid))
            running.stop()
    # Two or three are held at a time; the rest came and went.
    assert max(used[10:]) - max(used[:10]) < 4 * MEGABYTES, msgspec.json.encode(used)
