"""Lifecycle notes reach the event log once, and the lake after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tidewheel.collect.keeping.flush import flush
from tidewheel.collect.keeping.history import History
from tidewheel.rollout import LIFECYCLE, send_notes
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import note, pending_notes
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog

NOW = 1_704_067_200_000_000


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.sqlite", clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    opened = EventLog.open(tmp_path / "log")
    yield opened
    opened.close()


def test_notes_become_events_and_stay(catalog: Catalog, log: EventLog, tmp_path: Path) -> None:
    note(catalog, "canary.promote", "Score", {"reason": "better", "evidence": {"gain": 0.02}})
    note(catalog, "retrain.failed", "Fraud", {})
    assert send_notes(catalog, log, NOW) == 2
    assert pending_notes(catalog) == []
    lake = Lake.open(tmp_path / "lake")
    flush(log, lake, floor=log.head())
    assert log.first() == log.head(), "the lake alone has them now"
    events = History(lake, log).scan(LIFECYCLE, ["kind", "subject", "body"])
    assert events["kind"].to_pylist() == ["canary.promote", "retrain.failed"]
    assert events["_at"].to_pylist() == [NOW, NOW]
    assert msgspec.json.decode(events["body"][0].as_py())["evidence"] == {"gain": 0.02}


def test_a_crash_before_they_are_marked_sends_them_once(
    catalog: Catalog, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(catalog, "deployment.deploy", "Score", {})

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("tidewheel.rollout.outbox.mark_sent", killed)
        with pytest.raises(KeyboardInterrupt):
            send_notes(catalog, log, NOW)
    assert len(pending_notes(catalog)) == 1
    assert send_notes(catalog, log, NOW) == 1
    assert log.head() == 2


def test_a_note_from_ahead_of_the_clock_is_not_refused(catalog: Catalog, log: EventLog) -> None:
    note(catalog, "deployment.deploy", "Score", {})
    assert send_notes(catalog, log, NOW - 3_600_000_000) == 1
    assert log.bad_rows() == []
