"""Workers' numbers in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator

from tidewheel.serving.observing.metrics import BOUNDS_US, GAUGES, HELP, Histogram, Labels, Snapshot

ABOUT = {
    "decisions": "Decisions answered.",
    "fallbacks": "Decisions that the fallback chain answered.",
    "refused": "Requests for a decision that were refused.",
    "retries": "Requests for an event that was decided before.",
    "explored": "Decisions let through on purpose.",
    "events": "Events posted.",
    "loads": "Deployments loaded, by outcome.",
    "stored": "Looks for a score computed ahead, by what came of them.",
    "resent": "Decisions for which the state's server was asked more than once: retry, hedge, hedge won.",
    "cache": "Looks for a kept answer, by what came of them.",
    "model_cache": "The same by version.",
    "http_shed_requests": "Requests refused because they had waited too long.",
    "http_body_bytes": "Bytes of bodies that are held.",
    "http_refused_bodies": "Bodies that there was no room for (max_held).",
    "standing_queue_seconds": "How long requests wait to be read, at least.",
    "model_failures": "Requests that a version should have answered and did not.",
    "upkeep_failures": "What a worker does beside its requests and failed at, by what it was.",
    "upkeep_failing": "How much of what a worker does beside its requests failed the last time.",
    "journal_unsynced_records": "Decision records written and not yet on the disk.",
    "journal_unsynced_bytes": "Their bytes.",
    "journal_sync_age_seconds": "Time since all that was written was on the disk; 0 while it is.",
    "events_waiting": "Events waiting for the log.",
    "stream_lag_events": "Events in the log that features do not hold yet.",
    "decisions_in_flight": "Decisions waiting for a score.",
    "http_connections": "Open connections.",
    "breakers_open": "Dependencies left alone because they fail or are slow.",
    "http_bad_requests": "Requests that were no HTTP, too large, or too slow.",
    "model_waiting": "Rows waiting for their batch.",
    "model_batches": "Batches run since the version was loaded.",
    "deployment_revision": "Revision of the deployment that a worker serves.",
}
"""What each metric counts; one that is missing here is explained by its name."""


def prometheus(snapshots: list[Snapshot]) -> bytes:
    """Return the workers' numbers in Prometheus' text format.

    Examples
    --------
    >>> from tidewheel.serving.observing.metrics import Metrics
    >>> metrics = Metrics(0)
    >>> metrics.count("retries", "Score")
    >>> b'tidewheel_retries_total{service="Score",worker="0"} 1' in prometheus([metrics.snapshot()])
    True
    """
    lines: list[str] = []
    for name, labels in HELP.items():
        lines.extend(headed(f"tidewheel_{name}_total", "counter", ABOUT.get(name, name)))
        for snapshot in snapshots:
            for values, count in snapshot.counters.get(name, []):
                lines.append(f"tidewheel_{name}_total{labelled(labels, values, snapshot.worker)} {count}")
    lines.extend(_histograms(snapshots))
    lines.extend(_gauges(snapshots))
    return ("\n".join(lines) + "\n").encode()


def headed(name: str, kind: str, about: str) -> list[str]:
    """Return the two lines that stand before a metric's values."""
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]


def _histograms(snapshots: list[Snapshot]) -> Iterator[str]:
    yield from headed("tidewheel_decide_seconds", "histogram", "From a request to an answer whose record is written.")
    for snapshot in snapshots:
        for service, histogram in snapshot.latency.items():
            yield from _buckets("tidewheel_decide_seconds", ("service",), (service,), snapshot.worker, histogram)
    yield from headed("tidewheel_stage_seconds", "histogram", "Parts of a decision.")
    for snapshot in snapshots:
        for service, stages in snapshot.stages.items():
            for stage, histogram in stages.items():
                values = (service, stage)
                yield from _buckets("tidewheel_stage_seconds", ("service", "stage"), values, snapshot.worker, histogram)


def _gauges(snapshots: list[Snapshot]) -> Iterator[str]:
    for name in sorted({name for snapshot in snapshots for name in snapshot.gauges}):
        yield from headed(f"tidewheel_{name}", "gauge", ABOUT.get(name, name.replace("_", " ")))
        for snapshot in snapshots:
            if name in snapshot.gauges:
                yield f'tidewheel_{name}{{worker="{snapshot.worker}"}} {snapshot.gauges[name]:g}'
    for name, labels in GAUGES.items():
        yield from headed(f"tidewheel_{name}", "gauge", ABOUT.get(name, name.replace("_", " ")))
        for snapshot in snapshots:
            for values, value in snapshot.labelled.get(name, []):
                yield f"tidewheel_{name}{labelled(labels, values, snapshot.worker)} {value:g}"


def _buckets(name: str, names: Labels, values: Labels, worker: int, histogram: Histogram) -> Iterator[str]:
    seen = 0
    for bound, count in zip((*BOUNDS_US, None), histogram.counts, strict=True):
        seen += count
        edge = "+Inf" if bound is None else f"{bound / 1e6:g}"
        yield f"{name}_bucket{labelled((*names, 'le'), (*values, edge), worker)} {seen}"
    labels = labelled(names, values, worker)
    yield f"{name}_sum{labels} {histogram.sum / 1e9:.9g}"
    yield f"{name}_count{labels} {seen}"


def labelled(names: Labels, values: Labels, worker: int) -> str:
    """Return labels between braces, the worker last."""
    pairs = zip((*names, "worker"), (*values, str(worker)), strict=True)
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in pairs) + "}"


def escaped(value: str) -> str:
    """Return a label's value as it stands between quotation marks."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
