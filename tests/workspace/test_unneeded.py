"""Files that nothing needs: after a while, never beside a run that may still name them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import tidewheel as tw
from tidewheel.registry.runs.runs import finish_run, start_run
from tidewheel.workspace.models.unneeded import collect_artifacts
from tidewheel.workspace.workspace import Workspace


class Sale(tw.Event):
    id: tw.Id
    amount: float


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    (tmp_path / "tidewheel.toml").write_text('max_map = "64MB"\nkeep_artifacts = "1h"\n')
    return tw.open(tmp_path, [Sale])


def put(ws: Workspace, content: bytes, hours: float = 2.0) -> str:
    """Put an artifact as if it had been so many hours ago."""
    digest = ws.stores.artifacts.put(content)
    then = time.time() - 3600 * hours
    os.utime(ws.stores.artifacts.get(digest), (then, then))
    return digest


def test_only_what_is_old_and_unnamed_goes(ws: Workspace) -> None:
    with ws:
        old, young, again = put(ws, b"old"), put(ws, b"young", 0.5), put(ws, b"again")
        named = put(ws, b"named")
        finish_run(ws.stores.catalog, start_run(ws.stores.catalog, "M").id, "done", artifacts={"model": named})
        ws.stores.artifacts.put(b"again")
        would = ws.collect_garbage(dry_run=True).artifacts
        assert ([one.digest for one in would.deleted], would.freed) == ([old], 3)
        assert {one.digest for one in would.waiting} == {young, again}
        assert ws.stores.artifacts.has(old), "it was only asked"
        assert [one.digest for one in ws.collect_garbage().artifacts.deleted] == [old]
        assert set(ws.stores.artifacts.digests()) == {young, again, named}


def test_a_run_under_way_holds_what_is_newer_than_its_beginning(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with ws:
        before, since = put(ws, b"before", 9.0), put(ws, b"since", 3.0)
        now = ws.stores.clock.now
        with monkeypatch.context() as then:
            then.setattr(ws.stores.clock, "now", lambda: now() - 5 * 3_600_000_000)
            then.setattr(ws.stores.catalog, "now", lambda: now() - 5 * 3_600_000_000)
            run = start_run(ws.stores.catalog, "M")
        found = collect_artifacts(ws.stores)
        assert [one.digest for one in found.deleted] == [before]
        assert ([one.digest for one in found.waiting], found.waits_for) == ([since], run.id)
        finish_run(ws.stores.catalog, run.id, "failed", error="killed")
        assert [one.digest for one in collect_artifacts(ws.stores).deleted] == [since]
