"""A real ``tidewheel up`` in processes of its own, and clients that speak HTTP to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import mortal

from tidewheel.runtime.config import load_config
from tidewheel.runtime.supervisor import read_status

PATIENCE = float(os.environ.get("TIDEWHEEL_PATIENCE", "60"))
"""Seconds to wait for what has to happen; a machine that is busy with other things needs more."""
SCREEN = "/v1/services/Screen"


class Server:
    """``tidewheel up`` on a project's folder. What it writes goes to ``up.log`` there."""

    def __init__(self, folder: Path, *, workers: int = 2, environment: Mapping[str, str] | None = None) -> None:
        self.folder, self.port = folder, free_port()
        self.log = folder / "up.log"
        self._command = [sys.executable, "-m", "tidewheel", "-C", str(folder), "up"]
        self._command += ["--workers", str(workers), "--port", str(self.port)]
        self._environment = {**os.environ, **(environment or {})}
        self._status = load_config(folder).layout.run / "processes.json"
        self._from = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        with self.log.open("ab") as log:
            self._from = log.tell()
            self.process = mortal.start(
                self._command, stdout=log, stderr=subprocess.STDOUT, env=self._environment, start_new_session=True
            )
        return self

    def wait(self) -> Server:
        """Wait until every process says that it is ready."""
        until(lambda: self._said("ready on") or self._ended(), "the server is not ready", self.log)
        assert not self._ended(), self.log.read_text()
        return self

    def wait_for_all(self) -> None:
        """Wait until every process is ready (again)."""

        def ready() -> bool:
            found = read_status(self._status)
            return bool(found) and all(child.state == "ready" for child in found)

        until(ready, "not every process came back", self.log)

    def told(self) -> str:
        """Return what it wrote since it was started last."""
        return self.log.read_bytes()[self._from :].decode()

    def _said(self, words: str) -> bool:
        return words in self.told()

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def pids(self) -> dict[str, int]:
        """Return the pid of each living child by its name."""
        return {child.name: child.pid for child in read_status(self._status) if child.state in ("starting", "ready")}

    def kill(self, name: str) -> None:
        """Kill a process without a warning: a child by its name, or ``up`` itself."""
        if name == "up":
            assert self.process is not None
            self.process.kill()
            self.process.wait(PATIENCE)
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pids()[name], signal.SIGKILL)

    def stop(self, by: int = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit status; SIGINT goes to the whole group, as Ctrl-C does."""
        assert self.process is not None
        if by == signal.SIGINT:
            os.killpg(self.process.pid, by)
        else:
            self.process.send_signal(by)
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Server:
        try:
            return self.start().wait()
        except BaseException:
            self.__exit__()  # nobody else would end what was started
            raise

    def __exit__(self, *_error: object) -> None:
        if not self._ended():
            self.stop()


class Client:
    """One connection, opened again when it breaks."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Send once; raises OSError or HTTPException when there is no whole answer."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self._connection.request("POST", path, data, dict(headers or {}))
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def insist(self, path: str, body: Any) -> tuple[int, Any]:
        """Send until there is an answer, as a caller that wants exactly one effect does."""
        patience = time.monotonic() + PATIENCE
        while True:
            try:
                status, told = self.post(path, body)
            except (OSError, http.client.HTTPException):
                status, told = 0, None
            if status not in (0, 429, 503):
                return status, told
            assert time.monotonic() < patience, (path, body, status, told)
            time.sleep(0.05)

    def get(self, path: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text[:1] in (b"{", b"[") else text.decode()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[tuple[Server, Client]]:
    """Run a server while inside."""
    with Server(folder, **options) as server:
        client = Client(server.port)
        try:
            yield server, client
        finally:
            client.close()


def until(true: Callable[[], bool], otherwise: str, log: Path | None = None) -> None:
    """Wait for something to become true."""
    patience = time.monotonic() + PATIENCE
    while not true():
        told = log.read_text() if log is not None else ""
        assert time.monotonic() < patience, f"{otherwise}\n{told}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def order(identity: str, customer: str = "c1", amount: float = 30.0) -> dict[str, Any]:
    return {"id": identity, "customer": customer, "category": "shoes", "amount": amount}
