"""Work in a process of its own comes back as it would from this one, and is ended when it takes too much."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from tidewheel.engine.apart import apart
from tidewheel.errors import InputError, LimitError, TrainingError

MB = 1 << 20


class Pair:
    """Of a module that no other process can import."""

    def __init__(self, left: int, right: int) -> None:
        self.left, self.right = left, right


def swapped(pair: Pair) -> Pair:
    return Pair(pair.right, pair.left)


def test_a_module_under_a_name_of_its_own_travels_though_its_folder_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project.py").write_text("def seven():\n    return 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = spec_from_file_location("project_by_another_name", tmp_path / "project.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    spec.loader.exec_module(module)
    assert apart(module.seven) == 7


def fill(bytes: int) -> int:
    return int(np.ones(bytes // 8).sum())


def never() -> None:
    while True:
        time.sleep(0.1)


def refuse() -> None:
    raise InputError("no such row", where="row 3", remedy="remove it")


def die() -> None:
    os.abort()


def test_classes_of_a_module_that_can_not_be_imported_go_there_and_come_back() -> None:
    found = apart(partial(swapped, Pair(1, 2)), seconds=300, memory=512 * MB)
    assert (type(found), found.left, found.right) == (Pair, 2, 1)


def test_memory_counts_from_where_it_begins() -> None:
    assert apart(partial(fill, 32 * MB), memory=256 * MB) == 4 * MB
    with pytest.raises(LimitError, match="took more than the 64 MB of memory"):
        apart(partial(fill, 640 * MB), memory=64 * MB)


def test_work_that_does_not_end_is_ended() -> None:
    with pytest.raises(LimitError, match="did not end within the 1 s that it was given"):
        apart(never, seconds=1)


def test_errors_come_out_as_they_are_and_deaths_are_told() -> None:
    with pytest.raises(InputError) as refused:
        apart(refuse)
    assert str(refused.value) == "row 3: no such row; remove it"
    with pytest.raises(TrainingError, match=r"died \(SIGABRT\)"):
        apart(die)
    with pytest.raises(TrainingError, match="can't be sent to a process of its own"):
        apart(partial(str, threading.Lock()))


WAITING = """
import os, sys, time
from functools import partial
from pathlib import Path
from tidewheel.engine.apart import apart

def stay(file):
    Path(file).write_text(str(os.getpid()))
    time.sleep(600)

apart(partial(stay, sys.argv[1]))
"""


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    file = tmp_path / "child"
    with subprocess.Popen([sys.executable, "-c", WAITING, str(file)]) as parent:
        child = int(_waited(lambda: file.exists() and file.read_text()))
        parent.send_signal(signal.SIGKILL)
    _waited(lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes())


def _waited(look: object, seconds: float = 120.0) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()  # type: ignore[operator]  # a look
        if found:
            return str(found)
        time.sleep(0.05)
    raise AssertionError("it did not come")
