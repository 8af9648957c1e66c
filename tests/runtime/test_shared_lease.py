"""A role among hosts: one holder at a time, whoever dies, pauses or loses sight of the catalog."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.conftest import CatalogPlace

from tidewheel.errors import LeaseError
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.shared_lease import SharedLease
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.agreed import agree

SHORT = 1.0
LONG = 60.0

HOLDER = """
import sys, time
from pathlib import Path
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.shared_lease import SharedLease
from tidewheel.storage.catalog import Catalog
url, namespace, folder, seconds = sys.argv[1:]
catalog = Catalog.open(url, namespace=namespace)
lease = SharedLease.acquire(catalog, "keeper", "keeper", Lease.acquire(Path(folder) / "k", "k"), seconds=float(seconds))
print(lease.token, flush=True)
while lease.held:
    time.sleep(0.005)
print("lost", flush=True)
"""


def take(catalog: Catalog, host: Path, seconds: float = SHORT, wait: float = 0.0) -> SharedLease:
    """Take the role as another host would: with a folder of its own."""
    local = Lease.acquire(host / "keeper", "keeper")
    try:
        return SharedLease.acquire(catalog, "keeper", "keeper", local, wait=wait, seconds=seconds)
    except BaseException:
        local.release()
        raise


@pytest.fixture
def elsewhere(catalog_place: CatalogPlace, tmp_path: Path) -> subprocess.Popen[str]:
    """Give a process that holds the role."""
    Catalog.open(catalog_place.url, namespace=catalog_place.namespace).close()
    command = [
        sys.executable,
        "-c",
        HOLDER,
        catalog_place.url,
        catalog_place.namespace,
        str(tmp_path / "a"),
        str(SHORT),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    return process


def test_one_holds_it_and_is_named(catalog: Catalog, tmp_path: Path) -> None:
    with take(catalog, tmp_path / "a") as first:
        assert (first.token, first.held, first.taken) == (1, True, False)
        time.sleep(2 * SHORT)
        assert not first.taken, "it is renewed"
        with pytest.raises(LeaseError, match=f"another host runs the `keeper`.*pid {os.getpid()}"):
            take(catalog, tmp_path / "b")
    with take(catalog, tmp_path / "b") as second:
        assert second.token == 2


def test_the_token_is_never_below_this_machine_s(catalog: Catalog, tmp_path: Path) -> None:
    for _ in range(4):
        Lease.acquire(tmp_path / "a" / "keeper", "keeper").release()
    with take(catalog, tmp_path / "a") as lease:
        assert lease.token == 5
    with take(catalog, tmp_path / "b") as lease:
        assert lease.token == 6


def test_a_killed_holder_is_followed(catalog: Catalog, elsewhere: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(LeaseError):
        take(catalog, tmp_path / "b")
    elsewhere.kill()
    elsewhere.communicate()
    with take(catalog, tmp_path / "b", wait=30.0) as lease:
        assert lease.token == 2


def test_a_paused_holder_knows_that_it_is_late(
    catalog: Catalog, elsewhere: subprocess.Popen[str], tmp_path: Path
) -> None:
    elsewhere.send_signal(signal.SIGSTOP)
    with take(catalog, tmp_path / "b", seconds=LONG, wait=30.0) as lease:
        elsewhere.send_signal(signal.SIGCONT)
        assert elsewhere.communicate(timeout=30)[0] == "lost\n"
        assert lease.held


def test_a_suspended_host_knows_that_it_is_late(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with take(catalog, tmp_path / "a", seconds=LONG) as lease:
        assert lease.held
        awake, asleep = time.clock_gettime, 2 * LONG
        # As after a night with the lid closed: only this clock went on meanwhile.
        monkeypatch.setattr(time, "clock_gettime", lambda clock: awake(clock) + asleep * (clock == time.CLOCK_BOOTTIME))
        assert not lease.held


def test_who_is_replaced_sees_it(catalog: Catalog, tmp_path: Path) -> None:
    first = take(catalog, tmp_path / "a", seconds=3.0)
    first._ended.set()  # as if the thread that renews were starved
    first._thread.join()
    with take(catalog, tmp_path / "b", wait=30.0):
        assert not first.held


def test_many_never_hold_it_together(catalog: Catalog, tmp_path: Path) -> None:
    together, most, tokens = 0, 0, []

    def host(number: int) -> None:
        nonlocal together, most
        with take(catalog, tmp_path / str(number), seconds=LONG, wait=60.0) as lease:
            together += 1
            most = max(most, together)
            tokens.append(lease.token)
            time.sleep(0.01)
            together -= 1

    hosts = [threading.Thread(target=host, args=(number,)) for number in range(6)]
    for each in hosts:
        each.start()
    for each in hosts:
        each.join()
    assert (most, sorted(tokens)) == (1, [1, 2, 3, 4, 5, 6])
    assert tokens == sorted(tokens)


def test_hosts_agree_on_what_was_said_first(catalog: Catalog) -> None:
    said: list[str] = []
    hosts = [threading.Thread(target=lambda n=n: said.append(agree(catalog, "workspace", str(n)))) for n in range(6)]
    for each in hosts:
        each.start()
    for each in hosts:
        each.join()
    assert len(set(said)) == 1
    assert agree(catalog, "workspace", "late") == said[0]
