"""What services and workers do at the moment: the difference of two looks at their counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tidewheel.serving.observing.metrics import Histogram, Snapshot

QUANTILES = (0.5, 0.95, 0.99)


class Deployed(msgspec.Struct, kw_only=True):
    """What a service points at, as ``/v1/status`` and the catalog tell it."""

    champion: str = ""
    challenger: str = ""
    killed: bool = False
    revision: int = 0
    damage: str = ""


class ServiceNumbers(msgspec.Struct, kw_only=True):
    """A service between two looks."""

    service: str
    deployed: Deployed
    decisions: int
    """Since the workers were started."""
    rate: float
    """Decisions a second."""
    fallback_share: float
    """Of the decisions between the looks."""
    latency_us: dict[str, float]
    """By percentile: upper bounds of buckets. Of all decisions when there were none between the looks."""
    versions: dict[str, float]
    """Share of the decisions that each version answered; "" for none."""


class WorkerNumbers(msgspec.Struct, kw_only=True):
    """A worker at the second look."""

    worker: int
    rate: float
    connections: int
    in_flight: int
    unsynced: int
    """Decision records that are not yet on the disk."""
    events_waiting: int


class Overview(msgspec.Struct, kw_only=True):
    """Everything between two looks."""

    seconds: float
    lag: int
    """Events in the log that features do not hold yet."""
    services: list[ServiceNumbers]
    workers: list[WorkerNumbers]


def overview(
    before: Sequence[Snapshot], after: Sequence[Snapshot], seconds: float, deployed: Mapping[str, Deployed]
) -> Overview:
    """Return what happened between two looks at the workers' numbers.

    Parameters
    ----------
    before, after : sequence of Snapshot
        One a worker.
    seconds : float
        Between them.
    deployed : mapping
        By service.
    """
    earlier = {snapshot.worker: snapshot for snapshot in before}
    pairs = [(earlier.get(snapshot.worker), snapshot) for snapshot in after]
    names = sorted({*deployed, *(name for snapshot in after for name in snapshot.latency)})
    return Overview(
        seconds=seconds,
        lag=max((int(snapshot.gauges.get("stream_lag_events", 0)) for snapshot in after), default=0),
        services=[_service(name, pairs, seconds, deployed.get(name, Deployed())) for name in names],
        workers=[_worker(old, new, seconds) for old, new in pairs],
    )


Pairs = Sequence[tuple[Snapshot | None, Snapshot]]


def _service(name: str, pairs: Pairs, seconds: float, deployed: Deployed) -> ServiceNumbers:
    total, recent = Histogram(), Histogram()
    for old, new in pairs:
        mine = new.latency.get(name, Histogram())
        total.add(mine)
        recent.add(_since(old.latency.get(name, Histogram()) if old is not None else Histogram(), mine))
    shown = recent if recent.count else total
    answered = _grown(pairs, "decisions", name, 1)
    fallbacks = sum(_grown(pairs, "fallbacks", name, 1).values())
    every = sum(answered.values())
    return ServiceNumbers(
        service=name,
        deployed=deployed,
        decisions=total.count,
        rate=recent.count / seconds if seconds else 0.0,
        fallback_share=fallbacks / recent.count if recent.count else 0.0,
        latency_us={f"p{round(q * 100)}": shown.quantile(q) for q in QUANTILES},
        versions={model: count / every for model, count in sorted(answered.items()) if count},
    )


def _worker(old: Snapshot | None, new: Snapshot, seconds: float) -> WorkerNumbers:
    made = sum(histogram.count for histogram in new.latency.values())
    before = sum(histogram.count for histogram in old.latency.values()) if old is not None else 0
    gauges = new.gauges
    return WorkerNumbers(
        worker=new.worker,
        # A worker that was started anew counts from nothing.
        rate=(made - before if made >= before else made) / seconds if seconds else 0.0,
        connections=int(gauges.get("http_connections", 0)),
        in_flight=int(gauges.get("decisions_in_flight", 0)),
        unsynced=int(gauges.get("journal_unsynced_records", 0)),
        events_waiting=int(gauges.get("events_waiting", 0)),
    )


def _since(old: Histogram, new: Histogram) -> Histogram:
    """Return what was observed since; all of it when the worker was started anew."""
    if old.count > new.count:
        return new
    return Histogram([b - a for a, b in zip(old.counts, new.counts, strict=True)], new.sum - old.sum)


def _grown(pairs: Pairs, counter: str, service: str, label: int) -> dict[str, int]:
    """Return by how much a service's counter has grown, by one of its labels."""
    grown: dict[str, int] = {}
    for old, new in pairs:
        before = dict(old.counters.get(counter, [])) if old is not None else {}
        for labels, count in new.counters.get(counter, []):
            if labels[0] == service:
                earlier = before.get(labels, 0)
                grown[labels[label]] = grown.get(labels[label], 0) + (count - earlier if count >= earlier else count)
    return grown
