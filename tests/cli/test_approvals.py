"""``approvals`` and ``approve``: a version that asks a person waits for one."""

from __future__ import annotations

from pathlib import Path

from tests.shop import done, tidewheel

from tidewheel.registry.runs.runs import Verdict, start_run
from tidewheel.registry.versions.versions import get_version, register
from tidewheel.runtime.stores import open_stores


def ask(folder: Path) -> str:
    """Register a version whose gate asks a person, with the bundle of the first."""
    stores = open_stores(folder)
    try:
        first = get_version(stores.catalog, "SentBack@1")
        gate = Verdict(
            "ask(risk@shop)", False, "roc_auc 0.7", {"roc_auc": 0.7}, approvers=["risk@shop"], expires=10**15
        )
        run = start_run(stores.catalog, "SentBack")
        return register(stores.catalog, "SentBack", run=run.id, bundle=first.bundle, view=first.view, gates=[gate]).name
    finally:
        stores.close()


def test_a_version_waits_until_a_person_says_yes(trained: Path) -> None:
    assert done("approvals", folder=trained).out == "nobody is asked anything\n"
    name = ask(trained)
    told = done("approvals", folder=trained).out
    assert told.startswith(
        f"open      {name}  ask(risk@shop)\n  roc_auc 0.7\n    roc_auc: 0.7\n  asked risk@shop until "
    )
    for force in ([], ["--force"]):
        refused = tidewheel("deploy", name, *force, folder=trained)
        assert refused.code == 1
        assert f"{name} is not approved (ask(risk@shop): waits for risk@shop)" in refused.err
    assert "me is not asked" in tidewheel("approve", name, "--as", "me", folder=trained).err
    (given,) = done("approve", name, "--as", "risk@shop", "--note", "fine", "--json", folder=trained).json
    assert (given["answer"], given["who"], given["note"]) == ("approved", "risk@shop", "fine")
    again = tidewheel("approve", name, "--as", "risk@shop", "--reject", folder=trained)
    assert again.code == 1
    assert "was approved already, by risk@shop" in again.err
    assert "approved by risk@shop" in done("approvals", name, folder=trained).out
    assert name in done("deploy", name, folder=trained).out
    assert (
        f"good: a person decides (tidewheel approvals {name}), servable: yes" in done("show", name, folder=trained).out
    )
