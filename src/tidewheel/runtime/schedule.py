"""Run jobs at their due times: each due time once, whoever claims it first; of those missed, what the job asks for.

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
from tidewheel.runtime.clock import NEVER, UNSET
from tidewheel.runtime.due import Schedule, latest_due, next_due
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import job_runs, jobs

_log = logging.getLogger("tidewheel.schedule")

LATE = 600_000_000
"""Microseconds after which a due time that nobody took counts as missed, by a job that skips these."""
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
    cause: str = ""
    """The event that asked for it; "" for the clock."""


class Job(msgspec.Struct, frozen=True):
    """Something to do on a schedule. `run` takes the due instant and returns a line about what it did."""

    name: str
    schedule: Schedule
    run: Callable[[int], str]


class Scheduler:
    """Claims and runs what is due. Whoever makes one must hold the lease of the role.

    Parameters
    ----------
    catalog : Catalog
        Holds the claims; its clock says what time it is.
    holder : str
        Who claims, such as ``keeper 4711 #3``: must differ between one life of the process and the next.
    """

    def __init__(self, catalog: Catalog, holder: str) -> None:
        self._catalog = catalog
        self._holder = holder
        self._jobs: dict[str, Job] = {}
        self._since: dict[str, int] = {}
        self._newest = newest_runs(catalog)
        self._orphans = {(run.job, run.due) for run in self._newest.values() if _cut_off(run, holder)}

    def set_jobs(self, wanted: Mapping[str, tuple[Schedule, Callable[[int], str]]]) -> None:
        """Take these jobs in place of the earlier ones.

        A job that is new, or whose schedule changed, is due for the first time after now; in a replay workspace
        whose time has not begun, after its beginning.
        """
        for name, (schedule, run) in wanted.items():
            if name in self._jobs and self._jobs[name].schedule != schedule:
                self._since.pop(name, None)
            self._jobs[name] = Job(name, schedule.check(), run)
        for name in set(self._jobs) - set(wanted):
            del self._jobs[name]
        self._register()

    def _register(self) -> None:
        for name in self._jobs.keys() - self._since.keys() if self._catalog.now() != UNSET else ():
            self._since[name] = register_job(self._catalog, name, self._jobs[name].schedule)

    def step(self) -> list[JobRun]:
        """Run every job whose time has come, one after the other, in order of due time; return what came of them.

        Where nothing is due it asks the clock only, not the catalog.
        """
        self._register()
        done: list[JobRun] = []
        while ready := sorted(self._ready()):
            for due, name in ready:
                again = (name, due) in self._orphans
                self._orphans.discard((name, due))
                if claim(self._catalog, name, due, self._holder, again=again):
                    done.append(self._run(self._jobs[name], due))
            self._newest = newest_runs(self._catalog)
            if not any(self._jobs[name].schedule.missed == "all" for _, name in ready if name in self._jobs):
                break
        return done

    def next_due(self) -> int:
        """Return the next instant at which a job is due; at or before now when one waits; ``NEVER`` without jobs."""
        now = self._catalog.now()
        if now == UNSET:
            return UNSET if self._jobs else NEVER
        ready = [due for due, _ in self._ready()]
        return min([*ready, *(next_due(job.schedule, now) for job in self._jobs.values())], default=NEVER)

    def _ready(self) -> list[tuple[int, str]]:
        """Return (due, job) for each job's due time whose turn it is; none from before the job was known."""
        now, ready = self._catalog.now(), []
        for name, since in self._since.items():
            due = self._turn(name, since, now) if name in self._jobs else since
            newest = self._newest.get(name)
            taken = newest is not None and newest.due >= due
            if due > since and (not taken or (name, due) in self._orphans):
                ready.append((due, name))
        return ready

    def _turn(self, name: str, since: int, now: int) -> int:
        """Return the due time of a job that is looked at next: the latest, or the first that nobody took."""
        schedule, newest = self._jobs[name].schedule, self._newest.get(name)
        latest = latest_due(schedule, now)
        if newest is not None and (name, newest.due) in self._orphans and schedule.missed != "latest":
            return newest.due
        if schedule.missed == "all":
            return min(next_due(schedule, max(since, newest.due if newest else since)), latest)
        return since if schedule.missed == "skip" and now - latest > LATE else latest

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
        if known is not None and msgspec.json.decode(known.schedule, type=Schedule) == schedule:
            return int(known.since)
        now = catalog.now()
        if known is None:
            connection.execute(sa.insert(jobs).values(name=name, schedule=text, since=now))
        else:
            connection.execute(sa.update(jobs).where(jobs.c.name == name).values(schedule=text, since=now))
    return now


def claim(catalog: Catalog, job: str, due: int, holder: str, *, again: bool = False) -> int:
    """Take a due time.

    Parameters
    ----------
    again : bool
        Whether a claim of another's may be taken over: its holder is known to be dead.

    Returns
    -------
    int
        Which attempt this is; 0 when the due time is done, given up or another's.
    """
    same = sa.and_(job_runs.c.job == job, job_runs.c.due == due)
    with catalog.write() as connection:
        found = connection.execute(sa.select(job_runs).where(same)).first()
        now = catalog.now()
        if found is None:
            row = {"job": job, "due": due, "status": "claimed", "attempt": 1, "holder": holder, "claimed": now}
            connection.execute(sa.insert(job_runs).values(**row, detail=""))
            return 1
        run = JobRun(**plain(found))
        if not (again and _cut_off(run, holder)):
            return 0
        taken = {"attempt": run.attempt + 1, "holder": holder, "claimed": now}
        connection.execute(sa.update(job_runs).where(same).values(**taken))
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


def known_jobs(catalog: Catalog) -> dict[str, Schedule]:
    """Return the schedules that were ever registered, by job."""
    with catalog.read() as connection:
        found = connection.execute(sa.select(jobs).order_by(jobs.c.name)).all()
    return {row.name: msgspec.json.decode(row.schedule, type=Schedule) for row in found}


def job_history(catalog: Catalog, job: str = "", limit: int = 100) -> list[JobRun]:
    """Return due times that were claimed, newest first."""
    query = sa.select(job_runs).order_by(job_runs.c.due.desc()).limit(limit)
    if job:
        query = query.where(job_runs.c.job == job)
    with catalog.read() as connection:
        return [JobRun(**plain(row)) for row in connection.execute(query)]


def newest_runs(catalog: Catalog) -> dict[str, JobRun]:
    """Return the newest due time of each job that was claimed."""
    newest = sa.select(job_runs.c.job, sa.func.max(job_runs.c.due).label("due")).group_by(job_runs.c.job).subquery()
    query = sa.select(job_runs).join(newest, sa.and_(job_runs.c.job == newest.c.job, job_runs.c.due == newest.c.due))
    with catalog.read() as connection:
        return {row.job: JobRun(**plain(row)) for row in connection.execute(query)}
