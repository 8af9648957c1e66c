"""A 512-1024-1024-1 net in ONNX Runtime behind the whole path, with batches and without; beside it BentoML's batcher.

Server on CPU 0 with all its threads, wrk on CPU 1, at 1 and at 32 connections. A request is a JSON array of 512
numbers; ours also reads it as an event, journals the decision and logs the event, which the peer does not. Before
anything is timed, answers are compared with ONNX Runtime's own.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
from benchmarks import peers
from benchmarks.harness import report
from benchmarks.serving.http import CLIENT_CPU, server, wait_for
from tests.serving.nets import SPEC, mlp

from tidewheel.definitions import digest, load_project
from tidewheel.registry.graphs import set_live_graph
from tidewheel.registry.models.bundles import Bundle, Manifest, save_bundle
from tidewheel.registry.models.onnx import onnx_function
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import register
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores
from tidewheel.serving.worker import read_addresses

OURS, THEIRS = "/v1/services/Score", "/predict"
WIDTHS = [512, 1024, 1024, 1]
RUNS, SECONDS = 3, 4
GOALS = {"unbatched_at_32": 2.2, "bentoml_at_32": 8.0, "idle_p50": 1 / 1.05}
PROJECT = """
from typing import Annotated
import tidewheel as tw


class Net:
    def fit(self, X, y): return self
    def predict(self, X): return X


class Ask(tw.Event):
    id: tw.Id
    x: Annotated[tw.Vector, 512]


class Truth(tw.Event):
    ask: tw.Ref[Ask]


class Numbers(tw.View, on=Ask):
    x = Ask.x


class Deep(tw.Model):
    view = Numbers
    label = tw.happened(Truth, within="30d")
    estimator = Net()
    split = tw.temporal(test="30d")


class Score(tw.Service, on=Ask):
    model = Deep
    deadline = "1s"
    decide = tw.thresholds(low=-1e9, high=0.0)
"""
WORKER = """
import signal, sys
import tidewheel.serving.deciding.predictor as predictor
from tidewheel.runtime.child import Life, Order
from tidewheel.serving.worker import main
if sys.argv[2] == "unbatched":
    predictor.INLINE_NS = 1 << 60
life = Life(Order("worker", "", {}, 2, 0))
signal.signal(signal.SIGTERM, lambda *_: life.stop())
main(life, sys.argv[1])
"""
LUA = """
local n = 0
local tag = tostring(os.time()) .. tostring({}):sub(8)
local rest = "PATH"
wrk.headers["Content-Type"] = "application/json"
request = function()
  n = n + 1
  return wrk.format("POST", rest, nil, 'HEAD' .. [==[BODY]==])
end
"""


def make(folder: Path, graph_bytes: bytes) -> None:
    """Fill a workspace with a service that asks the net."""
    (folder / "tidewheel.toml").write_text('port = 0\nsync = "second"\n')
    (folder / "project.py").write_text(PROJECT)
    graph = load_project(folder).graph
    stores = Stores(load_config(folder, variables={}))
    try:
        set_live_graph(stores.catalog, graph)
        (view,) = graph.views
        columns = tuple(column.name for column in view.columns)
        manifest = Manifest(
            model="Deep", view=view.name, view_digest=digest(view), graph=graph, columns=columns, predictor=SPEC
        )
        bundle = save_bundle(stores.artifacts, Bundle(manifest, {"graph": np.frombuffer(graph_bytes, np.uint8)}))
        run = start_run(stores.catalog, "Deep")
        version = register(stores.catalog, "Deep", run=run.id, bundle=bundle, view=digest(view))
        frozen = freeze_service(stores.catalog, graph.services[0], graph)
        deploy(stores.catalog, "Score", version.name, frozen.digest)
    finally:
        stores.close()


def script(folder: Path, name: str, path: str, head: str, body: str) -> Path:
    """Write what wrk asks."""
    file = folder / f"{name}.lua"
    file.write_text(LUA.replace("PATH", path).replace("HEAD", head).replace("BODY", body))
    return file


def load(port: int, file: Path, connections: int, seconds: int = SECONDS) -> dict[str, float]:
    """Ask as fast as answers come; return requests a second and latencies (ms)."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s", "-s", str(file)]
    url = f"http://127.0.0.1:{port}"
    out = subprocess.run(
        ["taskset", "-c", CLIENT_CPU, *command, url], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    if "Non-2xx" in out:
        sys.exit(f"some requests were refused:\n{out}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert rate is not None
    found = {}
    for name in ("50", "99"):
        match = re.search(rf"{name}%\s+([\d.]+)(us|ms|s)", out)
        assert match is not None
        found[name] = float(match[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[match[2]]
    return {"rps": float(rate[1]), "p50_ms": found["50"], "p99_ms": found["99"]}


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and its descendants have taken."""
    ticks, parents = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)], ticks[int(stat.parent.name)] = (
                int(fields[1]),
                int(fields[11]) + int(fields[12]),
            )
    family, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in family} - family
        family, grown = family | more, bool(more)
    return sum(ticks.get(member, 0) for member in family) / os.sysconf("SC_CLK_TCK")


def ask(port: int, path: str, body: str) -> object:
    """Ask once."""
    request = Request(f"http://127.0.0.1:{port}{path}", body.encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@contextmanager
def ours(folder: Path, kind: str) -> Iterator[tuple[int, int]]:
    """Run a worker; give its port and its process."""
    with server([sys.executable, "-P", "-c", WORKER, str(folder), kind]) as process:
        run = load_config(folder, variables={}).layout.run
        end = time.monotonic() + 90
        while not (found := [a for a in read_addresses(run) if a.pid == process.pid]):
            if time.monotonic() > end or process.poll() is not None:
                sys.exit("the worker did not start")
            time.sleep(0.1)
        yield found[0].port, process.pid


@contextmanager
def bentoml(folder: Path) -> Iterator[tuple[int, int]]:
    """Run BentoML with its adaptive batcher; give its port and its process."""
    port = 18_500 + os.getpid() % 1000
    command = [str(peers.python()), str(peers.RIVALS / "bentoml_batch.py"), str(folder / "net.onnx"), str(port)]
    with server(command) as process:
        wait_for(port, 120)
        yield port, process.pid


def measure(kind: str, port: int, pid: int, file: Path, found: dict[str, list[float]]) -> None:
    """Load a server with 1 and with 32 connections."""
    load(port, file, 32, 1)
    for connections in (1, 32):
        before = cpu_seconds(pid)
        figures = load(port, file, connections)
        figures["cpu_us"] = (cpu_seconds(pid) - before) / (figures["rps"] * SECONDS) * 1e6
        for key, value in figures.items():
            found.setdefault(f"{kind}_c{connections}_{key}", []).append(value)
    told = {key.removeprefix(f"{kind}_"): values[-1] for key, values in found.items() if key.startswith(f"{kind}_")}
    print(f"  {kind:<10} " + "  ".join(f"{key} {value:.2f}" for key, value in told.items()), flush=True)


def check(answer: object, expected: float, kind: str) -> None:
    """Stop unless a server gives ONNX Runtime's own answer."""
    given = answer["score"] if isinstance(answer, dict) else np.ravel(np.asarray(answer))[0]
    if not np.isclose(given, expected, rtol=1e-4, atol=1e-5):
        sys.exit(f"the answers differ: {kind} {given}, ONNX Runtime {expected}")


def main() -> bool:
    """Measure in turns; return whether the goals are met."""
    row = np.random.default_rng(3).normal(size=WIDTHS[0]).round(4)
    numbers = json.dumps(row.tolist())
    graph = mlp(WIDTHS)
    expected = float(onnx_function(np.frombuffer(graph, np.uint8), SPEC.output).apart(row[None])[0])
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "ws"
        folder.mkdir()
        make(folder, graph)
        (folder / "net.onnx").write_bytes(graph)
        own = script(folder, "own", OURS, '{"id":"\' .. tag .. n .. \'","x":', numbers + "}")
        peer = script(folder, "peer", THEIRS, "", '{"x": [' + numbers + "]}")
        peers.python()
        for run in range(RUNS):
            for kind in ("batched", "unbatched"):
                with ours(folder, kind) as (port, pid):
                    check(ask(port, OURS, f'{{"id": "check{run}{kind}", "x": {numbers}}}'), expected, kind)
                    measure(kind, port, pid, own, found)
            with bentoml(folder) as (port, pid):
                check(ask(port, THEIRS, '{"x": [' + numbers + "]}"), expected, "bentoml")
                measure("bentoml", port, pid, peer, found)
    figures = {key: statistics.median(values) for key, values in found.items()}
    print(f"  load of the machine: {os.getloadavg()[0]:.1f}")
    ratios = {
        "unbatched_at_32": figures["batched_c32_rps"] / figures["unbatched_c32_rps"],
        "bentoml_at_32": figures["batched_c32_rps"] / figures["bentoml_c32_rps"],
        "idle_p50": figures["unbatched_c1_p50_ms"] / figures["batched_c1_p50_ms"],
        "unbatched_cpu_at_32": figures["unbatched_c32_cpu_us"] / figures["batched_c32_cpu_us"],
    }
    return report("serving/batching", figures, ratios, GOALS)


if __name__ == "__main__":
    sys.exit(not main())
