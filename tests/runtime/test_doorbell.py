from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from tidewheel.runtime.doorbell import Doorbell, Ringer, ring, ring_all


def test_a_ring_from_another_process_is_heard(tmp_path: Path) -> None:
    with Doorbell(tmp_path, "stream-0") as bell:
        assert not bell.wait(0.0)
        code = (
            "from pathlib import Path; from tidewheel.runtime.doorbell import ring; "
            f"ring(Path({str(tmp_path)!r}), 'stream-0')"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
        assert bell.wait(1.0)
        assert not bell.wait(0.0)


def test_ringing_where_nobody_listens(tmp_path: Path) -> None:
    assert not ring(tmp_path, "nobody")
    bell = Doorbell(tmp_path, "gone")
    bell.close()
    assert not ring(tmp_path, "gone")
    ringer = Ringer(tmp_path, "later")
    assert not ringer.ring()
    with Doorbell(tmp_path, "later") as bell:
        assert ringer.ring()
        assert bell.wait(1.0)
    ringer.close()


def test_a_thousand_rings_never_block_and_wake_once(tmp_path: Path) -> None:
    with Doorbell(tmp_path, "busy") as bell:
        ringer = Ringer(tmp_path, "busy")
        assert all(ringer.ring() for _ in range(1000))
        ringer.close()
        assert bell.wait(0.0)
        assert not bell.wait(0.0)


def test_a_dead_listeners_socket_is_taken_over(tmp_path: Path) -> None:
    code = (
        f"from pathlib import Path; from tidewheel.runtime.doorbell import Doorbell; import os\n"
        f"bell = Doorbell(Path({str(tmp_path)!r}), 'x'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert (tmp_path / "x.sock").exists()
    assert not ring(tmp_path, "x")
    with Doorbell(tmp_path, "x") as bell:
        assert ring(tmp_path, "x")
        assert bell.wait(1.0)


def test_paths_beyond_the_limit_of_unix_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("b" * 60) / ("c" * 60)
    with Doorbell(deep, "stream") as bell:
        assert ring(deep, "stream")
        assert bell.wait(1.0)


def test_waking_takes_milliseconds(tmp_path: Path) -> None:
    with Doorbell(tmp_path, "w") as bell:
        threading.Timer(0.05, ring, (tmp_path, "w")).start()
        began = time.monotonic()
        assert bell.wait(5.0)
        assert time.monotonic() - began < 2.0


def test_ring_all(tmp_path: Path) -> None:
    with Doorbell(tmp_path, "worker-0") as a, Doorbell(tmp_path, "worker-1") as b, Doorbell(tmp_path, "stream") as c:
        assert ring_all(tmp_path, "worker-") == 2
        assert a.wait(0.0)
        assert b.wait(0.0)
        assert not c.wait(0.0)
