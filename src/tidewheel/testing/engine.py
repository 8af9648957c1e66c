# ruff: noqa: D102 (a test says by its name what is promised)
"""What every engine must do."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tidewheel.engine import Engine, GangEngine, Member
from tidewheel.errors import InputError


class EngineContract:
    """Subclass with a fixture `engine`."""

    def test_results_come_in_the_parts_order(self, engine: Engine) -> None:
        assert engine.map(sleep_and_square, [3, 1, 2, 0]) == [9, 1, 4, 0]

    def test_no_parts_no_results(self, engine: Engine) -> None:
        assert engine.map(sleep_and_square, []) == []

    def test_done_counts_up_to_the_parts(self, engine: Engine) -> None:
        told: list[int] = []
        engine.map(sleep_and_square, [1, 2, 3], done=told.append)
        assert told == [1, 2, 3]

    def test_the_error_of_a_part_is_raised_as_it_is(self, engine: Engine) -> None:
        with pytest.raises(InputError, match="part 2 is bad") as raised:
            engine.map(refuse_two, [1, 2, 3])
        assert raised.value.remedy == "leave it out"
        assert engine.map(sleep_and_square, [2]) == [4]

    def test_any_object_may_be_work(self, engine: Engine, tmp_path: Path) -> None:
        assert engine.map(Writes(tmp_path), ["a", "b"]) == [1, 1]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


class GangContract:
    """Subclass with a fixture `engine`, of an engine that runs workers side by side."""

    def test_members_reach_each_other(self, engine: GangEngine) -> None:
        assert engine.gang(Greets(), ["ann", "bo"]) == ["ann heard bo", "bo"]

    def test_what_a_member_raises_is_raised_and_the_others_are_ended(self, engine: GangEngine) -> None:
        with pytest.raises(InputError, match="part 2 is bad") as raised:
            engine.gang(refuse_two_and_wait, [1, 2])
        assert raised.value.remedy == "leave it out"

    def test_a_gang_begins_anew_when_a_member_is_killed(self, engine: GangEngine, tmp_path: Path) -> None:
        assert engine.gang(DiesOnce(tmp_path), ["ann", "bo"]) == ["ann heard bo", "bo"]
        assert len(list(tmp_path.iterdir())) == 2


class Greets:
    """Work of two members: the second says its name to the first."""

    def __call__(self, member: Member, name: str) -> str:
        """Return who was heard."""
        if member.rank:
            host, _, port = member.peers[0].rpartition(":")
            with _reached(host, int(port)) as line:
                line.sendall(name.encode())
            return name
        with socket.create_server(("", member.port)) as server:
            line, _ = server.accept()
            with line:
                return f"{name} heard {line.recv(100).decode()}"


class DiesOnce(Greets):
    """The same, but the second is killed the first time; it leaves a file each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, member: Member, name: str) -> str:
        """Count, and die or greet."""
        if member.rank:
            tries = len(list(self.folder.iterdir()))
            (self.folder / f"try{tries}").write_text(name)
            if not tries:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(member, name)


def refuse_two_and_wait(member: Member, n: int) -> int:
    """Raise for 2; wait for ever for anything else."""
    refuse_two(n)
    socket.create_server(("", member.port)).accept()
    return n


def _reached(host: str, port: int) -> socket.socket:
    """Connect to a member that may not listen yet."""
    while True:
        try:
            return socket.create_connection((host, port))
        except ConnectionRefusedError:
            time.sleep(0.02)


def sleep_and_square(n: int) -> int:
    """Take longer for larger numbers."""
    time.sleep(n / 100)
    return n * n


def refuse_two(n: int) -> int:
    """Raise for 2."""
    if n == 2:
        raise InputError("part 2 is bad", remedy="leave it out")
    return n


class Writes:
    """Work that holds something and leaves something behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str) -> int:
        """Write a file named as the part."""
        return (self.folder / name).write_text(name)
