"""What it costs a decision to be checked, counted and traced: CPU time, a call at a time.

The check of a token among a hundred against the 2 microseconds it may take; the counters against those of
prometheus-client, which a service would use otherwise, fed with the same (one counter and seven histograms a
decision); and a decision in process with tracing on but not asked for, against one with tracing off.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.harness import report
from benchmarks.serving.workspace import Made, body, make

from tidewheel.registry.tokens import create_token
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores
from tidewheel.serving.api.guard import Guard
from tidewheel.serving.api.handler import Handler
from tidewheel.serving.backend import WorkerBackend
from tidewheel.serving.observing.metrics import BOUNDS_US, STAGES, Metrics
from tidewheel.serving.service import Serving
from tidewheel.serving.transport.http import Request, Response
from tidewheel.storage.catalog import Catalog

TOKENS, CALLS, RUNS, DECISIONS, TURN = 100, 50_000, 5, 2_000, 100
CHECK_US = 2.0
"""What the check of a token may take."""
SPENT = [3_000, 8_000, 1_000, 9_000, 1_500]


def cpu_us(call: Callable[[], Any], calls: int = CALLS) -> float:
    """Microseconds of this thread's processor time a call; the median of some runs."""
    found = []
    for _ in range(RUNS):
        start = time.thread_time_ns()
        for _ in range(calls):
            call()
        found.append((time.thread_time_ns() - start) / calls / 1000)
    return float(np.median(found))


def check() -> float:
    """Return what the check of one of many tokens takes."""
    with tempfile.TemporaryDirectory() as folder, Catalog.open(f"{folder}/catalog.sqlite") as catalog:
        secrets = [create_token(catalog, f"t{i}", ("decide",), rate=1e9).secret for i in range(TOKENS)]
        guard = Guard(catalog)
        request = Request("POST", "/", "", {b"authorization": b"Bearer " + secrets[TOKENS // 2].encode()})
        assert guard.may(request, "decide") is None
        assert request.caller == f"t{TOKENS // 2}"
        took = cpu_us(lambda: guard.may(request, "decide"))
        guard.close()
    return took


def counting() -> tuple[float, float]:
    """Return what counting a decision takes, ours and the client library's; both counted the same."""
    from prometheus_client import CollectorRegistry, Counter, Histogram

    ours, registry = Metrics(0), CollectorRegistry()
    edges = [bound / 1e6 for bound in BOUNDS_US]
    decisions = Counter("decisions", "d", ["service", "model", "decision"], registry=registry)
    whole = Histogram("decide_seconds", "s", ["service"], buckets=edges, registry=registry)
    stages = Histogram("stage_seconds", "s", ["service", "stage"], buckets=edges, registry=registry)
    total = sum(SPENT) + 2_500

    def theirs() -> None:
        decisions.labels("Score", "Fraud@1", "allow").inc()
        whole.labels("Score").observe(total / 1e9)
        for stage, ns in zip(STAGES, (*SPENT, 2_500), strict=True):
            stages.labels("Score", stage).observe(ns / 1e9)

    mine = cpu_us(lambda: ours.decided("Score", "Fraud@1", "allow", total, SPENT))
    other = cpu_us(theirs, CALLS // 10)
    counted = registry.get_sample_value("decide_seconds_sum", {"service": "Score"}) or 0.0
    assert abs(counted * 1e9 / (RUNS * (CALLS // 10)) - total) < 1
    assert ours.total("decisions") == RUNS * CALLS
    return mine, other


def tracing(made: Made) -> tuple[float, float]:
    """Return a request's median microseconds with tracing off, and with it on where nobody asks for a trace."""
    from opentelemetry.sdk.trace import TracerProvider

    from tidewheel.serving.observing.tracing import Traced, Tracer

    stores = Stores(load_config(made.folder, variables={}))
    serving = Serving(stores).start()
    plain = Handler(WorkerBackend(serving))
    tracer = Tracer(TracerProvider(shutdown_on_exit=False))
    handlers = {"off": (None, plain), "on": (tracer, Traced(plain, tracer))}
    spent: dict[str, list[int]] = {name: [] for name in handlers}
    for first in range(0, DECISIONS, TURN):
        for name, (active, handler) in handlers.items():
            serving.desk.tracer = active
            for i in range(first, first + TURN):
                event = body(f"{name}-{i}", made.keys[i % len(made.keys)])
                request = Request("POST", "/v1/services/Score", "", {}, event)
                start = time.perf_counter_ns()
                answer = handler.handle(request)
                spent[name].append(time.perf_counter_ns() - start)
                assert isinstance(answer, Response)
                assert answer.status == 200
    serving.desk.tracer = None
    serving.close()
    stores.close()
    return float(np.median(spent["off"])) / 1000, float(np.median(spent["on"])) / 1000


def main() -> int:
    """Measure and report."""
    took = check()
    mine, other = counting()
    with tempfile.TemporaryDirectory(prefix="tidewheel-bench-") as folder:
        off, on = tracing(make(Path(folder)))
    figures = {
        "check us": took,
        "count us": mine,
        "prometheus-client us": other,
        "request us": off,
        "tracing on us": on,
    }
    ratios = {
        "token check, of what it may take": CHECK_US / took,
        "prometheus-client / ours": other / mine,
        "tracing off / on and not asked": off / on,
    }
    goals = {"token check, of what it may take": 1.0, "prometheus-client / ours": 3.0}
    return 0 if report("serving/watching", figures, ratios, goals) else 1


if __name__ == "__main__":
    sys.exit(main())
