"""Two hosts, each with its switch, and one catalog: what is killed on one is off on both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tidewheel.runtime.kill_switch import Killed, KillSwitch
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import list_notes, note
from tidewheel.workspace.rollouts.switching import SETTLED, SwitchMirror


@dataclass
class Host:
    """One machine's switch, and what keeps it at one with the catalog."""

    catalog: Catalog
    switch: KillSwitch
    folder: Path
    now: int = 10**15

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.mirror = SwitchMirror(self.catalog, self.switch, self.folder / "followed", lambda: self.now)

    def kill(self, name: str, *, told: bool = True) -> None:
        self.switch.kill(Killed(name, self.now, "ada", "a drill"))
        if told:
            note(self.catalog, "switch.kill", name, {"who": "ada", "why": "a drill"})

    def unkill(self, name: str) -> None:
        assert self.switch.unkill(name)
        note(self.catalog, "switch.unkill", name, {"who": "ada", "why": ""})


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    catalog = Catalog.open(str(tmp_path / "catalog.sqlite"), clock=lambda: 10**15)
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(Host(catalog, KillSwitch(tmp_path / name / "kill"), tmp_path / name))
    yield made[0], made[1]
    for host in made:
        host.switch.close()
    catalog.close()


def off(host: Host) -> set[str]:
    return set(host.switch.names())


def test_a_kill_and_an_unkill_reach_the_other_host(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.kill("Fraud@3")
    one.kill("Score/experiment")
    assert two.mirror.step() == ["Fraud@3", "Score/experiment"]
    assert off(two) == {"Fraud@3", "Score/experiment"}
    assert [entry.why for entry in two.switch.entries()] == ["a drill", "a drill"]
    assert two.mirror.step() == one.mirror.step() == []
    two.unkill("Fraud@3")
    one.mirror.step()
    assert off(one) == off(two) == {"Score/experiment"}


def test_a_host_that_starts_later_knows_the_last_word(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.kill("Fraud")
    one.unkill("Fraud")
    one.kill("Other")
    assert off(two) == set()
    two.mirror.step()
    assert off(two) == {"Other"}


def test_what_was_killed_without_a_catalog_is_told_later_and_once(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.kill("Fraud@1", told=False)
    assert one.mirror.step() == []  # whoever killed it is perhaps just about to tell
    one.now += SETTLED + 1
    assert one.mirror.step() == ["Fraud@1"]
    assert one.mirror.step() == []
    assert [found.kind for found in list_notes(one.catalog, kind="switch.")] == ["switch.kill"]
    two.mirror.step()
    assert off(two) == {"Fraud@1"}


def test_a_later_kill_here_outlives_an_earlier_unkill_elsewhere(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    two.kill("Fraud")
    two.unkill("Fraud")
    one.now += 60_000_000
    one.kill("Fraud", told=False)
    one.now += SETTLED + 1
    one.mirror.step()
    two.mirror.step()
    assert off(one) == off(two) == {"Fraud"}


def test_switching_on_here_without_a_catalog_is_not_undone_by_an_old_word(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.kill("Fraud")
    two.mirror.step()
    assert two.switch.unkill("Fraud")
    two.mirror.step()
    two.restart()
    two.mirror.step()
    assert off(two) == set()
