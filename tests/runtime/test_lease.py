from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tidewheel.errors import LeaseError
from tidewheel.runtime.lease import Lease, holder_of

HOLD = """
import sys, time
from pathlib import Path
from tidewheel.runtime.lease import Lease
lease = Lease.acquire(Path(sys.argv[1]), "tidewheel up")
print(lease.token, flush=True)
time.sleep(60)
"""


def hold(path: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    path = tmp_path / "up.lease"
    child = hold(path)
    try:
        with pytest.raises(LeaseError) as caught:
            Lease.acquire(path, "tidewheel up")
        assert f"another `tidewheel up` runs on this workspace (pid {child.pid}, since 20" in str(caught.value)
        holder = holder_of(path)
        assert holder is not None
        assert holder.pid == child.pid
    finally:
        end(child)


def test_kill_9_frees_the_lease_and_the_token_goes_up(tmp_path: Path) -> None:
    path = tmp_path / "up.lease"
    for expected in (1, 3, 5):
        child = hold(path)
        end(child)
        with Lease.acquire(path, "tidewheel up") as lease:
            assert lease.token == expected + 1
    assert holder_of(path) is None


def test_waiting_for_a_lease(tmp_path: Path) -> None:
    path = tmp_path / "up.lease"
    first = Lease.acquire(path, "stream 0")
    began = time.monotonic()
    with pytest.raises(LeaseError):
        Lease.acquire(path, "stream 0", wait=0.2)
    assert time.monotonic() - began >= 0.2
    first.release()
    Lease.acquire(path, "stream 0", wait=0.2).release()


def test_looking_does_not_keep_anyone_out(tmp_path: Path) -> None:
    path = tmp_path / "up.lease"
    assert holder_of(path) is None
    for _ in range(50):
        Lease.acquire(path, "stream 0").release()
        assert holder_of(path) is None
