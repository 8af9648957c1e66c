"""Runs: what was trained, on what, by which code, how it went. Written while a run goes on; never changed after."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from tidewheel.errors import ConflictError, NotFoundError
from tidewheel.registry.canonical import canonical
from tidewheel.registry.versions.names import current_user, new_run_id
from tidewheel.runtime.alive import this_process
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.statements import Statement, same
from tidewheel.storage.catalog.tables import run_metrics, run_steps, runs

PICKLE = "model.pickle"
"""The artifact that holds an estimator that has no other form than a pickle, where a person allowed one."""
Status = Literal["running", "done", "failed", "killed"]
_START, _CLOSE = Statement(sa.insert(runs)), Statement(sa.update(runs).where(same(runs.c.id)))
_ONE = Statement(sa.select(runs).where(same(runs.c.id)))
_LAST_STEP = Statement(sa.select(sa.func.max(run_steps.c.seq)).where(same(run_steps.c.run)))
_ADD_STEP = Statement(sa.insert(run_steps))
_numbers = [run_metrics.c[name] for name in ("split", "metric", "value", "low", "high")]
_METRICS, _MEASURE = Statement(sa.select(*_numbers).where(same(run_metrics.c.run))), Statement(sa.insert(run_metrics))
_FORGET = Statement(sa.delete(run_metrics).where(same(run_metrics.c.run, run_metrics.c.split, run_metrics.c.metric)))


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


_DECODE: dict[str, Callable[[str], Any]] = {
    "parameters": msgspec.json.Decoder(dict[str, Any]).decode,
    "lineage": msgspec.json.Decoder(Lineage).decode,
    "gates": msgspec.json.Decoder(list[Verdict]).decode,
    "artifacts": msgspec.json.Decoder(dict[str, str]).decode,
}
"""Columns that hold JSON."""


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
    """Open a run of `model` and return it, with its new id. Does not wait for the disk."""
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
    with catalog.write(durable=False) as connection:  # the first step's record takes it along to the disk
        _START.run(connection, _columns(run))
    return run


def _columns(run: Run) -> dict[str, Any]:
    row = {name: getattr(run, name) for name in Run.__struct_fields__ if name != "metrics"}
    return row | {name: canonical(row[name]).decode() for name in _DECODE}


def log_step(catalog: Catalog, run: str, step: str, seconds: float = 0.0, detail: str = "") -> None:
    """Add a line to a run's own log. Does not wait for the disk."""
    with catalog.write(durable=False) as connection:
        seq = (_LAST_STEP.scalar(connection, {"of_run": run}) or 0) + 1
        row = {"run": run, "seq": seq, "step": step, "at": catalog.now(), "seconds": seconds, "detail": detail}
        _ADD_STEP.run(connection, row)


def log_metrics(catalog: Catalog, run: str, metrics: Sequence[Metric]) -> None:
    """Keep metrics of a run, in place of earlier ones of the same split and name. Does not wait for the disk."""
    with catalog.write(durable=False) as connection:
        _put_metrics(connection, run, metrics)


def _put_metrics(connection: sa.Connection, run: str, metrics: Sequence[Metric]) -> None:
    """Write each metric once, the last of those of one split and name; three statements, however many there are."""
    rows = {
        (item.split, item.metric): {name: _finite(getattr(item, name)) for name in ("value", "low", "high")}
        for item in metrics
    }
    if not rows:
        return
    earlier = [row[:2] for row in _METRICS.run(connection, {"of_run": run}) if row[:2] in rows]
    _FORGET.run_many(connection, [{"of_run": run, "of_split": split, "of_metric": name} for split, name in earlier])
    written = [{"run": run, "split": split, "metric": metric, **row} for (split, metric), row in rows.items()]
    _MEASURE.run_many(connection, written)


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
    found = _ONE.first(connection, {"of_id": run})
    if found is None:
        raise _missing(run)
    if found["status"] != "running":
        raise ConflictError(f"run {run} is {found['status']}, and can't be closed again")
    _CLOSE.run(connection, {"of_id": run, **values})
    _put_metrics(connection, run, metrics)
    add_note(connection, f"run.{status}", found["model"], {"run": run, "error": error}, at=at)


def get_run(catalog: Catalog, run: str) -> Run:
    """Return a run by its id, or by the beginning of it when no other begins alike.

    Raises
    ------
    NotFoundError
        None, or several, begin so.
    """
    with catalog.read() as connection:
        found = _ONE.first(connection, {"of_id": run}) or _only(connection, run)
        if found is None:
            raise _missing(run, catalog.where)
        metrics = _METRICS.run(connection, {"of_run": found["id"]})
    return _run(found, metrics)


def _only(connection: sa.Connection, beginning: str) -> dict[str, Any] | None:
    query = sa.select(runs).where(runs.c.id.startswith(beginning.upper(), autoescape=True)).limit(2)
    found = connection.execute(query).all()
    return plain(found[0]) if len(found) == 1 and beginning else None


def list_runs(catalog: Catalog, model: str = "", limit: int = 100) -> list[Run]:
    """Return runs, newest first."""
    query = sa.select(runs).order_by(runs.c.started.desc(), runs.c.id.desc()).limit(limit)
    if model:
        query = query.where(runs.c.model == model)
    with catalog.read() as connection:
        found = connection.execute(query).all()
        metrics = sa.select(run_metrics.c.run, *_numbers).where(run_metrics.c.run.in_([row.id for row in found]))
        measured: dict[str, list[tuple[Any, ...]]] = {row.id: [] for row in found}
        for run, *numbers in connection.execute(metrics):
            measured[run].append(tuple(numbers))
    return [_run(plain(row), measured[row.id]) for row in found]


def running_runs(catalog: Catalog) -> list[Run]:
    """Return the runs under way, oldest first, without their metrics."""
    query = sa.select(runs).where(runs.c.status == "running").order_by(runs.c.started, runs.c.id)
    with catalog.read() as connection:
        return [_run(plain(row), ()) for row in connection.execute(query)]


def steps_of(catalog: Catalog, run: str) -> list[Step]:
    """Return a run's own log."""
    query = sa.select(run_steps).where(run_steps.c.run == run).order_by(run_steps.c.seq)
    with catalog.read() as connection:
        return [Step(row.seq, row.step, row.at, row.seconds, row.detail) for row in connection.execute(query)]


def _run(row: dict[str, Any], metrics: Sequence[tuple[Any, ...]]) -> Run:
    read = {name: decode(row[name]) for name, decode in _DECODE.items()}
    return Run(**row | read, metrics=[Metric(*numbers) for numbers in sorted(metrics, key=itemgetter(0, 1))])


def _missing(run: str, where: str = "") -> NotFoundError:
    return NotFoundError(f"no run {run!r}", where=where, remedy="`tidewheel runs` lists them")
