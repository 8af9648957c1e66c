"""Environments, tags, notes, deletion and search: who points at what, and what may go."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from tidewheel.definitions.ir import Graph, Service
from tidewheel.errors import ConflictError, InputError, NotFoundError
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.pointers.environments import clear, environment_changes, list_environments, promote
from tidewheel.registry.runs.runs import Metric, Verdict, start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.marks import all_tags, delete, note, notes_of, tag
from tidewheel.registry.versions.search import find_versions
from tidewheel.registry.versions.versions import Version, get_version, list_versions, register
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import list_notes

SCORE = Service(name="Score", on="T", model="Fraud", rule_view=None, rules=(), thresholds=(("allow", 0.0),))


@pytest.fixture
def made(catalog: Catalog) -> list[Version]:
    """Give four versions with a rising metric, of which the last failed a gate."""
    found = []
    for number in range(1, 5):
        metrics = [Metric("test", "average_precision", 0.5 + number / 20), Metric("train", "average_precision", 0.9)]
        verdict = Verdict("at_least(average_precision, 0.5)", number < 4, "seen")
        run = start_run(catalog, "Fraud").id
        found.append(register(catalog, "Fraud", run=run, bundle="b" * 64, metrics=metrics, gates=[verdict], who="ann"))
    return found


def test_an_environment_keeps_all_that_stood_there(catalog: Catalog, made: list[Version]) -> None:
    first = promote(catalog, made[0], "staging", why="first", who="ann")
    assert (first.version, first.revision) == ("Fraud@1", 1)
    assert promote(catalog, made[0], "staging", why="again") == first, "it stands there already"
    promote(catalog, made[1], "staging", why="better", who="bob")
    promote(catalog, made[1], "eu-west", who="bob")
    promote(catalog, made[0], "production", who="bob")
    assert [s.environment for s in list_environments(catalog, "Fraud")] == ["staging", "production", "eu-west"]
    assert get_version(catalog, "Fraud@staging").number == 2
    assert get_version(catalog, "Fraud@eu-west").number == 2
    clear(catalog, "Fraud", "staging", why="over", who="ann")
    with pytest.raises(NotFoundError, match="no environment and no alias 'staging'"):
        get_version(catalog, "Fraud@staging")
    promote(catalog, made[2], "staging", who="ann")
    told = [(c.before, c.after, c.why, c.who) for c in environment_changes(catalog, "Fraud", "staging")]
    assert told == [
        (None, 3, "", "ann"), (2, None, "over", "ann"), (1, 2, "better", "bob"), (None, 1, "first", "ann")
    ]  # fmt: skip
    assert [c.revision for c in environment_changes(catalog, "Fraud", "staging")] == [4, 3, 2, 1]
    assert len(list_notes(catalog, kind="environment.")) == 6


def test_what_may_not_stand_in_an_environment(catalog: Catalog, made: list[Version]) -> None:
    with pytest.raises(ConflictError, match="did not pass its gates"):
        promote(catalog, made[3], "staging")
    assert promote(catalog, made[3], "development").version == "Fraud@4"
    forced = promote(catalog, made[3], "staging", why="trial", force=True)
    assert forced.why == "forced past at_least(average_precision, 0.5): trial"
    for name, said in (("champion", "is an alias already"), ("Prod", "can't name"), ("", "can't name"), ("3", "can't")):
        with pytest.raises(InputError, match=said):
            promote(catalog, made[0], name)
    with pytest.raises(NotFoundError):
        clear(catalog, "Fraud", "nowhere")


def test_movers_at_once_leave_one_history(catalog: Catalog, made: list[Version]) -> None:
    def move(version: Version) -> None:
        for _ in range(5):
            promote(catalog, version, "staging")

    threads = [threading.Thread(target=move, args=(version,)) for version in made[:3]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changes = environment_changes(catalog, "Fraud")[::-1]
    assert [c.revision for c in changes] == list(range(1, len(changes) + 1))
    assert all(one.after == two.before for one, two in pairwise(changes))
    assert changes[-1].after == get_version(catalog, "Fraud@staging").number


def test_tags_and_notes(catalog: Catalog, made: list[Version]) -> None:
    assert tag(catalog, made[0], {"team": "risk", "reviewed": "no"}) == {"reviewed": "no", "team": "risk"}
    assert tag(catalog, made[0], {"team": "core"}, remove=("reviewed",)) == {"team": "core"}
    assert all_tags(catalog) == {"Fraud@1": {"team": "core"}}
    with pytest.raises(InputError, match="has no tag 'reviewed'"):
        tag(catalog, made[0], {}, remove=("reviewed",))
    with pytest.raises(InputError, match="can't name a tag"):
        tag(catalog, made[0], {"a b": "c"})
    note(catalog, made[0], "weak on prepaid cards", who="ann")
    note(catalog, made[0], "fixed labels", who="bob")
    assert [(n.who, n.text) for n in notes_of(catalog, made[0])] == [
        ("ann", "weak on prepaid cards"), ("bob", "fixed labels")
    ]  # fmt: skip
    with pytest.raises(InputError, match="empty"):
        note(catalog, made[0], "  ")


def test_a_version_in_use_is_not_deleted(catalog: Catalog, made: list[Version]) -> None:
    frozen = freeze_service(catalog, SCORE, Graph()).digest
    deploy(catalog, "Score", "Fraud@1", frozen)
    deploy(catalog, "Score", "Fraud@2", frozen)
    promote(catalog, made[2], "staging")
    tag(catalog, made[3], {"pinned": "audit"})
    for number, said in ((1, "Score keeps it for a rollback"), (2, "Score serves it"), (3, "stands in staging"),
                         (4, "it is pinned: audit")):  # fmt: skip
        with pytest.raises(ConflictError, match=said):
            delete(catalog, made[number - 1])
    assert len(list_versions(catalog, "Fraud")) == 4


def test_a_deleted_version_answers_no_more(catalog: Catalog, made: list[Version]) -> None:
    frozen = freeze_service(catalog, SCORE, Graph()).digest
    delete(catalog, made[3], why="wrong labels", who="ann")
    with pytest.raises(NotFoundError, match=r"Fraud@4 was deleted by ann on .*: wrong labels"):
        get_version(catalog, "Fraud@4")
    assert get_version(catalog, "Fraud@4", deleted=True) == made[3], "its record stays"
    assert get_version(catalog, "Fraud@latest").number == get_version(catalog, "Fraud").number == 3
    assert [v.number for v in list_versions(catalog, "Fraud")] == [3, 2, 1]
    for refused in (
        lambda: delete(catalog, made[3]),
        lambda: promote(catalog, made[3], "development"),
        lambda: tag(catalog, made[3], {"a": "b"}),
        lambda: deploy(catalog, "Score", "Fraud@4", frozen),
    ):
        with pytest.raises(NotFoundError, match="was deleted"):
            refused()
    new = register(catalog, "Fraud", run=start_run(catalog, "Fraud").id, bundle="c" * 64)
    assert new.name == "Fraud@5", "a number is never used again"


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ("", [4, 3, 2, 1]),
        ("metric.average_precision > 0.6", [4, 3]),
        ("metric.train.average_precision = 0.9 and number <= 2", [2, 1]),
        ("passed", [3, 2, 1]),
        ("not passed or tag.team = 'risk'", [4, 1]),
        ("gate.at_least = false", [4]),
        ("environment = 'staging'", [2]),
        ("tag.cost < 10", [2]),
        ("tag.team", [2, 1]),
        ("tag.team != 'risk'", [4, 3, 2]),
        ("who ~ 'AN' and (number = 1 or number = 3)", [3, 1]),
        ("created > '2020-01-01' and created < '2020-01-02'", []),
        ("metric.nothing < 1", []),
        ("who = 3", []),
    ],
)
def test_search(catalog: Catalog, made: list[Version], where: str, numbers: list[int]) -> None:
    tag(catalog, made[0], {"team": "risk"})
    tag(catalog, made[1], {"team": "core", "cost": "7.5"})
    promote(catalog, made[1], "staging")
    assert [known.version.number for known in find_versions(catalog, "Fraud", where)] == numbers


@pytest.mark.parametrize(
    "where",
    ["metric", "speed > 3", "number >", "number 3", "(number = 3", "number = 3)", "number = 3 4", "a;b",
     "created > 'x'", "__import__('os')", "and"],
)  # fmt: skip
def test_a_condition_that_can_not_be_read(catalog: Catalog, where: str) -> None:
    with pytest.raises(InputError):
        find_versions(catalog, "Fraud", where)
