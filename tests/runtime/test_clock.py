from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidewheel.errors import ClockError, CorruptError
from tidewheel.runtime.clock import NEVER, RealClock, ReplayClock, open_clock


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[ReplayClock]:
    clock = ReplayClock(tmp_path / "clock", start=100)
    yield clock
    clock.close()


def test_a_real_clock_refuses_a_callers_instant(tmp_path: Path) -> None:
    clock = open_clock("real", tmp_path / "clock")
    assert isinstance(clock, RealClock)
    with pytest.raises(ClockError, match="real time"):
        clock.advance(clock.now() + 1)
    assert not (tmp_path / "clock").exists()


def test_time_goes_forward_only(clock: ReplayClock) -> None:
    assert clock.now() == 100
    assert clock.advance(200) == 200
    assert clock.advance(200) == 200
    with pytest.raises(ClockError, match="go back to 199"):
        clock.advance(199)
    assert clock.moves == 1


def test_reopening_keeps_the_instant(tmp_path: Path, clock: ReplayClock) -> None:
    clock.advance(500)
    again = ReplayClock(tmp_path / "clock", start=0)
    assert again.now() == 500
    again.close()


def test_time_stops_where_the_scheduler_is_due(clock: ReplayClock) -> None:
    clock.set_next_due(150)
    assert clock.advance(1000, wait=0) == 150
    assert clock.now() == 150
    clock.set_next_due(NEVER)
    assert clock.advance(1000, wait=0) == 1000


def test_the_very_instant_that_is_due_waits_too(clock: ReplayClock) -> None:
    clock.set_next_due(150)
    threading.Timer(0.05, clock.set_next_due, (200,)).start()
    assert clock.advance(150, wait=5) == 150
    assert clock.next_due == 200


def test_a_scheduler_sees_each_of_its_instants(clock: ReplayClock) -> None:
    seen: list[int] = []
    over = threading.Event()

    def scheduler() -> None:
        while not over.is_set():
            if clock.now() >= clock.next_due:
                seen.append(clock.now())
                clock.set_next_due(clock.next_due + 100)

    clock.set_next_due(200)
    thread = threading.Thread(target=scheduler)
    thread.start()
    try:
        assert clock.advance(1050, wait=10) == 1050
    finally:
        over.set()
        thread.join()
    assert seen == [200, 300, 400, 500, 600, 700, 800, 900, 1000]


ADVANCE = """
import sys
from pathlib import Path
from tidewheel.runtime.clock import ReplayClock
clock = ReplayClock(Path(sys.argv[1]))
for to in map(int, sys.argv[2:]):
    print(clock.now(), clock.advance(to, wait=10), flush=True)
"""


def test_processes_share_it(tmp_path: Path, clock: ReplayClock) -> None:
    said = subprocess.run(
        [sys.executable, "-c", ADVANCE, str(tmp_path / "clock"), "150", "900"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["100", "150", "150", "900"]
    assert clock.now() == 900


def test_many_callers_at_one_instant(clock: ReplayClock) -> None:
    """All callers of an instant move there together; none is refused, and none passes the due instant."""
    clock.set_next_due(150)
    reached: list[int] = []
    threads = [threading.Thread(target=lambda: reached.append(clock.advance(170, wait=10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert clock.now() <= 150
    clock.set_next_due(NEVER)
    for thread in threads:
        thread.join()
    assert reached == [170] * 8
    assert clock.moves <= 2


def test_a_file_that_is_no_clock(tmp_path: Path) -> None:
    (tmp_path / "clock").write_bytes(b"x" * 64)
    with pytest.raises(CorruptError, match="not a replay clock"):
        ReplayClock(tmp_path / "clock")
