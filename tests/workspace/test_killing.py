"""Switching off through a workspace and the command line: what is told to whom, with and without a catalog."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.shop import done, tidewheel, trained_shop

import tidewheel as tw
from tidewheel.storage.catalog.notes import list_notes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return trained_shop(tmp_path / "shop")


def names(folder: Path) -> list[str]:
    return [entry["name"] for entry in done("status", "--json", folder=folder).json["killed"]]


def test_kill_and_unkill_by_command(folder: Path) -> None:
    assert "too many reviews" in done("kill", "Screen", "--why", "too many reviews", folder=folder).out
    done("kill", "SentBack@1", folder=folder)
    done("kill", "Screen", "--experiment", folder=folder)
    assert names(folder) == ["Screen", "SentBack@1", "Screen/experiment"]
    status = done("status", "--history", "--json", folder=folder).json
    assert status["deployments"][0]["killed"]
    newest = status["history"][0]
    assert (newest["action"], newest["cause"]) == ("kill", "too many reviews")
    for name in ("Screen", "SentBack@1"):
        done("unkill", name, folder=folder)
    assert done("unkill", "Screen", "--experiment", folder=folder).out == "nothing is switched off\n"
    assert not done("status", "--json", folder=folder).json["deployments"][0]["killed"]


def test_a_misspelt_name_switches_nothing_off(folder: Path) -> None:
    for arguments, said in (
        (["kill", "Scren"], "no deployed service, model or version 'Scren'; deployed: Screen"),
        (["kill", "SentBack@9"], "'SentBack@9'"),
        (["kill", "SentBack", "--experiment"], "'SentBack/experiment'"),
        (["kill", "9"], "names no version"),
        (["unkill", "Screen"], "is not switched off"),
    ):
        ran = tidewheel(*arguments, folder=folder)
        assert ran.code == 1
        assert said in ran.err
    assert names(folder) == []


def test_without_a_catalog_the_file_is_written_and_the_rest_is_told(folder: Path) -> None:
    catalog = next(folder.rglob("catalog.sqlite"))
    whole = catalog.read_bytes()
    catalog.write_bytes(b"this is no database " * 500)
    ran = tidewheel("kill", "Screen", "--json", folder=folder)
    assert ran.code == 0
    assert [entry["name"] for entry in ran.json["off"]] == ["Screen"]
    assert "the catalog could not be told" in ran.err
    catalog.write_bytes(whole)
    assert names(folder) == ["Screen"]


def test_a_killed_service_in_this_process(folder: Path) -> None:
    with tw.open(folder) as workspace:
        order = {"id": "n1", "customer": "c1", "category": "shoes", "amount": 30.0}
        workspace.kill("SentBack", why="a drill")
        assert workspace.decide("Screen", order).reason == "killed: SentBack@1 is switched off"
        assert [entry.why for entry in workspace.killed()] == ["a drill"]
        workspace.unkill("SentBack")
        assert workspace.decide("Screen", order | {"id": "n2"}).model == "SentBack@1"
        kinds = [note.kind for note in list_notes(workspace.stores.catalog, subject="SentBack", kind="switch.")]
        assert kinds == ["switch.kill", "switch.unkill"]
