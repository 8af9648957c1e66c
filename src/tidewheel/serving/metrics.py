"""Counters and latency histograms of one worker, cheap enough for the request path.

Every worker writes its numbers to a small file each second, so that any worker, asked over the shared port, can
tell those of all: as Prometheus' text format for ``GET /metrics``, as plain data for ``/v1/status``.
"""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import msgspec

BOUNDS_US = (10, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
"""Upper bounds of the latency buckets; one more is above them all."""
_BOUNDS_NS = tuple(bound * 1000 for bound in BOUNDS_US)

MOST_NOTES = 128
Labels = tuple[str, ...]

HELP = {
    "decisions": ("service", "model", "decision"),
    "fallbacks": ("service", "link", "reason"),
    "refused": ("service", "error"),
    "retries": ("service",),
    "explored": ("service",),
    "stored": ("service", "outcome"),
    "cache": ("service", "outcome"),
    "events": ("event", "outcome"),
    "loads": ("service", "outcome"),
}
"""Counters by name, each with its labels."""


class Histogram(msgspec.Struct):
    """Counts of durations by bucket, with their number and sum (ns).

    Examples
    --------
    >>> latency = Histogram()
    >>> for ns in (15_000, 15_000, 900_000):
    ...     latency.observe(ns)
    >>> latency.quantile(0.5)
    20.0
    """

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BOUNDS_US) + 1))
    sum: int = 0

    def observe(self, ns: int) -> None:
        """Count one duration."""
        self.counts[bisect_left(_BOUNDS_NS, ns)] += 1
        self.sum += ns

    def add(self, other: Histogram) -> None:
        """Add another's counts."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum

    @property
    def count(self) -> int:
        """Number of durations."""
        return sum(self.counts)

    def quantile(self, q: float) -> float:
        """Return the upper bound (µs) of the bucket that holds the quantile; 0 when there is nothing."""
        due, seen = q * self.count, 0
        for bound, count in zip((*BOUNDS_US, float("inf")), self.counts, strict=True):
            seen += count
            if count and seen >= due:
                return float(bound)
        return 0.0


class Snapshot(msgspec.Struct):
    """A worker's numbers at one time."""

    worker: int
    counters: dict[str, list[tuple[Labels, int]]]
    latency: dict[str, Histogram]
    gauges: dict[str, float]
    at: int = 0
    loaded: dict[str, tuple[int, str]] = {}
    """By service: the deployment's revision that was loaded last, and what of it could not be."""


class Metrics:
    """The numbers of one worker. Written by its loop's thread and read anywhere.

    Parameters
    ----------
    worker : int
        Which worker of the workspace this is.

    Examples
    --------
    >>> metrics = Metrics(0)
    >>> metrics.count("retries", "Score")
    >>> metrics.total("retries")
    1
    """

    def __init__(self, worker: int = 0) -> None:
        self.worker = worker
        self._counters: dict[str, dict[Labels, int]] = {name: {} for name in HELP}
        self.latency: dict[str, Histogram] = {}
        self.gauges: dict[str, float] = {}
        self.loaded: dict[str, tuple[int, str]] = {}
        self._notes: list[tuple[str, str, str, int]] = []

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""
        counter = self._counters[name]
        counter[labels] = counter.get(labels, 0) + by

    def decided(self, service: str, model: str, decision: str, ns: int) -> None:
        """Note a decision; notes are counted some at a time, which is cheaper than one by one."""
        self._notes.append((service, model, decision, ns))
        if len(self._notes) >= MOST_NOTES:
            self._settle()

    def _settle(self) -> None:
        notes, self._notes = self._notes, []
        counter = self._counters["decisions"]
        for service, model, decision, ns in notes:
            labels = (service, model, decision)
            counter[labels] = counter.get(labels, 0) + 1
            self.histogram(service).observe(ns)

    def total(self, name: str, *labels: str) -> int:
        """Return the sum of a counter over all labels that begin with `labels`."""
        self._settle()
        return sum(value for key, value in self._counters[name].items() if key[: len(labels)] == labels)

    def histogram(self, service: str) -> Histogram:
        """Return the latency histogram of a service, made when it is first asked for."""
        found = self.latency.get(service)
        if found is None:
            found = self.latency[service] = Histogram()
        return found

    def snapshot(self, at: int = 0) -> Snapshot:
        """Return a copy of the numbers."""
        self._settle()
        counters = {name: list(values.items()) for name, values in self._counters.items()}
        return Snapshot(self.worker, counters, dict(self.latency), dict(self.gauges), at, dict(self.loaded))


def write_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Put a worker's numbers where the others find them."""
    path = folder / f"metrics-{snapshot.worker}.json"
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(msgspec.json.encode(snapshot))
    fresh.replace(path)


def read_snapshots(folder: Path, own: Snapshot) -> list[Snapshot]:
    """Return the numbers of all workers: `own` as they are now, the others' as last written."""
    return [own, *(snapshot for snapshot in _written(folder) if snapshot.worker != own.worker)]


def read_loaded(folder: Path) -> dict[int, dict[str, tuple[int, str]]]:
    """Return, by worker, what each has loaded (`Snapshot.loaded`), as last written."""
    return {snapshot.worker: snapshot.loaded for snapshot in _written(folder)}


def _written(folder: Path) -> Iterator[Snapshot]:
    for path in sorted(folder.glob("metrics-*.json")):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            yield msgspec.json.decode(path.read_bytes(), type=Snapshot)


def prometheus(snapshots: list[Snapshot]) -> bytes:
    """Return the workers' numbers in Prometheus' text format.

    Examples
    --------
    >>> metrics = Metrics(0)
    >>> metrics.count("retries", "Score")
    >>> b'tidewheel_retries_total{service="Score",worker="0"} 1' in prometheus([metrics.snapshot()])
    True
    """
    lines: list[str] = []
    for name, labels in HELP.items():
        lines.append(f"# TYPE tidewheel_{name}_total counter")
        for snapshot in snapshots:
            for values, count in snapshot.counters.get(name, []):
                lines.append(f"tidewheel_{name}_total{_labels(labels, values, snapshot.worker)} {count}")
    lines.append("# TYPE tidewheel_decide_seconds histogram")
    for snapshot in snapshots:
        for service, histogram in snapshot.latency.items():
            lines.extend(_buckets(service, snapshot.worker, histogram))
    for name in sorted({name for snapshot in snapshots for name in snapshot.gauges}):
        lines.append(f"# TYPE tidewheel_{name} gauge")
        for snapshot in snapshots:
            if name in snapshot.gauges:
                lines.append(f'tidewheel_{name}{{worker="{snapshot.worker}"}} {snapshot.gauges[name]:g}')
    return ("\n".join(lines) + "\n").encode()


def _buckets(service: str, worker: int, histogram: Histogram) -> list[str]:
    lines, seen = [], 0
    name = "tidewheel_decide_seconds"
    for bound, count in zip((*BOUNDS_US, None), histogram.counts, strict=True):
        seen += count
        edge = "+Inf" if bound is None else f"{bound / 1e6:g}"
        lines.append(f"{name}_bucket{_labels(('service', 'le'), (service, edge), worker)} {seen}")
    labels = _labels(("service",), (service,), worker)
    return [*lines, f"{name}_sum{labels} {histogram.sum / 1e9:.9g}", f"{name}_count{labels} {seen}"]


def _labels(names: Labels, values: Labels, worker: int) -> str:
    pairs = zip((*names, "worker"), (*values, str(worker)), strict=True)
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in pairs) + "}"


def escaped(value: str) -> str:
    """Return a label's value as it stands between quotation marks."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
