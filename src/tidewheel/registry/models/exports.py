"""Exports: a version in a form that other runtimes read, and what that costs. Each is a run of its own."""

from __future__ import annotations

from typing import Literal

import msgspec

from tidewheel.registry.runs.runs import Metric, Run, finish_run, list_runs, start_run
from tidewheel.registry.versions.versions import Version
from tidewheel.storage.catalog import Catalog

CAUSE = "export"
Quantise = Literal["", "int8"]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """How scores of an export differ from the version's own, on the version's test rows."""

    format: Literal["onnx"] = "onnx"
    quantise: Quantise = ""
    rows: int
    largest: float
    """The largest absolute difference of two scores of a row."""
    mean: float
    """The mean absolute difference."""
    bytes: int
    """Of the exported file."""


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An export on record."""

    version: str
    run: str
    artifact: str
    """Digest of the exported file."""
    at: int
    who: str
    cost: Cost
    metrics: list[Metric]
    """Split ``test`` of the version, ``export`` of what was exported, on the same rows."""

    def __str__(self) -> str:
        """Return it as a sentence."""
        both = {m.metric: {n.split: n.value for n in self.metrics if n.metric == m.metric} for m in self.metrics}
        told = [f"{name} {n['test']:.4g} -> {n['export']:.4g}" for name, n in both.items() if None not in n.values()]
        cost = self.cost
        head = f"{cost.format}{' ' + cost.quantise if cost.quantise else ''}, {cost.bytes:,} bytes"
        return f"{head}: scores differ by {cost.largest:.2g} at most on {cost.rows:,} test rows; {', '.join(told)}"


def record_export(catalog: Catalog, version: Version, artifact: str, cost: Cost, metrics: list[Metric]) -> Export:
    """Put an export on record: a finished run that names the version's own as the one that it repeats."""
    told = {"of": version.name, **msgspec.structs.asdict(cost)}
    run = start_run(catalog, version.model, cause=CAUSE, rerun_of=version.run, parameters=told)
    return _export(version, finish_run(catalog, run.id, "done", metrics=metrics, artifacts={"model.onnx": artifact}))


def exports_of(catalog: Catalog, version: Version) -> list[Export]:
    """Return the exports of a version, newest first."""
    runs = list_runs(catalog, version.model, limit=1000)
    mine = [run for run in runs if run.cause == CAUSE and run.rerun_of == version.run and run.status == "done"]
    return [_export(version, run) for run in mine]


def _export(version: Version, run: Run) -> Export:
    cost = msgspec.convert({name: run.parameters[name] for name in Cost.__struct_fields__}, Cost)
    return Export(
        version=version.name, run=run.id, artifact=run.artifacts["model.onnx"], at=run.finished or run.started,
        who=run.who, cost=cost, metrics=run.metrics,
    )  # fmt: skip
