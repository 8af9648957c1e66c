"""The steps of a run: begun, done, what each left, from whom it was taken. A change is on disk before it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.statements import Statement, same
from tidewheel.storage.catalog.tables import run_steps, runs

Status = Literal["waiting", "running", "done", "failed", "killed", "skipped"]
_LAST = Statement(sa.select(sa.func.max(run_steps.c.seq)).where(same(run_steps.c.run)))
_BEGIN = Statement(sa.insert(run_steps))
_END = Statement(sa.update(run_steps).where(same(run_steps.c.run, run_steps.c.seq)))


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one run.

    Attributes
    ----------
    run : str
    seq : int
        Its place in the run's log.
    step : str
        Its name.
    at : int
        When it began, microseconds UTC.
    seconds : float
    detail : str
        What it found, in a line.
    key : str
        Hash of all that its output depends on; "" for one that is never reused.
    output : str
        Artifact that holds what it left; "" when nothing was kept.
    reused : str
        The run whose output it took instead of working; "" when it worked.
    status : str
    attempts : int
    """

    run: str
    seq: int
    step: str
    at: int
    seconds: float
    detail: str = ""
    key: str = ""
    output: str = ""
    reused: str = ""
    status: Status = "done"
    attempts: int = 1


def begin_step(catalog: Catalog, run: str, step: str, key: str = "") -> int:
    """Say that a step of a run begins; return its place in the run's log."""
    with catalog.write() as connection:
        return add_step(connection, run, step, at=catalog.now(), key=key)


def add_step(
    connection: sa.Connection,
    run: str,
    step: str,
    *,
    at: int,
    key: str = "",
    status: Status = "running",
    detail: str = "",
) -> int:
    """Add a step to a run's log in the caller's transaction; return its place."""
    seq = int(_LAST.scalar(connection, {"of_run": run}) or 0) + 1
    row = {"run": run, "seq": seq, "step": step, "at": at, "key": key}
    _BEGIN.run(connection, row | {"seconds": 0.0, "detail": detail, "status": status})
    return seq


def end_step(catalog: Catalog, run: str, seq: int, **values: Any) -> None:
    """Say how a step ended: columns of `StepRecord`, by name."""
    with catalog.write() as connection:
        _END.run(connection, {"of_run": run, "of_seq": seq, **values})


def step_records(catalog: Catalog, run: str) -> list[StepRecord]:
    """Return a run's steps, in order."""
    query = sa.select(run_steps).where(run_steps.c.run == run).order_by(run_steps.c.seq)
    with catalog.read() as connection:
        return [StepRecord(**plain(row)) for row in connection.execute(query)]


def kept_output(catalog: Catalog, key: str) -> StepRecord | None:
    """Return the newest step with a key that is done and left its output; None when there is none."""
    done = sa.and_(run_steps.c.key == key, run_steps.c.status == "done", run_steps.c.output != "")
    query = sa.select(run_steps).where(done).order_by(run_steps.c.at.desc(), run_steps.c.run.desc()).limit(1)
    with catalog.read() as connection:
        found = connection.execute(query).first()
    return None if found is None else StepRecord(**plain(found))


def forget_outputs(catalog: Catalog, before: int | None = None) -> list[str]:
    """Give up what steps left, of runs begun before an instant (of all, without one); return what may be deleted.

    The records stay. What a run that is under way left is kept, unless all is given up.
    """
    named = run_steps.c.output != ""
    old = sa.select(runs.c.id).where(runs.c.started < (before or 0), runs.c.status != "running")
    chosen = named if before is None else sa.and_(named, run_steps.c.run.in_(old))
    with catalog.write() as connection:
        gone = connection.execute(sa.select(run_steps.c.output).where(chosen)).scalars().all()
        connection.execute(sa.update(run_steps).where(chosen).values(output=""))
        left = connection.execute(sa.select(run_steps.c.output).where(run_steps.c.output.in_(gone))).scalars().all()
    return sorted(set(gone) - set(left))


def close_steps(connection: sa.Connection, run_ids: Sequence[str]) -> None:
    """Say of steps that were under way that their process was killed."""
    cut_off = sa.and_(run_steps.c.run.in_(run_ids), run_steps.c.status == "running")
    connection.execute(sa.update(run_steps).where(cut_off).values(status="killed"))
