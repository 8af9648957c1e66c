from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.errors import ConfigError, NotFoundError, TrainingError
from tidewheel.runtime.clock import NEVER, ReplayClock
from tidewheel.runtime.due import Schedule, instant, latest_due, next_due, show
from tidewheel.runtime.schedule import ATTEMPTS, Done, JobTable, Later, Scheduler, claim, job_history, register_job
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import list_notes

DAILY = Schedule(every="daily", at="02:00")
START = instant("2013-09-01T12:00")


def noting(seen: list[int], said: str = "") -> Callable[[int], str]:
    """Return a job that writes its due times down."""

    def run(due: int) -> str:
        seen.append(due)
        return said

    return run


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[ReplayClock]:
    clock = ReplayClock(tmp_path / "clock", START)
    yield clock
    clock.close()


@pytest.fixture
def catalog(tmp_path: Path, clock: ReplayClock) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.sqlite", clock=clock.now) as catalog:
        yield catalog


def test_each_due_time_runs_once_whoever_asks(catalog: Catalog, clock: ReplayClock) -> None:
    seen: list[int] = []
    schedulers = [Scheduler(catalog, f"scheduler {number}") for number in range(2)]
    for scheduler in schedulers:
        scheduler.set_jobs({"retrain": (DAILY, noting(seen, "trained"))})
        assert scheduler.step() == []
    clock.advance(instant("2013-09-02T02:00"))
    assert [run.status for scheduler in schedulers for run in scheduler.step()] == ["done"]
    clock.advance(instant("2013-09-03T10:00"))
    assert [run.detail for scheduler in reversed(schedulers) for run in scheduler.step()] == ["trained"]
    assert seen == [instant("2013-09-02T02:00"), instant("2013-09-03T02:00")]
    assert schedulers[0].next_due() == instant("2013-09-04T02:00")
    assert [note.kind for note in list_notes(catalog)] == ["job.done"] * 2


def test_a_living_schedulers_claim_is_left_alone(catalog: Catalog, clock: ReplayClock) -> None:
    register_job(catalog, "a", DAILY)
    scheduler = Scheduler(catalog, "early")
    scheduler.set_jobs({"a": (DAILY, lambda due: "twice")})
    clock.advance(instant("2013-09-02T02:00"))
    assert claim(catalog, "a", clock.now(), "other") == 1
    assert scheduler.step() == []


def test_before_time_begins_nothing_is_due_and_then_nothing_is_owed(tmp_path: Path) -> None:
    clock = ReplayClock(tmp_path / "unset")
    with Catalog.open(tmp_path / "unset.sqlite", clock=clock.now) as catalog:
        scheduler = Scheduler(catalog, "s")
        scheduler.set_jobs({"a": (DAILY, lambda due: "ran")})
        clock.set_next_due(scheduler.next_due())
        assert clock.advance(START, wait=0) == START  # not a stop a day since 1970
        assert clock.next_due <= START  # but there the caller waits until the scheduler has looked
        assert scheduler.step() == []
        clock.set_next_due(scheduler.next_due())
        assert clock.next_due == instant("2013-09-02T02:00")
        clock.advance(clock.next_due, wait=0)
        assert [run.detail for run in scheduler.step()] == ["ran"]
    clock.close()


def test_of_missed_ones_only_the_latest_runs(catalog: Catalog, clock: ReplayClock) -> None:
    seen: list[int] = []
    scheduler = Scheduler(catalog, "s")
    scheduler.set_jobs({"retrain": (DAILY, noting(seen))})
    clock.advance(instant("2013-09-20T01:00"))
    assert scheduler.next_due() == instant("2013-09-19T02:00")
    scheduler.step()
    assert seen == [instant("2013-09-19T02:00")]


def test_a_new_or_changed_schedule_owes_nothing_for_the_past(catalog: Catalog, clock: ReplayClock) -> None:
    scheduler = Scheduler(catalog, "s")
    scheduler.set_jobs({"a": (DAILY, lambda due: "")})
    clock.advance(instant("2013-09-05T12:00"))
    scheduler.set_jobs({"a": (Schedule(every="daily", at="03:00"), lambda due: "")})
    assert scheduler.step() == []
    scheduler.set_jobs({})
    assert scheduler.next_due() == NEVER


def test_a_failure_is_told_and_not_repeated(catalog: Catalog, clock: ReplayClock) -> None:
    def expected(due: int) -> str:
        raise TrainingError("too few rows")

    def unforeseen(due: int) -> str:
        raise KeyError("x")

    scheduler = Scheduler(catalog, "s")
    scheduler.set_jobs({"a": (DAILY, expected), "b": (DAILY, unforeseen)})
    clock.advance(instant("2013-09-02T02:00"))
    assert [(run.job, run.status, run.detail) for run in scheduler.step()] == [
        ("a", "failed", "too few rows"),
        ("b", "failed", "KeyError: 'x'"),
    ]
    assert scheduler.step() == []


def test_a_run_cut_off_by_a_death_is_done_by_the_next_holder(catalog: Catalog, clock: ReplayClock) -> None:
    register_job(catalog, "a", DAILY)
    clock.advance(instant("2013-09-02T02:00"))
    assert claim(catalog, "a", clock.now(), "first life") == 1
    assert claim(catalog, "a", clock.now(), "first life") == 0
    scheduler = Scheduler(catalog, "second life")
    scheduler.set_jobs({"a": (DAILY, lambda due: "made good")})
    assert scheduler.next_due() == clock.now()
    (run,) = scheduler.step()
    assert (run.attempt, run.status) == (2, "done")


def test_a_run_that_kills_its_process_is_given_up(catalog: Catalog, clock: ReplayClock) -> None:
    register_job(catalog, "a", DAILY)
    clock.advance(instant("2013-09-02T02:00"))
    lives = [claim(catalog, "a", clock.now(), f"life {number}", again=True) for number in range(ATTEMPTS + 2)]
    assert lives == [1, 2, 3, 0, 0]
    scheduler = Scheduler(catalog, "life 9")
    scheduler.set_jobs({"a": (DAILY, lambda due: "never")})
    assert scheduler.step() == []
    assert scheduler.next_due() > clock.now()
    assert job_history(catalog, "a")[0].attempt == ATTEMPTS


def test_the_replay_clock_stops_for_it(catalog: Catalog, clock: ReplayClock) -> None:
    seen: list[int] = []
    scheduler = Scheduler(catalog, "s")
    scheduler.set_jobs({"a": (DAILY, noting(seen))})
    target = instant("2013-09-05T00:00")
    clock.set_next_due(scheduler.next_due())
    while clock.advance(target, wait=0) < target:
        scheduler.step()
        clock.set_next_due(scheduler.next_due())
    assert seen == [instant(f"2013-09-0{day}T02:00") for day in (2, 3, 4)]


CRON = Schedule(every="cron", cron="30 2 * * mon-fri", tz="Europe/Stockholm")


def test_a_cron_expression_is_due_in_its_zone() -> None:
    friday = instant("2026-03-27T12:00")
    assert show(next_due(CRON, friday)) == "2026-03-30T00:30:00+00:00"  # summer time began in between
    assert show(latest_due(CRON, friday)) == "2026-03-27T01:30:00+00:00"
    assert latest_due(CRON, instant("2026-03-27T01:30")) == instant("2026-03-27T01:30")
    assert next_due(CRON, instant("2026-03-27T01:30")) > instant("2026-03-27T01:30")


@given(st.integers(0, 40 * 365 * 86_400), st.sampled_from(["*/7 3 * * *", "0 0 1 * *", "15 4 * * sun", "5 5 29 2 *"]))
def test_the_latest_due_time_is_the_one_before_the_next(seconds: int, expression: str) -> None:
    schedule, at = Schedule(every="cron", cron=expression), instant("1990-01-01") + seconds * 1_000_000
    latest = latest_due(schedule, at)
    assert latest <= at < next_due(schedule, at)
    assert next_due(schedule, latest - 1) == latest
    assert next_due(schedule, latest) == next_due(schedule, at)


@pytest.mark.parametrize("expression", ["", "0 3 * *", "0 25 * * *", "0 0 30 2 *", "every day at noon please"])
def test_a_cron_expression_that_makes_no_sense(expression: str) -> None:
    with pytest.raises(ConfigError, match="cron"):
        Schedule(every="cron", cron=expression).check()


@pytest.mark.parametrize(("missed", "days"), [("latest", [5]), ("skip", []), ("all", [2, 3, 4, 5])])
def test_what_is_made_up_for(
    catalog: Catalog, clock: ReplayClock, missed: Literal["latest", "skip", "all"], days: list[int]
) -> None:
    seen: list[int] = []
    schedule = Schedule(every="daily", at="02:00", missed=missed)
    Scheduler(catalog, "first").set_jobs({"job": (schedule, noting(seen))})
    clock.advance(instant("2013-09-05T12:00"))
    later = Scheduler(catalog, "second")
    later.set_jobs({"job": (schedule, noting(seen))})
    later.step()
    assert seen == [instant(f"2013-09-0{day}T02:00") for day in days]
    assert later.step() == []
    clock.advance(instant("2013-09-06T02:00"))
    assert [run.due for run in later.step()] == [instant("2013-09-06T02:00")]


def test_a_run_cut_off_while_making_up_comes_before_the_others(catalog: Catalog, clock: ReplayClock) -> None:
    schedule = Schedule(every="daily", at="02:00", missed="all")
    first = Scheduler(catalog, "first")

    def dies(due: int) -> str:
        raise KeyboardInterrupt

    first.set_jobs({"job": (schedule, dies)})
    clock.advance(instant("2013-09-04T12:00"))
    with pytest.raises(KeyboardInterrupt):
        first.step()
    seen: list[int] = []
    second = Scheduler(catalog, "second")
    second.set_jobs({"job": (schedule, noting(seen))})
    second.step()
    assert seen == [instant(f"2013-09-0{day}T02:00") for day in (2, 3, 4)]
    assert [run.attempt for run in job_history(catalog, "job")] == [1, 1, 2]


def test_the_history_says_what_began_each_run(catalog: Catalog, clock: ReplayClock) -> None:
    jobs: JobTable = {"a": (DAILY, lambda due: "looked"), "b": (DAILY, lambda due: Done("trained", "7 new labels"))}
    clockwork, cron = Scheduler(catalog, "keeper"), Scheduler(catalog, "tick", by="tidewheel tick of ann")
    for scheduler in (clockwork, cron):
        scheduler.set_jobs(jobs)
    clock.advance(instant("2013-09-02T02:00"))
    assert [(run.job, run.cause) for run in clockwork.step()] == [("a", "daily at 02:00 UTC"), ("b", "7 new labels")]
    assert cron.step() == []
    clock.advance(instant("2013-09-03T02:00"))
    assert cron.step()[0].cause == "daily at 02:00 UTC, by tidewheel tick of ann"
    clock.advance(instant("2013-09-03T05:00"))
    (run,) = cron.run_now("a")
    assert (run.due, run.cause, run.detail) == (clock.now(), "by hand: tidewheel tick of ann", "looked")
    assert cron.run_now("a") == []  # twice at one instant is once
    with pytest.raises(NotFoundError, match="no job 'c'; there are: a, b"):
        cron.run_now("c")
    assert [note.body["cause"] for note in list_notes(catalog)][:2] == ["daily at 02:00 UTC", "7 new labels"]


def test_a_job_that_something_is_in_the_way_of_keeps_its_due_time(catalog: Catalog, clock: ReplayClock) -> None:
    busy = ["run 1 is under way"]
    tried: list[int] = []

    def train(due: int) -> str:
        tried.append(due)
        if busy:
            raise Later(busy[0])
        return "trained"

    scheduler = Scheduler(catalog, "s")
    scheduler.set_jobs({"retrain": (DAILY, train)})
    due = instant("2013-09-02T02:00")
    clock.advance(due)
    assert scheduler.step() == scheduler.step() == []
    assert scheduler.waiting == {"retrain": "run 1 is under way"}
    assert (tried, job_history(catalog), scheduler.next_due()) == ([due], [], due)  # not looked at again at once
    busy.clear()
    other = Scheduler(catalog, "after a restart")
    other.set_jobs({"retrain": (DAILY, train)})
    assert [(run.due, run.status) for run in other.step()] == [(due, "done")]
    assert (scheduler.step(), tried) == ([], [due, due])
