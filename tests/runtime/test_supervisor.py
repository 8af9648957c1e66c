from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import mortal

from tidewheel.runtime.supervisor import ChildStatus, read_status

HERE = Path(__file__).parent

SCRIPT = """
import sys
from pathlib import Path
from tidewheel.runtime.logs import set_up_logs
from tidewheel.runtime.supervisor import ChildSpec, Supervisor
set_up_logs("up")
specs = [ChildSpec(*spec) for spec in {specs!r}]
tell = lambda: print("ALL READY", flush=True)
supervisor = Supervisor(specs, grace={grace}, status_file=Path({status!r}), on_ready=tell)
sys.exit(supervisor.run())
"""


class Up:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, specs: list[tuple[str, str, dict[str, str]]], grace: float = 5.0) -> None:
        self.status_file = folder / "children.json"
        self.output = folder / "output.txt"
        script = textwrap.dedent(SCRIPT).format(specs=specs, grace=grace, status=str(self.status_file))
        paths = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        with self.output.open("w") as output:
            self.process = mortal.start(
                [sys.executable, "-c", script], stdout=output, stderr=output, env=os.environ | {"PYTHONPATH": paths}
            )

    def children(self) -> dict[str, ChildStatus]:
        return {child.name: child for child in read_status(self.status_file)}

    def until(self, wanted: Callable[[dict[str, ChildStatus]], bool], seconds: float = 20.0) -> dict[str, ChildStatus]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            children = self.children()
            if children and wanted(children):
                return children
            time.sleep(0.02)
        raise AssertionError(self.output.read_text())

    def ready(self) -> dict[str, ChildStatus]:
        return self.until(lambda children: all(child.state == "ready" for child in children.values()))

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


def gone(pid: int, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_its_children_and_stops_them_cleanly(tmp_path: Path, number: int) -> None:
    marks = [str(tmp_path / name) for name in "ab"]
    up = Up(tmp_path, [(f"worker-{i}", "children:steady", {"mark": mark}) for i, mark in enumerate(marks)])
    children = up.ready()
    assert up.stop(number) == 0
    assert [Path(mark).read_text() for mark in marks] == ["stopped cleanly"] * 2
    assert all(gone(child.pid) for child in children.values())
    text = up.output.read_text()
    assert "ALL READY" in text
    assert "Z  up            worker-0 is ready" in text
    assert "Traceback" not in text
    assert {child.state for child in up.children().values()} == {"stopped"}


TEST = """
import sys, time
from pathlib import Path
from tests.runtime.test_supervisor import Up
up = Up(Path(sys.argv[1]), [("a", "children:steady", {})])
print(up.process.pid, up.ready()["a"].pid, flush=True)
time.sleep(60)
"""


def test_all_of_it_ends_with_a_test_that_is_killed(tmp_path: Path) -> None:
    command, folder = [sys.executable, "-c", TEST, str(tmp_path)], HERE.parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as test:
        assert test.stdout is not None
        started = [int(pid) for pid in test.stdout.readline().split()]
        test.kill()
    assert len(started) == 2
    assert all(gone(pid) for pid in started)


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    up = Up(tmp_path, [("a", "children:steady", {}), ("b", "children:steady", {})])
    before = up.ready()
    for lives in (1, 2):
        os.kill(up.children()["a"].pid, signal.SIGKILL)
        up.until(lambda children: children["a"].restarts == lives and children["a"].state == "ready")  # noqa: B023
    after = up.children()
    assert after["b"] == before["b"]
    assert after["a"].pid != before["a"].pid
    assert up.stop() == 0
    assert "a died (signal 9); starting it again in" in up.output.read_text()


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    up = Up(tmp_path, [("a", "children:steady", {}), ("b", "children:stubborn", {})], grace=1.0)
    children = up.ready()
    up.process.kill()
    up.process.wait()
    assert all(gone(child.pid) for child in children.values())


def test_a_stubborn_child_is_killed_at_the_deadline(tmp_path: Path) -> None:
    up = Up(tmp_path, [("a", "children:stubborn", {})], grace=0.5)
    children = up.ready()
    began = time.monotonic()
    assert up.stop() == 0
    assert time.monotonic() - began < 8
    assert gone(children["a"].pid)
    assert "did not stop in time" in up.output.read_text()


def test_what_only_begins_or_is_done_holds_nobody_up(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    up = Up(tmp_path, [("a", "children:beginning", {"mark": str(mark)}), ("b", "children:lingering", {})], grace=15.0)
    up.until(lambda children: children["b"].state == "ready" and mark.exists())
    children = up.children()
    assert up.stop() == 0
    assert all(gone(child.pid) for child in children.values())
    assert "did not stop in time" not in up.output.read_text()


def test_a_child_that_can_not_start_stops_everything_with_its_reason(tmp_path: Path) -> None:
    up = Up(tmp_path, [("a", "children:steady", {}), ("b", "children:hopeless", {})])
    assert up.process.wait(20) == 1
    text = up.output.read_text()
    assert "b             error: port 80 is taken; choose another" in text
    assert "b can't start; stopping everything" in text
    assert "Traceback" not in text


def test_a_child_that_keeps_dying_is_started_ever_later(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    up = Up(tmp_path, [("a", "children:brief", {"mark": str(mark)})])
    up.until(lambda children: children["a"].restarts >= 2)
    assert up.stop() == 0
    text = up.output.read_text()
    assert text.index("again in 0.1 s") < text.index("again in 0.2 s")
    assert "RuntimeError: oops" in text


def test_no_status_without_a_supervisor(tmp_path: Path) -> None:
    assert read_status(tmp_path / "none") == []
