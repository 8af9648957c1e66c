"""Requests a second of one worker on one core, the whole path: features, rules, model, journal, event to the log.

Beside it, in the same run and on the same trees, servers that get the features in the request and only score: a bare
protocol (the limit), plain FastAPI, MLflow, MLServer, BentoML, LitServe, Ray Serve. Server on CPU 0 with all its
processes, client (wrk, else our own) on CPU 1; closed loop at 1, 32 and 128 connections. A rival that can't be
installed or does not run here is named, and its goal is not counted. `serving/http NAME...` measures just those.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import report
from benchmarks.serving.rival_servers import RIVALS, Rival, Unable, running, seconds_of, tree_seconds
from benchmarks.serving.workspace import Made, make

from tidewheel.runtime.config import load_config
from tidewheel.serving.worker import read_addresses

RUNS, SECONDS, CONNECTIONS = 3, 4, 32
GOALS = {"fastapi": 5.0, "mlflow": 15.0, "mlserver": 15.0, "bentoml": 20.0, "litserve": 20.0, "ray": 100.0}
QUICK = ("bare_limit", "fastapi")
"""Measured in each run; the others, which take long to start, once."""
GOALS |= {"bare_limit": 0.5, "cpu_65us": 1.0}
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


def load(port: int, script: Path, seconds: int = SECONDS, connections: int = CONNECTIONS) -> dict[str, float]:
    """Ask as fast as answers come, over some connections; return requests a second and latencies (ms)."""
    url = f"http://127.0.0.1:{port}"
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
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


def write_scripts(folder: Path, made: Made) -> None:
    """Write what our clients ask, for wrk and for our own client, and the model."""
    (folder / "ours.lua").write_text(OURS_LUA)
    ours = '{"id":"{tag}-{n}","card":"card-7","terminal":"terminal-9","amount":25.5}'
    (folder / "ours.json").write_text(json.dumps({"path": "/v1/services/Score", "body": ours}))
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


def measured(port: int, script: Path, cpu: Callable[[], float]) -> dict[str, float]:
    """Measure a server at 32 connections with its processor time, then at 1 and 128."""
    load(port, script, 1)
    before = cpu()
    found = load(port, script, SECONDS)
    found["cpu_us"] = (cpu() - before) / (found["rps"] * SECONDS) * 1e6
    for connections in (1, 128):
        at = load(port, script, 2, connections)
        found |= {f"{key}_c{connections}": value for key, value in at.items()}
    return found


def measure_ours(made: Made, script: Path) -> dict[str, float]:
    with server([sys.executable, "-P", "-c", RUN_WORKER, str(made.folder)]) as process:
        port = port_of(made.folder, process)
        return measured(port, script, lambda: seconds_of(process.pid))


def measure_rival(rival: Rival, made: Made, model: Path) -> dict[str, float]:
    row = [0.0 if value != value else float(value) for value in made.rows[0]]
    with running(rival, model, made.names, row, SERVER_CPU) as (port, script, pid):
        return measured(port, script, lambda: tree_seconds(pid))


def show(name: str, found: dict[str, float]) -> None:
    told = "  ".join(f"{key} {value:.4g}" for key, value in found.items())
    print(f"  {name:<10} {told}", flush=True)


def main() -> bool:
    """Measure us and the rivals in turns, those that are slow once; return whether the goals are met."""
    wanted = sys.argv[1:] or [rival.name for rival in RIVALS]
    found: dict[str, list[dict[str, float]]] = {"tidewheel": []}
    unable: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder) / "ws")
        write_scripts(Path(folder), made)
        for run in range(RUNS):
            found["tidewheel"].append(measure_ours(made, Path(folder) / "ours.lua"))
            show("tidewheel", found["tidewheel"][-1])
            for rival in RIVALS:
                if rival.name not in wanted or rival.name in unable or (run and rival.name not in QUICK):
                    continue
                try:
                    found.setdefault(rival.name, []).append(measure_rival(rival, made, Path(folder) / "model.txt"))
                    show(rival.name, found[rival.name][-1])
                except Unable as error:
                    unable[rival.name] = str(error)
                    print(f"  {rival.name}: not measured: {error}", flush=True)
    figures = {
        f"{name}_{key}": statistics.median(row[key] for row in rows) for name, rows in found.items() for key in rows[0]
    }
    print(f"  load of the machine: {os.getloadavg()[0]:.1f}")
    ratios = {name: figures["tidewheel_rps"] / figures[f"{name}_rps"] for name in found if name != "tidewheel"}
    ratios["cpu_65us"] = 65 / figures["tidewheel_cpu_us"]
    return report("serving/http", figures, ratios, {name: goal for name, goal in GOALS.items() if name in ratios})


if __name__ == "__main__":
    sys.exit(not main())
