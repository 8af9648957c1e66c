"""Runs: what was trained, on what, by which code, how it went. Written while a run goes on; never changed after."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from tidewheel.errors import ConflictError, NotFoundError
from tidewheel.registry.canonical import canonical
from tidewheel.registry.names import current_user, new_run_id
from tidewheel.runtime.alive import this_process
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import run_metrics, run_steps, runs

Status = Literal["running", "done", "failed", "killed"]


class Metric(msgspec.Struct, frozen=True):
    """A number about one split, with the ends of its interval; None is "could not be computed"."""

    split: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What a gate said, and the evidence that it said it by."""

    gate: str
    passed: bool
    detail: str = ""
    evidence: dict[str, Any] = {}
    blessing: Literal["good", "servable"] = "good"
    """What it speaks of: how good the version is, or whether it can be served."""
    approvers: list[str] = []
    """Who is asked where it did not pass: then it waits for one of them, and is not failed."""
    expires: int = 0
    """How long they have, microseconds."""

    @property
    def waits(self) -> bool:
        """Whether a person has the last word."""
        return not self.passed and bool(self.approvers)


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run's result comes from: enough to do it again and to see whether the same comes out."""

    commit: str = ""
    """Revision of the project's code; "" outside a repository."""
    dirty_patch: str = ""
    """Artifact that holds what differed from the commit; "" when nothing did."""
    definitions: dict[str, str] = {}
    """Digest of each definition used, by name."""
    tables: dict[str, int] = {}
    """Version of each lake table read."""
    log_head: int = 0
    """Events from this offset on were not seen."""
    as_of: int = 0
    """Labels count as matured, and history as known, at this instant (microseconds UTC)."""
    rows: dict[str, int] = {}
    """Rows of each split, and rows left out, by reason."""
    dataset: str = ""
    """Hash of the training data set."""
    seed: int = 0
    libraries: dict[str, str] = {}
    """Version of each library that has a say, and of Python."""
    timings: dict[str, float] = {}
    """Seconds of each step."""
    parents: dict[str, str] = {}
    """Versions that were learned from: ``init_from``, whose model the fit went on from, and ``teacher``."""


class Step(msgspec.Struct, frozen=True):
    """One line of a run's own log."""

    seq: int
    step: str
    at: int
    seconds: float
    detail: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The record of one run."""

    id: str
    model: str
    status: Status
    started: int
    finished: int | None = None
    cause: str = ""
    who: str = ""
    rerun_of: str = ""
    parameters: dict[str, Any] = {}
    lineage: Lineage = Lineage()
    gates: list[Verdict] = []
    artifacts: dict[str, str] = {}
    """Digest of each file the run left, by name."""
    error: str = ""
    metrics: list[Metric] = []
    key: str = ""
    """Hash of what was asked for: a run of the same key that was cut off is gone on with."""
    process: str = ""
    """Who works on it (see `runtime.alive`)."""
    seen: int | None = None
    """When that process last gave a sign of life, by the machine's clock."""

    def metric(self, name: str, split: str = "test") -> Metric | None:
        """Return one metric of one split, or None."""
        return next((m for m in self.metrics if m.metric == name and m.split == split), None)


def start_run(
    catalog: Catalog,
    model: str,
    *,
    cause: str = "",
    who: str = "",
    parameters: Mapping[str, Any] | None = None,
    rerun_of: str = "",
    key: str = "",
) -> Run:
    """Open a run of `model` and return it, with its new id."""
    now = catalog.now()
    run = Run(
        id=new_run_id(now),
        model=model,
        status="running",
        started=now,
        cause=cause,
        who=who or current_user(),
        parameters=dict(parameters or {}),
        rerun_of=rerun_of,
        key=key,
        process=this_process(),
        seen=time.time_ns() // 1000,
    )
    with catalog.write() as connection:
        connection.execute(sa.insert(runs).values(**_columns(run)))
    return run


def _columns(run: Run) -> dict[str, Any]:
    row = {name: getattr(run, name) for name in Run.__struct_fields__ if name != "metrics"}
    for name in ("parameters", "lineage", "gates", "artifacts"):
        row[name] = canonical(row[name]).decode()
    return row


def log_step(catalog: Catalog, run: str, step: str, seconds: float = 0.0, detail: str = "") -> None:
    """Add a line to a run's own log. Does not wait for the disk."""
    with catalog.write(durable=False) as connection:
        last = connection.execute(sa.select(sa.func.max(run_steps.c.seq)).where(run_steps.c.run == run)).scalar()
        row = {"run": run, "seq": (last or 0) + 1, "step": step, "seconds": seconds, "detail": detail}
        connection.execute(sa.insert(run_steps).values(at=catalog.now(), **row))


def log_metrics(catalog: Catalog, run: str, metrics: Sequence[Metric]) -> None:
    """Keep metrics of a run, in place of earlier ones of the same split and name. Does not wait for the disk."""
    with catalog.write(durable=False) as connection:
        _put_metrics(connection, run, metrics)


def _put_metrics(connection: sa.Connection, run: str, metrics: Sequence[Metric]) -> None:
    """Write each metric once, the last of those of one split and name; two statements, however many there are."""
    rows = {
        (item.split, item.metric): {name: _finite(getattr(item, name)) for name in ("value", "low", "high")}
        for item in metrics
    }
    if not rows:
        return
    same = [getattr(run_metrics.c, name) == sa.bindparam(f"of_{name}") for name in ("run", "split", "metric")]
    earlier = [{"of_run": run, "of_split": split, "of_metric": metric} for split, metric in rows]
    connection.execute(sa.delete(run_metrics).where(*same), earlier)
    written = [{"run": run, "split": split, "metric": metric, **row} for (split, metric), row in rows.items()]
    connection.execute(sa.insert(run_metrics), written)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def finish_run(
    catalog: Catalog,
    run: str,
    status: Literal["done", "failed"],
    *,
    parameters: Mapping[str, Any] | None = None,
    lineage: Lineage | None = None,
    metrics: Sequence[Metric] = (),
    gates: Sequence[Verdict] = (),
    artifacts: Mapping[str, str] | None = None,
    error: str = "",
) -> Run:
    """Close a run for good.

    Raises
    ------
    NotFoundError
        There is no such run.
    ConflictError
        It is closed already.
    """
    given = {"parameters": parameters, "lineage": lineage, "gates": list(gates), "artifacts": artifacts}
    with catalog.write() as connection:
        close_run(connection, run, status, at=catalog.now(), metrics=metrics, error=error, **given)
    return get_run(catalog, run)


def close_run(
    connection: sa.Connection,
    run: str,
    status: Literal["done", "failed"],
    *,
    at: int,
    metrics: Sequence[Metric] = (),
    error: str = "",
    **given: Any,
) -> None:
    """Close a run for good, in the caller's transaction; see `finish_run`."""
    values: dict[str, Any] = {"status": status, "finished": at, "error": error}
    values |= {name: canonical(value).decode() for name, value in given.items() if value is not None}
    found = connection.execute(sa.select(runs.c.status, runs.c.model).where(runs.c.id == run)).first()
    if found is None:
        raise _missing(run)
    if found.status != "running":
        raise ConflictError(f"run {run} is {found.status}, and can't be closed again")
    connection.execute(sa.update(runs).where(runs.c.id == run).values(**values))
    _put_metrics(connection, run, metrics)
    add_note(connection, f"run.{status}", found.model, {"run": run, "error": error}, at=at)


def get_run(catalog: Catalog, run: str) -> Run:
    """Return a run by its id, or by the beginning of it when no other begins alike.

    Raises
    ------
    NotFoundError
        None, or several, begin so.
    """
    query = sa.select(runs).where(runs.c.id.startswith(run.upper(), autoescape=True)).limit(2)
    with catalog.read() as connection:
        found = connection.execute(query).all()
        if len(found) != 1 or not run:
            raise _missing(run, catalog.where)
        metrics = connection.execute(sa.select(run_metrics).where(run_metrics.c.run == found[0].id)).all()
    return _run(found[0], metrics)


def list_runs(catalog: Catalog, model: str = "", limit: int = 100) -> list[Run]:
    """Return runs, newest first."""
    query = sa.select(runs).order_by(runs.c.started.desc(), runs.c.id.desc()).limit(limit)
    if model:
        query = query.where(runs.c.model == model)
    with catalog.read() as connection:
        found = connection.execute(query).all()
        metrics = sa.select(run_metrics).where(run_metrics.c.run.in_([row.id for row in found]))
        measured = connection.execute(metrics).all()
    return [_run(row, [metric for metric in measured if metric.run == row.id]) for row in found]


def running_runs(catalog: Catalog) -> list[Run]:
    """Return the runs under way, oldest first, without their metrics."""
    query = sa.select(runs).where(runs.c.status == "running").order_by(runs.c.started, runs.c.id)
    with catalog.read() as connection:
        return [_run(row, ()) for row in connection.execute(query)]


def steps_of(catalog: Catalog, run: str) -> list[Step]:
    """Return a run's own log."""
    query = sa.select(run_steps).where(run_steps.c.run == run).order_by(run_steps.c.seq)
    with catalog.read() as connection:
        return [Step(row.seq, row.step, row.at, row.seconds, row.detail) for row in connection.execute(query)]


def _run(row: Any, metrics: Sequence[Any]) -> Run:
    values = plain(row)
    for name in ("parameters", "lineage", "gates", "artifacts"):
        values[name] = msgspec.json.decode(values[name])
    ordered = sorted(metrics, key=lambda metric: (metric.split, metric.metric))
    values["metrics"] = [{name: getattr(m, name) for name in Metric.__struct_fields__} for m in ordered]
    return msgspec.convert(values, Run)


def _missing(run: str, where: str = "") -> NotFoundError:
    return NotFoundError(f"no run {run!r}", where=where, remedy="`tidewheel runs` lists them")
