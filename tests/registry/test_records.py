from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest

from tidewheel.definitions.ir import Column, Graph, Source
from tidewheel.errors import ConflictError, InputError, NotFoundError
from tidewheel.registry.alerts import close_alert, list_alerts, raise_alert
from tidewheel.registry.graphs import active_groups, live_graph, load_graph, set_group, set_live_graph
from tidewheel.registry.pointers.thresholds import effective, get_thresholds, set_thresholds, threshold_history
from tidewheel.registry.runs.datasets import Dataset, get_dataset, save_dataset
from tidewheel.registry.runs.runs import (
    Lineage,
    Metric,
    Verdict,
    finish_run,
    get_run,
    list_runs,
    log_metrics,
    log_step,
    start_run,
    steps_of,
)
from tidewheel.registry.versions.versions import get_version, list_versions, register
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import list_notes

GRAPH = Graph(sources=(Source("Payment", (Column("id", "id"), Column("amount", "float"))),))


def test_a_run_from_start_to_end(catalog: Catalog) -> None:
    run = start_run(catalog, "Fraud", cause="weekly", who="schedule", parameters={"trials": 3})
    assert get_run(catalog, run.id) == run
    log_step(catalog, run.id, "view", 1.5, "1000 rows")
    log_step(catalog, run.id, "fit")
    log_metrics(catalog, run.id, [Metric("test", "brier", 0.3)])
    lineage = Lineage(commit="abc", tables={"events/Payment": 3}, seed=7, timings={"fit": 0.1}, rows={"train": 10})
    metrics = [Metric("test", "average_precision", 0.5, 0.4, 0.6), Metric("test", "brier", math.nan)]
    gates = [Verdict("at_least(average_precision, 0.3)", True, "0.5 >= 0.3", {"value": 0.5})]
    done = finish_run(catalog, run.id, "done", lineage=lineage, metrics=metrics, gates=gates, artifacts={"log": "aa"})
    assert (done.lineage, done.gates, done.artifacts) == (lineage, gates, {"log": "aa"})
    assert done.parameters == {"trials": 3}
    assert done.metric("average_precision") == metrics[0]
    assert done.metric("brier") == Metric("test", "brier", None)
    assert done.metric("recall") is None
    assert [(step.step, step.seconds, step.detail) for step in steps_of(catalog, run.id)] == [
        ("view", 1.5, "1000 rows"),
        ("fit", 0.0, ""),
    ]
    assert list_runs(catalog, "Fraud") == [done]
    assert list_runs(catalog, "Other") == []
    with pytest.raises(ConflictError, match="is done"):
        finish_run(catalog, run.id, "failed")


def test_a_run_is_found_by_the_beginning_of_its_id(catalog: Catalog) -> None:
    run = start_run(catalog, "Fraud")
    assert get_run(catalog, run.id[:12].lower()).id == run.id
    with pytest.raises(NotFoundError, match="no run 'NONE'"):
        get_run(catalog, "NONE")
    with pytest.raises(NotFoundError):
        get_run(catalog, "")
    with pytest.raises(NotFoundError):
        finish_run(catalog, "NONE", "done")


def test_versions_are_numbered_and_named(catalog: Catalog) -> None:
    runs = [start_run(catalog, "Fraud").id for _ in range(2)]
    first = register(catalog, "Fraud", run=runs[0], bundle="a" * 64, view="v", metrics=[Metric("test", "ap", 0.5)])
    second = register(catalog, "Fraud", run=runs[1], bundle="b" * 64, gates=[Verdict("g", False)])
    assert (first.name, second.name, first.passed, second.passed) == ("Fraud@1", "Fraud@2", True, False)
    assert get_version(catalog, "Fraud@1") == first
    assert get_version(catalog, "Fraud") == get_version(catalog, "Fraud@latest") == second
    assert list_versions(catalog, "Fraud") == [second, first]
    with pytest.raises(ConflictError, match="is Fraud@1 already"):
        register(catalog, "Fraud", run=runs[0], bundle="c" * 64)
    with pytest.raises(NotFoundError, match="no run 'NONE' of Fraud"):
        register(catalog, "Fraud", run="NONE", bundle="c" * 64)
    with pytest.raises(NotFoundError, match="a run of Fraud"):
        register(catalog, "Other", run=runs[0], bundle="c" * 64)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Fraud@7", "no version Fraud@7; there are: Fraud@1"),
        ("Churn", "no version Churn; make one: tidewheel train Churn"),
        ("Fraud@champion", "no service has a champion of Fraud"),
        ("Fraud@best", "no alias 'best'"),
    ],
)
def test_versions_that_are_not_there(catalog: Catalog, name: str, words: str) -> None:
    register(catalog, "Fraud", run=start_run(catalog, "Fraud").id, bundle="a" * 64)
    with pytest.raises(NotFoundError) as caught:
        get_version(catalog, name)
    assert words in str(caught.value)
    with pytest.raises(InputError):
        get_version(catalog, "Fraud@@3")


REGISTER = """
import sys
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.versions.versions import register
from tidewheel.storage.catalog import Catalog
with Catalog.open(sys.argv[1], namespace=sys.argv[2]) as catalog:
    for _ in range(15):
        print(register(catalog, "Fraud", run=start_run(catalog, "Fraud").id, bundle="b").number)
"""


def test_processes_that_register_at_once_get_numbers_without_gap_or_double(
    catalog: Catalog, catalog_place: Any
) -> None:
    command = [sys.executable, "-c", REGISTER, catalog_place.url, catalog_place.namespace]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    numbers = [int(line) for child in children for line in child.communicate(timeout=60)[0].split()]
    assert sorted(numbers) == list(range(1, 31))


def test_thresholds_are_versioned_and_checked(catalog: Catalog) -> None:
    declared = (("allow", 0.0), ("review", 0.6), ("block", 0.95))
    assert get_thresholds(catalog, "Score") is None
    set_thresholds(catalog, "Score", {"block": 0.9}, declared=declared, cause="too lax")
    set_thresholds(catalog, "Score", {"review": 0.7}, declared=declared)
    now = get_thresholds(catalog, "Score")
    assert now is not None
    assert (now.version, now.levels) == (2, {"review": 0.7})
    assert [row.version for row in threshold_history(catalog, "Score")] == [2, 1]
    assert effective(declared, now.levels) == (("allow", 0.0), ("review", 0.7), ("block", 0.95))
    for levels, words in [
        ({"blok": 0.9}, "no action 'blok'"),
        ({"review": 0.99}, "not below"),
        ({"block": math.nan}, "no finite"),
    ]:
        with pytest.raises(InputError, match=words):
            set_thresholds(catalog, "Score", levels, declared=declared)
    assert len(threshold_history(catalog, "Score")) == 2


def test_the_live_graph_and_its_history(catalog: Catalog) -> None:
    assert live_graph(catalog) is None
    first = set_live_graph(catalog, GRAPH)
    assert set_live_graph(catalog, GRAPH) == first
    second = set_live_graph(catalog, Graph())
    assert (second.revision, live_graph(catalog)) == (2, second)
    assert set_live_graph(catalog, GRAPH).digest == first.digest
    assert load_graph(catalog, first.digest) == GRAPH
    with pytest.raises(NotFoundError):
        load_graph(catalog, "none")


def test_groups_that_the_stream_keeps(catalog: Catalog) -> None:
    set_group(catalog, "s1", "CardHistory", GRAPH, "building")
    set_group(catalog, "s2", "Gone", GRAPH, "retired")
    set_group(catalog, "s1", "CardHistory", GRAPH, "live")
    assert [(group.state_id, group.status) for group in active_groups(catalog)] == [("s1", "live")]
    assert load_graph(catalog, active_groups(catalog)[0].graph) == GRAPH


def test_an_alert_that_goes_on_is_one_alert(catalog: Catalog) -> None:
    raise_alert(catalog, "Score", "drift", "amount", "PSI 0.3", {"psi": 0.3})
    again = raise_alert(catalog, "Score", "drift", "amount", "PSI 0.4", {"psi": 0.4})
    assert (again.times, again.detail) == (2, {"psi": 0.4})
    assert len(list_alerts(catalog, "Score", only_open=True)) == 1
    assert close_alert(catalog, "Score", "drift", "amount")
    assert not close_alert(catalog, "Score", "drift", "amount")
    assert list_alerts(catalog, only_open=True) == []
    assert raise_alert(catalog, "Score", "drift", "amount", "again").times == 1
    kinds = [note.kind for note in list_notes(catalog, subject="Score")]
    assert kinds == ["alert.drift", "alert.drift.closed", "alert.drift"]


def test_data_sets_by_their_hash(catalog: Catalog) -> None:
    kept = save_dataset(catalog, Dataset(digest="d", model="Fraud", view="V", rows=3, as_of=7, detail={"x": 1}))
    assert get_dataset(catalog, "d") == kept
    assert save_dataset(catalog, Dataset(digest="d", model="Other", view="V", rows=3, as_of=7)) == kept
    with pytest.raises(NotFoundError, match="no data set e"):
        get_dataset(catalog, "e")
