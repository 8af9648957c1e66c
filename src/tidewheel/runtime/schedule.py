"""Run jobs at their due times: each due time once, whoever claims it first; of those missed, only the latest.

A due time is claimed by inserting its row into the catalog, so two schedulers, or one restarted, never run
the same one twice. A run that was cut off (its process died) is found by the next holder and done again, at
most `ATTEMPTS` times: jobs have to bear being run again after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
import sqlalchemy as sa

from tidewheel.errors import TidewheelError
from tidewheel.runtime.clock import NEVER
from tidewheel.runtime.due import Schedule, latest_due, next_due
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import job_runs, jobs

_log = logging.getLogger("tidewheel.schedule")

ATTEMPTS = 3
"""How often a due time is tried when the process dies in it."""


class JobRun(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one due time of a job."""

    job: str
    due: int
    status: Literal["claimed", "done", "failed"]
    attempt: int
    holder: str
    claimed: int
    finished: int | None
    detail: str


class Job(msgspec.Struct, frozen=True):
    """Something to do on a schedule. `run` takes the due instant and returns a line about what it did."""

    name: str
    schedule: Schedule
    run: Callable[[int], str]


class Scheduler:
    """Claims and runs what is due. One a workspace, by lease; a second one would do no harm, and nothing.

    Parameters
    ----------
    catalog : Catalog
        Holds the claims; its clock says what time it is.
    holder : str
        Who claims, such as ``scheduler 4711``: must differ between one life of the process and the next.
    """

    def __init__(self, catalog: Catalog, holder: str) -> None:
        self._catalog = catalog
        self._holder = holder
        self._jobs: dict[str, Job] = {}

    def set_jobs(self, wanted: Mapping[str, tuple[Schedule, Callable[[int], str]]]) -> None:
        """Take these jobs in place of the earlier ones.

        A job that is new, or whose schedule changed, is due for the first time after now.
        """
        for name, (schedule, run) in wanted.items():
            if name not in self._jobs or self._jobs[name].schedule != schedule:
                register_job(self._catalog, name, schedule)
            self._jobs[name] = Job(name, schedule, run)
        for name in set(self._jobs) - set(wanted):
            del self._jobs[name]

    def step(self) -> list[JobRun]:
        """Run every job whose time has come, one after the other, in order of due time; return what came of them."""
        done = []
        for due, name in sorted(self._ready()):
            attempt = claim(self._catalog, name, due, self._holder)
            if attempt:
                done.append(self._run(self._jobs[name], due))
        return done

    def next_due(self) -> int:
        """Return the next instant at which a job is due; at or before now when one waits; ``NEVER`` without jobs."""
        ready = [due for due, _ in self._ready()]
        now = self._catalog.now()
        return min([*ready, *(next_due(job.schedule, now) for job in self._jobs.values())], default=NEVER)

    def _ready(self) -> list[tuple[int, str]]:
        """Return (due, job) for each job's latest due time that is neither done nor from before it was known."""
        now = self._catalog.now()
        since, taken = _known(self._catalog)
        ready = []
        for name, job in self._jobs.items():
            due = latest_due(job.schedule, now)
            state = taken.get((name, due))
            if due > since.get(name, now) and (state is None or _cut_off(state, self._holder)):
                ready.append((due, name))
        return ready

    def _run(self, job: Job, due: int) -> JobRun:
        status: Literal["done", "failed"] = "failed"
        try:
            said, status = job.run(due), "done"
        except TidewheelError as error:
            said = str(error)
            _log.error("%s: %s", job.name, said)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            _log.exception("%s failed in a way that nobody foresaw", job.name)
        return finish(self._catalog, job.name, due, status, said)


def register_job(catalog: Catalog, name: str, schedule: Schedule) -> int:
    """Make a job known; return the instant since which its due times count."""
    text = msgspec.json.encode(schedule.check()).decode()
    with catalog.write() as connection:
        known = connection.execute(sa.select(jobs).where(jobs.c.name == name)).first()
        if known is not None and known.schedule == text:
            return int(known.since)
        now = catalog.now()
        if known is None:
            connection.execute(sa.insert(jobs).values(name=name, schedule=text, since=now))
        else:
            connection.execute(sa.update(jobs).where(jobs.c.name == name).values(schedule=text, since=now))
    return now


def claim(catalog: Catalog, job: str, due: int, holder: str) -> int:
    """Take a due time; return which attempt this is, or 0 when it is another's or done."""
    same = sa.and_(job_runs.c.job == job, job_runs.c.due == due)
    with catalog.write() as connection:
        found = connection.execute(sa.select(job_runs).where(same)).first()
        now = catalog.now()
        if found is None:
            row = {"job": job, "due": due, "status": "claimed", "attempt": 1, "holder": holder, "claimed": now}
            connection.execute(sa.insert(job_runs).values(**row, detail=""))
            return 1
        run = JobRun(**plain(found))
        if not _cut_off(run, holder):
            return 0
        again = {"attempt": run.attempt + 1, "holder": holder, "claimed": now}
        connection.execute(sa.update(job_runs).where(same).values(**again))
        return run.attempt + 1


def _cut_off(run: JobRun, holder: str) -> bool:
    """Tell a run that an earlier holder never finished, and that may be tried again."""
    return run.status == "claimed" and run.holder != holder and run.attempt < ATTEMPTS


def finish(catalog: Catalog, job: str, due: int, status: Literal["done", "failed"], detail: str) -> JobRun:
    """Say what came of a claimed due time."""
    same = sa.and_(job_runs.c.job == job, job_runs.c.due == due)
    with catalog.write() as connection:
        now = catalog.now()
        connection.execute(sa.update(job_runs).where(same).values(status=status, finished=now, detail=detail))
        add_note(connection, f"job.{status}", job, {"due": due, "detail": detail}, at=now)
        return JobRun(**plain(connection.execute(sa.select(job_runs).where(same)).one()))


def job_history(catalog: Catalog, job: str = "", limit: int = 100) -> list[JobRun]:
    """Return due times that were claimed, newest first."""
    query = sa.select(job_runs).order_by(job_runs.c.due.desc()).limit(limit)
    if job:
        query = query.where(job_runs.c.job == job)
    with catalog.read() as connection:
        return [JobRun(**plain(row)) for row in connection.execute(query)]


def _known(catalog: Catalog) -> tuple[dict[str, int], dict[tuple[str, int], JobRun]]:
    """Return since when each job counts, and the newest claimed due time of each."""
    newest = sa.select(job_runs.c.job, sa.func.max(job_runs.c.due).label("due")).group_by(job_runs.c.job).subquery()
    query = sa.select(job_runs).join(newest, sa.and_(job_runs.c.job == newest.c.job, job_runs.c.due == newest.c.due))
    with catalog.read() as connection:
        since = {row.name: row.since for row in connection.execute(sa.select(jobs.c.name, jobs.c.since))}
        runs = [JobRun(**plain(row)) for row in connection.execute(query)]
    return since, {(run.job, run.due): run for run in runs}
