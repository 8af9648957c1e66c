"""Blue-green by what workers write: switched when all have green, taken away when one can't load it or is too slow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.conftest import CatalogPlace
from tests.serving.shop import BY_HUNDRED, Shop, open_shop

from tidewheel.errors import ConflictError, NotReadyError
from tidewheel.registry.pointers.deployments import Deployment, get_deployment, history, roll_out, rollback
from tidewheel.registry.pointers.ramps import Rollout
from tidewheel.runtime.lease import Lease
from tidewheel.serving.observing.metrics import Metrics, write_snapshot
from tidewheel.workspace.rollouts.blue_green import switch
from tidewheel.workspace.rollouts.hosts import tell_loaded


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path) as opened:
        opened.deploy(opened.graph())
        yield opened


@pytest.fixture
def green(shop: Shop) -> Deployment:
    """Stage a second version."""
    version = shop.version(shop.graph(BY_HUNDRED))
    return roll_out(shop.stores.catalog, "Score", version, Rollout("blue-green"), cause="faster", who="ada")


@pytest.fixture
def up(shop: Shop) -> Iterator[Shop]:
    """Hold the role of `tidewheel up`, with two workers that have loaded nothing."""
    ready = {"pid": 1, "state": "ready", "restarts": 0, "since": 0.0}
    children = [{"name": name, **ready} for name in ("keeper", "serve-0", "serve-grpc")]
    (shop.stores.layout.run / "processes.json").write_bytes(msgspec.json.encode({"children": children}))
    with Lease.acquire(shop.stores.layout.leases / "up", "tidewheel up"):
        yield shop


def loads(shop: Shop, worker: int, revision: int, damage: str = "") -> None:
    metrics = Metrics(worker)
    metrics.loaded["Score"] = (revision, damage)
    write_snapshot(shop.stores.layout.run, metrics.snapshot())


def stands(shop: Shop) -> tuple[str, str]:
    found = get_deployment(shop.stores.catalog, "Score")
    return found.champion, found.challenger


def test_without_workers_it_is_switched_at_once(shop: Shop, green: Deployment) -> None:
    assert switch(shop.stores, green).champion == "Fraud@2"


def test_it_is_switched_when_every_worker_has_it(up: Shop, green: Deployment) -> None:
    loads(up, 0, green.revision)
    loads(up, 1, green.revision)
    switched = switch(up.stores, green)
    assert (switched.champion, switched.previous, switched.cause) == ("Fraud@2", "Fraud@1", "faster")


def test_a_worker_that_cant_load_it_ends_the_attempt(up: Shop, green: Deployment) -> None:
    loads(up, 0, green.revision)
    loads(up, 1, green.revision, "Fraud@2 can't be loaded: no memory")
    with pytest.raises(ConflictError, match="serve-grpc can't make Fraud@2 ready: Fraud@2 can't be loaded: no memory"):
        switch(up.stores, green)
    assert stands(up) == ("Fraud@1", "")
    assert "no memory" in history(up.stores.catalog, "Score")[0].cause


def test_a_worker_that_is_too_slow_ends_the_attempt(up: Shop, green: Deployment) -> None:
    loads(up, 0, green.revision)
    loads(up, 1, green.revision - 1)
    with pytest.raises(NotReadyError, match="serve-grpc did not load Fraud@2"):
        switch(up.stores, green, longest=0.1)
    assert stands(up) == ("Fraud@1", "")


@pytest.mark.postgres
@pytest.mark.parametrize("catalog_place", ["postgres"], indirect=True)
def test_it_waits_for_the_workers_of_every_host(catalog_place: CatalogPlace, tmp_path: Path) -> None:
    place = {"catalog": catalog_place.url, "namespace": catalog_place.namespace}
    for host in ("one", "two"):
        (tmp_path / host).mkdir()
    with open_shop(tmp_path / "one", **place) as one, open_shop(tmp_path / "two", **place) as two:
        one.deploy(one.graph())
        version = one.version(one.graph(BY_HUNDRED))

        def staged() -> Deployment:
            return roll_out(one.stores.catalog, "Score", version, Rollout("blue-green"))

        def told(seconds: float, revision: int, damage: str = "") -> None:
            tell_loaded(two.stores, {"serve-0": {"Score": (revision, damage)}}, seconds)

        green = staged()
        told(10.0, green.revision - 1)
        with pytest.raises(NotReadyError, match=r"serve-0 of host [0-9a-f]{8} did not load Fraud@2"):
            switch(one.stores, green, longest=0.1)
        green = staged()
        told(10.0, green.revision, "no memory")
        with pytest.raises(ConflictError, match=r"serve-0 of host [0-9a-f]{8} can't make Fraud@2 ready: no memory"):
            switch(one.stores, green)
        green = staged()
        told(10.0, green.revision)
        assert switch(one.stores, green).champion == "Fraud@2"
        green = roll_out(one.stores.catalog, "Score", "Fraud@1", Rollout("blue-green"))
        told(0.0, green.revision - 1)  # it is gone
        assert switch(one.stores, green).champion == "Fraud@1"


def test_a_pointer_moved_meanwhile_is_left_alone(shop: Shop, green: Deployment) -> None:
    rollback(shop.stores.catalog, "Score", who="bob")
    with pytest.raises(ConflictError, match="was moved"):
        switch(shop.stores, green)
    assert history(shop.stores.catalog, "Score")[0].who == "bob"
