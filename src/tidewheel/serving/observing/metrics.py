"""Counters and latency histograms of one worker, cheap enough for the request path.

Every worker writes its numbers to a small file each second, so that any worker, asked over the shared port, can
tell those of all: as Prometheus' text format (`exposition`) for ``GET /metrics``, as plain data for ``/v1/status``.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

BOUNDS_US = (10, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
"""Upper bounds of the latency buckets; one more is above them all."""
_BOUNDS_NS = tuple(bound * 1000 for bound in BOUNDS_US)

_EDGES_NS = np.array(_BOUNDS_NS)
_BUCKETS = len(BOUNDS_US) + 1

STAGES = ("decode", "features", "rules", "model", "decide", "journal")
"""Parts of a decision, in order; the last is from the verdict to an answer whose record is written."""
MOST_NOTES = 512
MOST_SETS = 1000
"""Sets of labels of one counter; what comes beyond is counted under ``other``, so that no caller can make more."""
Labels = tuple[str, ...]

HELP = {
    "decisions": ("service", "model", "decision"),
    "fallbacks": ("service", "link", "reason"),
    "refused": ("service", "error"),
    "retries": ("service",),
    "explored": ("service",),
    "stored": ("service", "outcome"),
    "cache": ("service", "outcome"),
    "resent": ("service", "how"),
    "events": ("event", "outcome"),
    "loads": ("service", "outcome"),
    "model_failures": ("model", "reason"),
    "model_cache": ("model", "outcome"),
    "upkeep_failures": ("task",),
}
"""Counters by name, each with its labels."""

GAUGES: dict[str, Labels] = {
    "model_waiting": ("model",),
    "model_batches": ("model",),
    "deployment_revision": ("service",),
}
"""Gauges with labels of their own, beside those that have one value a worker."""


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


class ModelTimes(msgspec.Struct, array_like=True):
    """What a version has answered: how often, and ns in all, for features, in the model, for the rest."""

    count: int = 0
    total: int = 0
    features: int = 0
    model: int = 0
    rest: int = 0


class Inferences(msgspec.Struct, array_like=True):
    """What a model was asked over the Open Inference Protocol."""

    rows: int = 0
    executions: int = 0
    success_ns: int = 0
    failures: int = 0
    fail_ns: int = 0
    last: int = 0
    """Of the last answer, milliseconds since 1970."""

    def add(self, other: Inferences) -> None:
        """Add another process's."""
        self.rows += other.rows
        self.executions += other.executions
        self.success_ns += other.success_ns
        self.failures += other.failures
        self.fail_ns += other.fail_ns
        self.last = max(self.last, other.last)


class Snapshot(msgspec.Struct):
    """A worker's numbers at one time."""

    worker: int
    counters: dict[str, list[tuple[Labels, int]]]
    latency: dict[str, Histogram]
    gauges: dict[str, float]
    at: int = 0
    loaded: dict[str, tuple[int, str]] = {}
    """By service: the deployment's revision that was loaded last, and what of it could not be."""
    stages: dict[str, dict[str, Histogram]] = {}
    """By service and stage."""
    models: dict[str, ModelTimes] = {}
    labelled: dict[str, list[tuple[Labels, float]]] = {}
    """Gauges with labels of their own."""
    inferred: dict[str, Inferences] = {}
    """By ``model@version``."""


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
        self.labelled: dict[str, dict[Labels, float]] = {name: {} for name in GAUGES}
        self.loaded: dict[str, tuple[int, str]] = {}
        self.stages: dict[str, dict[str, Histogram]] = {}
        self.models: dict[str, ModelTimes] = {}
        self.inferred: dict[str, Inferences] = {}
        self._notes: dict[Labels, array[int]] = {}
        self._noted = 0

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""
        counter = self._counters[name]
        if labels not in counter and len(counter) >= MOST_SETS:
            labels = ("other",) * len(labels)
        counter[labels] = counter.get(labels, 0) + by

    def decided(self, service: str, model: str, decision: str, ns: int, spent: list[int]) -> None:
        """Note a decision; notes are counted some at a time, which is cheaper than one by one.

        Parameters
        ----------
        service, model, decision : str
        ns : int
            From the request to an answer whose record is written.
        spent : list of int
            The record's timings: of each stage but the last.
        """
        key = (service, model, decision)
        notes = self._notes.get(key)
        if notes is None:
            notes = self._notes[key] = array("q")
        notes.extend((ns, *spent))  # in one go: another thread may look at any moment
        self._noted += 1
        if self._noted >= MOST_NOTES:
            self._settle()

    def _settle(self) -> None:
        notes, self._notes, self._noted = self._notes, {}, 0
        for key, durations in notes.items():
            rows = np.frombuffer(durations.tobytes(), np.int64).reshape(-1, len(STAGES))
            self.count("decisions", *key, by=len(rows))
            self._add_times(key[0], key[1], rows)

    def _add_times(self, service: str, model: str, rows: Integers) -> None:
        """Add durations, a row a decision: in all, then of each stage but the last."""
        table = np.column_stack((rows, rows[:, 0] - rows[:, 1:].sum(axis=1)))
        columns = table.shape[1]
        places = np.searchsorted(_EDGES_NS, table) + np.arange(columns) * _BUCKETS
        counts = np.bincount(places.ravel(), minlength=columns * _BUCKETS).reshape(columns, _BUCKETS).tolist()
        sums = [int(ns) for ns in table.sum(axis=0)]
        stages = self.stages.setdefault(service, {name: Histogram() for name in STAGES})
        for histogram, more, ns in zip((self.histogram(service), *stages.values()), counts, sums, strict=True):
            histogram.add(Histogram(more, ns))
        if model:
            times = self.models.setdefault(model, ModelTimes())
            times.count += len(table)
            times.total += sums[0]
            times.features += sums[2]
            times.model += sums[4]
            times.rest += sums[0] - sums[2] - sums[4]

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
        return Snapshot(
            self.worker,
            counters,
            dict(self.latency),
            dict(self.gauges),
            at,
            dict(self.loaded),
            self.stages,
            self.models,
            {name: list(values.items()) for name, values in self.labelled.items()},
            dict(self.inferred),
        )


def write_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Put a worker's numbers where the others find them."""
    path = folder / f"metrics-{snapshot.worker}.json"
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(msgspec.json.encode(snapshot))
    fresh.replace(path)


def read_snapshots(folder: Path, own: Snapshot) -> list[Snapshot]:
    """Return the numbers of all workers: `own` as they are now, the others' as last written."""
    return [own, *(snapshot for snapshot in _written(folder) if snapshot.worker != own.worker)]


def read_written(folder: Path) -> list[Snapshot]:
    """Return the numbers of all workers as last written."""
    return list(_written(folder))


def read_loaded(folder: Path) -> dict[int, dict[str, tuple[int, str]]]:
    """Return, by worker, what each has loaded (`Snapshot.loaded`), as last written."""
    return {snapshot.worker: snapshot.loaded for snapshot in _written(folder)}


def _written(folder: Path) -> Iterator[Snapshot]:
    for path in sorted(folder.glob("metrics-*.json")):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            yield msgspec.json.decode(path.read_bytes(), type=Snapshot)
