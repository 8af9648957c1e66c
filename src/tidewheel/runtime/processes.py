"""One supervised process: starting it, hearing from it, ending it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import Any, Literal

import msgspec

from tidewheel.runtime.child import Order


class ChildSpec(msgspec.Struct, frozen=True):
    """A process to keep alive.

    ``target`` is ``module:function``; the function is called in the new process with a ``child.Life`` and the
    arguments, calls ``life.ready()`` when it works, and returns soon after ``life.stopping`` is set.
    """

    name: str
    target: str
    arguments: dict[str, Any] = {}
    """What JSON can say."""


class Child:
    """A process, through all its lives."""

    def __init__(self, spec: ChildSpec, level: str, grace: float, log_format: str = "text") -> None:
        self.spec = spec
        self.state: Literal["starting", "ready", "waiting", "stopped"] = "stopped"
        self.restarts = -1
        self.since = 0.0
        self.ever_ready = False
        self.pause = 0.0
        self.again_at = 0.0
        self.listening = -1
        self._level = level
        self._grace = grace
        self._log_format = log_format
        self._process: subprocess.Popen[bytes] | None = None
        self._born = 0.0

    @property
    def pid(self) -> int:
        """The process's number; 0 when it does not run."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Begin a new life."""
        self.listening, ready = os.pipe2(os.O_CLOEXEC)
        spec = self.spec
        how = self._level, self._grace, self._log_format
        order = Order(spec.name, spec.target, spec.arguments, ready, os.getpid(), *how)
        command = [sys.executable, "-P", "-m", "tidewheel.runtime.child", msgspec.json.encode(order).decode()]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[ready])
        finally:
            os.close(ready)
        self.state = "starting"
        self.restarts += 1
        self.since, self._born = time.time(), time.monotonic()

    def age(self) -> float:
        """Return the seconds that this life has lasted."""
        return time.monotonic() - self._born

    def hear(self) -> bool:
        """Take a word from the process: True when it says that it is ready, False when it is gone."""
        if not os.read(self.listening, 64):
            return False
        self.state, self.ever_ready = "ready", True
        return True

    def collect(self) -> int:
        """Wait for the end of a process that closed its pipe; return its exit status, negative for a signal."""
        assert self._process is not None
        try:
            status = self._process.wait(timeout=self._grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self.close()
        return status

    def rest(self) -> None:
        """Wait for ``pause`` seconds before the next life."""
        self.state, self.again_at = "waiting", time.monotonic() + self.pause

    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def terminate(self) -> None:
        """Ask the process to stop."""
        if self._process is not None and self.running():
            self._process.terminate()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Let go of a process that has ended."""
        if self._process is not None:
            self._process.wait()
            if self._process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()
            self._process = None
        if self.listening >= 0:
            os.close(self.listening)
            self.listening = -1
        self.state = "stopped"
