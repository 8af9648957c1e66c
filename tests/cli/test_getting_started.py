"""The page for newcomers: its commands, requests and Python run as they are printed, in its order."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidewheel.errors import TidewheelError

PAGE = Path(__file__).parents[2] / "docs" / "getting-started.md"
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.S | re.M)
PORT = "8700"


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Reader:
    """Someone who types what the page says, with the server on a port that is free here."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.server: subprocess.Popen[bytes] | None = None

    def types(self, line: str) -> str:
        words = [word.replace(PORT, str(self.port)) for word in shlex.split(line)]
        if words[0] == "cd":
            self.folder /= words[1]
            with (self.folder / "tidewheel.toml").open("a") as settings:
                settings.write(f"[env.here]\nport = {self.port}\n")
            return ""
        if words[0] == "tidewheel":
            env = ["--env", "here"] if words[1] != "init" else []
            words = [sys.executable, "-m", "tidewheel", *env, *words[1:]]
        if words[-1] == "up":
            self.server = subprocess.Popen(words, cwd=self.folder, stderr=subprocess.DEVNULL)
            self.waits()
            return ""
        ran = subprocess.run(words, cwd=self.folder, capture_output=True, text=True)
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def waits(self) -> None:
        from tidewheel.client import Client

        end = time.monotonic() + 200
        with Client(f"http://127.0.0.1:{self.port}", deadline=5) as client:
            while time.monotonic() < end:
                assert self.server is not None
                assert self.server.poll() is None, "the server ended"
                try:
                    client.status()
                except TidewheelError:
                    time.sleep(0.2)
                else:
                    return
        raise AssertionError("the server did not become ready")

    def stops(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            assert self.server.wait(60) == 0


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    found = Reader(tmp_path)
    try:
        yield found
    finally:
        if found.server is not None and found.server.poll() is None:
            found.server.terminate()
            found.server.wait(60)


@pytest.mark.timeout(900)
def test_the_page_runs_as_it_is_printed(reader: Reader) -> None:
    said: dict[str, str] = {}
    for kind, block in BLOCK.findall(PAGE.read_text()):
        if kind == "python":
            code = block.replace(PORT, str(reader.port))
            said["python"] = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
            continue
        for line in block.splitlines():
            assert line.startswith("$ "), line
            said[line[2:]] = reader.types(line[2:])
    reader.stops()
    decided, back = (json.loads(told) for line, told in said.items() if line.startswith("curl"))
    assert (decided["event_id"], decided["model"]) == ("n1", "SentBack@1")
    assert (back["accepted"], back["duplicates"]) == (1, 0)
    assert "customer.mean_90d" in said["python"]
    assert "n1" in said["tidewheel decisions --last 5"]
    assert "2 decisions replayed" in said["tidewheel features check"]
    assert "SentBack@1" in said["tidewheel status"]
    assert (reader.folder / "run.html").stat().st_size > 10_000
    assert (reader.folder / "screen.html").stat().st_size > 10_000
