"""Trials are kept as they end, on both databases, and a search that was cut off is found by whoever goes on with it."""

from __future__ import annotations

from tidewheel.registry.runs.runs import finish_run, start_run
from tidewheel.registry.runs.trials import Trial, save_trials, take_over, trials_of
from tidewheel.storage.catalog import Catalog

DONE = [
    Trial(0, {"leaves": 31, "kind": "gbdt"}, 0.25, 0.5, "", "complete", ((10, 0.5), (20, 0.25))),
    Trial(1, {"leaves": 7, "kind": None}, None, 0.1, "boom", "failed"),
]


def test_trials_come_back_as_they_were(catalog: Catalog) -> None:
    run = start_run(catalog, "Fraud").id
    save_trials(catalog, run, "search", DONE[:1])
    save_trials(catalog, run, "search", DONE[1:])
    save_trials(catalog, run, "search", [])
    assert trials_of(catalog, run) == DONE
    assert take_over(catalog, run, "search") == DONE
    assert trials_of(catalog, start_run(catalog, "Fraud").id) == []


def test_a_search_that_was_cut_off_is_taken_over(catalog: Catalog) -> None:
    killed, other = start_run(catalog, "Fraud").id, start_run(catalog, "Fraud").id
    save_trials(catalog, killed, "same", DONE)
    save_trials(catalog, other, "another", DONE[:1])
    fresh = start_run(catalog, "Fraud").id
    assert take_over(catalog, fresh, "same") == DONE
    assert trials_of(catalog, fresh) == trials_of(catalog, killed) == DONE
    assert take_over(catalog, fresh, "changed") == []  # asked for something else now: begin anew
    assert trials_of(catalog, fresh) == []


def test_a_search_of_a_run_that_is_done_is_not_taken_over(catalog: Catalog) -> None:
    done = start_run(catalog, "Fraud").id
    save_trials(catalog, done, "same", DONE)
    finish_run(catalog, done, "done")
    assert take_over(catalog, start_run(catalog, "Fraud").id, "same") == []
    failed = start_run(catalog, "Fraud").id
    save_trials(catalog, failed, "same", DONE[:1])
    finish_run(catalog, failed, "failed", error="learn: out of memory")
    assert take_over(catalog, start_run(catalog, "Fraud").id, "same") == DONE[:1]
