"""The kill switch as a file: every reader sees the last whole list, whoever writes it and whenever they die."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tidewheel.errors import CorruptError, FullError, InputError
from tidewheel.runtime.kill_switch import Killed, KillSwitch

NAMES = st.sampled_from(["Score", "Score/experiment", "Fraud", "Fraud@3", "Gate"])

WRITES = """
import sys
from pathlib import Path
from tidewheel.runtime.kill_switch import Killed, KillSwitch

switch = KillSwitch(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    for name in ("a" * 2000, "b" * 9000):
        switch.kill(Killed(name, 0, "test"))
        switch.kill(Killed(name + "!", 0, "test"))
        switch.unkill(name)
        switch.unkill(name + "!")
"""
ALLOWED = [set(), *({c * n, f"{c * n}!"} for c, n in (("a", 2000), ("b", 9000)))]
ALLOWED += [{name} for pair in ALLOWED for name in pair]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kill"


@pytest.fixture
def switch(path: Path) -> Iterator[KillSwitch]:
    opened = KillSwitch(path)
    yield opened
    opened.close()


class ReadersAndWriters(RuleBasedStateMachine):
    """Two processes' switches over one file behave like one dictionary."""

    def __init__(self) -> None:
        super().__init__()
        path = Path(tempfile.mkdtemp()) / "kill"
        self.switches = [KillSwitch(path), KillSwitch(path)]
        self.off: dict[str, Killed] = {}

    @rule(name=NAMES, by=st.integers(0, 1), why=st.text(max_size=20))
    def kill(self, name: str, by: int, why: str) -> None:
        self.off[name] = entry = Killed(name, len(self.off), "somebody", why)
        self.switches[by].kill(entry)

    @rule(name=NAMES, by=st.integers(0, 1))
    def unkill(self, name: str, by: int) -> None:
        assert self.switches[by].unkill(name) == (self.off.pop(name, None) is not None)

    @invariant()
    def both_see_the_same(self) -> None:
        for switch in self.switches:
            assert switch.names() == frozenset(self.off)
            assert {entry.name: entry for entry in switch.entries()} == self.off

    def teardown(self) -> None:
        for switch in self.switches:
            switch.close()


ReadersAndWriters.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
test_readers_and_writers = ReadersAndWriters.TestCase


def test_a_writer_killed_at_any_moment_leaves_a_whole_list(path: Path) -> None:
    reader = KillSwitch(path)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        seen = {reader.names() for _ in range(20_000)}
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert all(set(names) in ALLOWED for names in seen)
        left = {entry.name for entry in reader.entries()}
        assert left in ALLOWED
        for name in left:
            assert reader.unkill(name)
        assert not reader.names()
    reader.close()


def test_what_is_killed_outlives_every_process(path: Path, switch: KillSwitch) -> None:
    switch.kill(Killed("Score", 7, "ada", "it blocks everybody"))
    again = KillSwitch(path)
    assert again.entries() == [Killed("Score", 7, "ada", "it blocks everybody")]
    again.close()


def test_a_damaged_list_keeps_off_what_was_off(
    path: Path, switch: KillSwitch, caplog: pytest.LogCaptureFixture
) -> None:
    switch.kill(Killed("Score", 0, "ada"))
    assert switch.names() == {"Score"}
    other = KillSwitch(path)
    other.kill(Killed("Gate", 0, "ada"))
    with path.open("r+b") as file:
        data = bytearray(file.read())
        place = data.rindex(b"Gate")
        file.seek(place)
        file.write(b"Gote")
    assert switch.names() == {"Score"}
    assert "damaged" in caplog.text
    with pytest.raises(CorruptError, match="damaged"):
        other.entries()
    other.close()


def test_what_it_refuses(path: Path, tmp_path: Path, switch: KillSwitch) -> None:
    with pytest.raises(InputError, match="nothing is named"):
        switch.kill(Killed("/experiment", 0, "ada"))
    with pytest.raises(FullError, match="too much"):
        switch.kill(Killed("Score", 0, "ada", "x" * 40_000))
    assert not switch.names()
    other = tmp_path / "text"
    other.write_text("this is a letter to my aunt")
    with pytest.raises(CorruptError, match="no kill switch"):
        KillSwitch(other)
