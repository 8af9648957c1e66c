"""Each version's numbers under the names of Triton's metrics, so that dashboards made for it show ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from tidewheel.serving.deciding.batching import Batcher
from tidewheel.serving.observing.exposition import headed, labelled
from tidewheel.serving.observing.metrics import Labels, ModelTimes, Snapshot

if TYPE_CHECKING:
    from tidewheel.serving.deciding.desk import Served

LABELS: Labels = ("model", "version")
COUNTERS: dict[str, tuple[str, Callable[[ModelTimes], int]]] = {
    "request_success": ("Requests answered by the version.", lambda times: times.count),
    "count": ("Rows scored.", lambda times: times.count),
    "request_duration_us": ("Cumulative time of requests.", lambda times: times.total // 1000),
    "compute_input_duration_us": ("Cumulative time of reading features.", lambda times: times.features // 1000),
    "compute_infer_duration_us": ("Cumulative time in the model.", lambda times: times.model // 1000),
    "compute_output_duration_us": ("Cumulative time of all else.", lambda times: times.rest // 1000),
}
"""Under ``nv_inference_``. Waiting for a batch is part of the time in the model: it is not measured apart."""


def model_gauges(services: Iterable[Served]) -> dict[str, dict[Labels, float]]:
    """Return what each service serves, what waits for each model that is scored in batches, and how many ran."""
    waiting: dict[Labels, float] = {}
    batches: dict[Labels, float] = {}
    deciders = [served.decider for served in services]
    for decider in deciders:
        for arm in (decider.champion, decider.challenger):
            scoring = getattr(None if arm is None else arm.scoring, "scoring", None)  # what its breaker guards
            if arm is not None and isinstance(scoring, Batcher):
                waiting[(arm.model,)] = float(scoring.waiting())
                batches[(arm.model,)] = float(scoring.sizes()[0])
    revisions: dict[Labels, float] = {(of.service.name,): float(of.revision) for of in deciders}
    return {"model_waiting": waiting, "model_batches": batches, "deployment_revision": revisions}


def triton_lines(snapshots: list[Snapshot]) -> bytes:
    """Return the versions' numbers in Prometheus' text format.

    Examples
    --------
    >>> snapshot = Snapshot(0, {}, {}, {}, models={"Fraud@3": ModelTimes(2, 90_000, 30_000, 40_000, 20_000)})
    >>> b'nv_inference_request_success{model="Fraud",version="3",worker="0"} 2' in triton_lines([snapshot])
    True
    """
    return ("\n".join(_lines(snapshots)) + "\n").encode()


def _lines(snapshots: list[Snapshot]) -> Iterator[str]:
    for name, (about, number) in COUNTERS.items():
        values = ((s.worker, model, number(times)) for s in snapshots for model, times in s.models.items())
        yield from _metric(f"nv_inference_{name}", "counter", about, values)
    failures = [
        (s.worker, labels[0], labels[1], count)
        for s in snapshots
        for labels, count in s.counters.get("model_failures", [])
    ]
    yield from headed("nv_inference_request_failure", "counter", "Requests that the version failed.")
    for worker, model, reason, count in failures:
        names = (*LABELS, "reason")
        yield f"nv_inference_request_failure{labelled(names, (*_split(model), reason), worker)} {count}"
    for name, outcome in (("hits", "hit"), ("misses", "miss")):
        looked = (
            (s.worker, labels[0], n)
            for s in snapshots
            for labels, n in s.counters.get("model_cache", [])
            if labels[1] == outcome
        )
        yield from _metric(f"nv_cache_num_{name}_per_model", "counter", f"Looks for a kept answer: {name}.", looked)
    yield from _metric("nv_inference_exec_count", "counter", "Batches run.", _executions(snapshots))
    waiting = ((s.worker, labels[0], int(n)) for s in snapshots for labels, n in s.labelled.get("model_waiting", []))
    yield from _metric("nv_inference_pending_request_count", "gauge", "Rows waiting for their batch.", waiting)
    batched = {labels[0] for s in snapshots for labels, _ in s.labelled.get("model_batches", [])}
    queued = ((s.worker, model, 0) for s in snapshots for model in s.models if model not in batched)
    yield from _metric("nv_inference_queue_duration_us", "counter", "Waiting; none without batches.", queued)


def _executions(snapshots: list[Snapshot]) -> Iterator[tuple[int, str, int]]:
    """Return how often each version ran: once a row, but where rows share a batch."""
    for snapshot in snapshots:
        batches = {labels[0]: int(n) for labels, n in snapshot.labelled.get("model_batches", [])}
        for model, times in snapshot.models.items():
            yield snapshot.worker, model, batches.get(model, times.count)


def _metric(name: str, kind: str, about: str, values: Iterable[tuple[int, str, int]]) -> Iterator[str]:
    yield from headed(name, kind, about)
    for worker, model, value in values:
        yield f"{name}{labelled(LABELS, _split(model), worker)} {value}"


def _split(model: str) -> Labels:
    name, _, version = model.partition("@")
    return name, version or "1"
