"""Starts ``tidewheel up`` beside the demo, and stops it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

PATIENCE = 120.0


@contextmanager
def running(folder: Path, port: int) -> Iterator[str]:
    """Run the workspace's server while inside; give its address. Its log goes to ``up.log``."""
    url = f"http://127.0.0.1:{port}"
    with (folder / "up.log").open("wb") as log:
        command = [sys.executable, "-m", "tidewheel", "-C", str(folder), "up", "--port", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(process, url, folder / "up.log")
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"the server did not start:\n{log.read_text()}")
        try:
            with urlopen(f"{url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"the server was not ready within {PATIENCE:g} s; see {log}")
