"""Requests a second of one worker on one core, the whole path: features, rules, model, journal, event to the log.

Beside it, in the same run, a plain FastAPI endpoint on uvicorn (uvloop, httptools) that gets the features in the
request and only calls Booster.predict. Server on CPU 0 with all its threads, client (wrk, else our own) on CPU 1,
32 connections.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.harness import report
from benchmarks.serving.workspace import Made, make

from tidewheel.runtime.config import load_config
from tidewheel.serving.worker import read_addresses

RUNS, SECONDS, CONNECTIONS, GOAL = 3, 4, 32, 2.0
SERVER_CPU, CLIENT_CPU = "0", "1"
RUN_WORKER = """
import signal, sys
from tidewheel.runtime.child import Life, Order
from tidewheel.serving.worker import main
life = Life(Order("worker", "", {}, 2, 0))
signal.signal(signal.SIGTERM, lambda *_: life.stop())
main(life, sys.argv[1])
"""
OURS_LUA = """
local n = 0
local tag = tostring(os.time()) .. tostring({}):sub(8)
request = function()
  n = n + 1
  local body = string.format('{"id":"%s-%d","card":"card-%d","terminal":"terminal-%d","amount":25.5}',
    tag, n, n * 7919 % 5000, n * 104729 % 500)
  return wrk.format("POST", "/v1/services/Score", nil, body)
end
"""


@contextmanager
def server(command: list[str], port: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on its core until the block ends."""
    process = subprocess.Popen(["taskset", "-c", SERVER_CPU, *command], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, seconds: float = 90.0) -> None:
    """Wait until something listens."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"nothing listens on {port}")


def load(port: int, script: Path, seconds: int = SECONDS) -> dict[str, float]:
    """Ask as fast as answers come, over 32 connections; return requests a second and latencies (ms)."""
    url = f"http://127.0.0.1:{port}"
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    client = [
        sys.executable,
        str(Path(__file__).with_name("client.py")),
        str(port),
        str(script.with_suffix(".json")),
        str(seconds),
    ]
    command = wrk if shutil.which("wrk") else client
    out = subprocess.run(["taskset", "-c", CLIENT_CPU, *command], stdout=subprocess.PIPE, text=True, check=True).stdout
    if "Non-2xx" in out:
        sys.exit(f"some requests were refused:\n{out}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    found = {name: _milliseconds(re.search(rf"{name}%\s+([\d.]+)(us|ms|s)", out)) for name in ("50", "99")}
    assert rate is not None
    return {"rps": float(rate[1]), "p50_ms": found["50"], "p99_ms": found["99"]}


def _milliseconds(match: re.Match[str] | None) -> float:
    assert match is not None
    return float(match[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[match[2]]


def theirs_body(made: Made) -> str:
    """Return one row's features as JSON."""
    row = dict(zip(made.names, [0.0 if value != value else value for value in made.rows[0].tolist()], strict=True))
    return json.dumps({"id": "x", **row})


def write_scripts(folder: Path, made: Made) -> None:
    """Write what the clients ask, for wrk and for our own client."""
    body = theirs_body(made)
    kind = "wrk.headers['Content-Type'] = 'application/json'"
    (folder / "ours.lua").write_text(OURS_LUA)
    (folder / "theirs.lua").write_text(f"wrk.method = 'POST'\nwrk.path = '/predict'\n{kind}\nwrk.body = [[{body}]]\n")
    ours = '{"id":"{tag}-{n}","card":"card-7","terminal":"terminal-9","amount":25.5}'
    (folder / "ours.json").write_text(json.dumps({"path": "/v1/services/Score", "body": ours}))
    (folder / "theirs.json").write_text(json.dumps({"path": "/predict", "body": body}))
    (folder / "model.txt").write_text(made.model)


def port_of(folder: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait for a worker, and return where it listens."""
    run = load_config(folder, variables={}).layout.run
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        for address in read_addresses(run):
            if address.pid == process.pid:
                return address.port
        time.sleep(0.1)
    sys.exit("the worker did not start")


def measure_ours(made: Made, script: Path) -> dict[str, float]:
    with server([sys.executable, "-P", "-c", RUN_WORKER, str(made.folder)]) as process:
        port = port_of(made.folder, process)
        load(port, script, 1)
        return load(port, script)


def measure_theirs(made: Made, model: Path, script: Path) -> dict[str, float]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(peers.python()),
        str(peers.RIVALS / "fastapi_predict.py"),
        str(model),
        ",".join(made.names),
        str(port),
    ]
    with server(command):
        wait_for(port)
        load(port, script, 1)
        return load(port, script)


def main() -> bool:
    """Measure both in turns; return whether the goal is met."""
    peers.python()
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder) / "ws")
        scripts = Path(folder)
        write_scripts(scripts, made)
        found: dict[str, list[dict[str, float]]] = {"tidewheel": [], "fastapi": []}
        for run in range(RUNS):
            found["tidewheel"].append(measure_ours(made, scripts / "ours.lua"))
            found["fastapi"].append(measure_theirs(made, scripts / "model.txt", scripts / "theirs.lua"))
            for name, rows in found.items():
                rps, p50, p99 = (rows[-1][key] for key in ("rps", "p50_ms", "p99_ms"))
                print(
                    f"  run {run + 1}/{RUNS}  {name:<10} {rps:9.0f} requests/s  p50 {p50:.2f}  p99 {p99:.2f} ms",
                    flush=True,
                )
    figures = {
        f"{name}_{key}": statistics.median(row[key] for row in rows)
        for name, rows in found.items()
        for key in ("rps", "p50_ms", "p99_ms")
    }
    print(f"  load of the machine: {os.getloadavg()[0]:.1f}")
    ratio = figures["tidewheel_rps"] / figures["fastapi_rps"]
    return report("serving/http", figures, {"fastapi_predict_only": ratio}, {"fastapi_predict_only": GOAL})


if __name__ == "__main__":
    sys.exit(not main())
