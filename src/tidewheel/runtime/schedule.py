"""Run jobs at their due times: each due time once, whoever claims it first; of those missed, what the job asks for.

A due time is claimed by inserting its row into the catalog, so two schedulers, or one restarted, never run
the same one twice. A job that can't be done yet (see `Later`) gives its due time back, and keeps it. A run that was
cut off (its process died) is found by the next holder and done again, at most `ATTEMPTS` times: jobs have to bear
being run again after a crash.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
import sqlalchemy as sa

from tidewheel.errors import NotFoundError, TidewheelError
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
AGAIN = 10.0
"""Seconds after which a job that something was in the way of is tried again."""


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
    """What asked for it: the schedule, the event that a look found, or a person."""


class Done(msgspec.Struct, frozen=True):
    """What a job did, in a line, and what made it do so where that was more than the clock."""

    detail: str
    cause: str = ""


class Later(Exception):
    """Raised by a job that something is in the way of: it is tried again, and its due time is not spent."""


Work = Callable[[int], str | Done]
"""Takes the due instant and returns what it did."""
JobTable = Mapping[str, tuple[Schedule, Work]]


class Job(msgspec.Struct, frozen=True):
    """Something to do on a schedule."""

    name: str
    schedule: Schedule
    run: Work


class Scheduler:
    """Claims and runs what is due. Whoever makes one must hold the lease of the role.

    Parameters
    ----------
    catalog : Catalog
        Holds the claims; its clock says what time it is.
    holder : str
        Who claims, such as ``keeper 4711 #3``: must differ between one life of the process and the next.
    by : str
        Who had this scheduler look, where it was not the clock alone: ``tidewheel tick of ann``.

    Attributes
    ----------
    waiting : dict of str to str
        What is in the way of jobs whose time has come, by job.
    """

    def __init__(self, catalog: Catalog, holder: str, by: str = "") -> None:
        self._catalog = catalog
        self._holder = holder
        self._by = by
        self._again_at: dict[str, float] = {}
        self.waiting: dict[str, str] = {}
        self._jobs: dict[str, Job] = {}
        self._since: dict[str, int] = {}
        self._newest = newest_runs(catalog)
        self._orphans = {(run.job, run.due) for run in self._newest.values() if _cut_off(run, holder)}

    def set_jobs(self, wanted: JobTable) -> None:
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
        while ready := sorted(turn for turn in self._ready() if self._again_at.get(turn[1], 0.0) <= time.monotonic()):
            for due, name in ready:
                again = (name, due) in self._orphans
                self._orphans.discard((name, due))
                if claim(self._catalog, name, due, self._holder, again=again, cause=self._cause(name)):
                    done += self._run(self._jobs[name], due)
            self._newest = newest_runs(self._catalog)
            if not any(self._jobs[name].schedule.missed == "all" for _, name in ready if name in self._jobs):
                break
        return done

    def run_now(self, name: str) -> list[JobRun]:
        """Run a job whether it is due or not; return what came of it, nothing where something is in the way.

        Raises
        ------
        NotFoundError
            There is no such job.
        """
        if name not in self._jobs:
            raise NotFoundError(f"no job {name!r}", remedy=f"there are: {', '.join(sorted(self._jobs))}")
        now = self._catalog.now()
        claimed = claim(self._catalog, name, now, self._holder, cause=f"by hand: {self._by}")
        return self._run(self._jobs[name], now) if claimed else []

    def _cause(self, name: str) -> str:
        said = self._jobs[name].schedule.describe()
        return f"{said}, by {self._by}" if self._by else said

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

    def _run(self, job: Job, due: int) -> list[JobRun]:
        status: Literal["done", "failed"] = "failed"
        self.waiting.pop(job.name, None)
        try:
            told, status = job.run(due), "done"
        except Later as reason:
            release(self._catalog, job.name, due, self._holder)
            self._again_at[job.name] = time.monotonic() + AGAIN
            self.waiting[job.name] = str(reason)
            return []
        except TidewheelError as error:
            told = str(error)
            _log.error("%s: %s", job.name, told)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            _log.exception("%s failed in a way that nobody foresaw", job.name)
        did = told if isinstance(told, Done) else Done(told)
        return [finish(self._catalog, job.name, due, status, did.detail, did.cause)]


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


def claim(catalog: Catalog, job: str, due: int, holder: str, *, again: bool = False, cause: str = "") -> int:
    """Take a due time.

    Parameters
    ----------
    again : bool
        Whether a claim of another's may be taken over: its holder is known to be dead.
    cause : str
        What asks for it.

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
            connection.execute(sa.insert(job_runs).values(**row, detail="", cause=cause))
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


def release(catalog: Catalog, job: str, due: int, holder: str) -> None:
    """Give a claimed due time back."""
    mine = sa.and_(job_runs.c.job == job, job_runs.c.due == due, job_runs.c.holder == holder)
    with catalog.write() as connection:
        connection.execute(sa.delete(job_runs).where(mine, job_runs.c.status == "claimed"))


def finish(
    catalog: Catalog, job: str, due: int, status: Literal["done", "failed"], detail: str, cause: str = ""
) -> JobRun:
    """Say what came of a claimed due time, and what made it so; "" leaves what it was claimed for."""
    same = sa.and_(job_runs.c.job == job, job_runs.c.due == due)
    with catalog.write() as connection:
        now = catalog.now()
        values = {"status": status, "finished": now, "detail": detail} | ({"cause": cause} if cause else {})
        connection.execute(sa.update(job_runs).where(same).values(**values))
        run = JobRun(**plain(connection.execute(sa.select(job_runs).where(same)).one()))
        add_note(connection, f"job.{status}", job, {"due": due, "detail": detail, "cause": run.cause}, at=now)
    return run


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
