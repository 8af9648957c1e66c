"""The servers that `serving/http` is measured beside: how each is installed, started and asked. Each may be missing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import peers

PATIENCE = 180.0
TICKS = os.sysconf("SC_CLK_TCK")
Row = Sequence[float]
Names = Sequence[str]


class Rival(NamedTuple):
    """One server: what it needs, and what its clients send."""

    name: str
    packages: tuple[str, ...]
    path: str
    body: Callable[[Row, Names], object]


def _named(row: Row, names: Names) -> object:
    return {"id": "x", **dict(zip(names, row, strict=True))}


def _plain(row: Row, names: Names) -> object:
    return {"row": list(row)}


def _split(row: Row, names: Names) -> object:
    return {"dataframe_split": {"columns": list(names), "data": [list(row)]}}


def _tensor(row: Row, names: Names) -> object:
    return {"inputs": [{"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": list(row)}]}


LEARNER = ("lightgbm==4.7.0", "numpy")
RIVALS = (
    Rival("bare_limit", ("uvloop", "httptools", *LEARNER), "/predict", _named),
    Rival("fastapi", ("fastapi", "uvicorn", "uvloop", "httptools", *LEARNER), "/predict", _named),
    Rival("mlflow", ("mlflow==3.17.2", "uvicorn", *LEARNER), "/invocations", _split),
    Rival("mlserver", ("mlserver==1.7.1", "mlserver-lightgbm==1.7.1", *LEARNER), "/v2/models/fraud/infer", _tensor),
    Rival("bentoml", ("bentoml==1.4.39", *LEARNER), "/predict", _plain),
    Rival("litserve", ("litserve==0.2.19", *LEARNER), "/predict", _plain),
    Rival("ray", ("ray[serve]==2.60.0", *LEARNER), "/predict", _plain),
)


class Unable(Exception):
    """A rival can't be measured here, and why."""


@contextmanager
def running(rival: Rival, model: Path, names: Names, row: Row, cpu: str) -> Iterator[tuple[int, Path, int]]:
    """Run a rival on one processor; give its port, wrk's script for it, and its process.

    Raises
    ------
    Unable
        It can't be installed, does not start, or does not answer.
    """
    try:
        python = peers.environment(rival.name, rival.packages)
    except subprocess.CalledProcessError as error:
        raise Unable(f"it can't be installed ({error})") from error
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    script = model.with_name(f"{rival.name}.lua")
    body = json.dumps(rival.body(row, names))
    script.write_text(
        f"wrk.method = 'POST'\nwrk.path = '{rival.path}'\nwrk.headers['Content-Type'] = 'application/json'\n"
        f"wrk.body = [==[{body}]==]\n"
    )
    file = peers.RIVALS / (f"{rival.name}.py" if rival.name == "bare_limit" else f"{rival.name}_predict.py")
    command = ["taskset", "-c", cpu, str(python), str(file), str(model), ",".join(names), str(port)]
    log = model.with_name(f"{rival.name}.log")
    with log.open("wb") as out:
        environment = {**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=out, stderr=out, process_group=0, env=environment)
    try:
        _wait(process, port, rival.path, body, log)
        yield port, script, process.pid
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], port: int, path: str, body: str, log: Path) -> None:
    import urllib.error
    import urllib.request

    url = f"http://127.0.0.1:{port}{path}"
    end = time.monotonic() + PATIENCE
    said = ""
    while time.monotonic() < end and process.poll() is None:
        asked = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                answer.read()
                return
        except (OSError, urllib.error.URLError) as error:
            said = str(error)
        time.sleep(0.5)
    tail = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise Unable(f"it does not answer ({said}; {' '.join(tail)[:200]})")


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(15)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    process.wait()


def tree_seconds(root: int) -> float:
    """Return the processor time of a process and of all living ones that it or its descendants began."""
    parent, spent = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parent[int(stat.parent.name)], spent[int(stat.parent.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    of, grown = {root}, True
    while grown:
        more = {pid for pid, above in parent.items() if above in of} - of
        of, grown = of | more, bool(more)
    return sum(spent.get(pid, 0) for pid in of) / TICKS


def seconds_of(pid: int) -> float:
    """Return the processor time that a process has used, with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
