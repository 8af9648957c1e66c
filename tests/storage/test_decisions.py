"""The decision record and its ids."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec
import pytest

from tidewheel.errors import CorruptError
from tidewheel.storage.journal.decisions import (
    DecisionIds,
    DecisionRecord,
    date_of,
    decode_decision,
    encode_decision,
    time_of,
)
from tidewheel.storage.journal.rows import from_arrow, lake_schema, to_arrow
from tidewheel.storage.lake.delta import Lake

NOW = 1_700_000_000_123_456


def record(**changes: object) -> DecisionRecord:
    full = DecisionRecord(
        decision_id="01HF7YAT00" + "0" * 16,
        event_id="t1",
        service="Score",
        event_type="Transaction",
        unit="c42",
        instant=NOW,
        at=NOW - 5,
        arrived=NOW,
        states=[("00000000000000aa", "c42", 17), ("00000000000000bb", "m7", 0)],
        inputs={"id": "t1", "amount": 2.5, "country": None, "n": 3, "ok": True},
        view="ab12",
        features=b"\0" * 16,
        texts={"country": "SE"},
        model="Fraud@3",
        bundle="f" * 64,
        service_version="e" * 16,
        thresholds={"allow": 0.0, "block": 0.95},
        arm="champion",
        propensity=1.0,
        rule="",
        fallback="",
        reason="",
        score=0.25,
        decision="allow",
        explored=False,
        timings=[1, 2, 3, 4, 5],
        caller="web",
    )
    return msgspec.structs.replace(full, **changes)


def test_a_record_comes_back_from_the_journal_and_the_lake(tmp_path: Path) -> None:
    records = [record(), record(score=None, states=[], texts={}, inputs={}, timings=[], explored=True)]
    assert [decode_decision(encode_decision(it)) for it in records] == records
    lake = Lake.open(tmp_path)
    lake.append("decisions", to_arrow(records), position=("journal", 1))
    assert from_arrow(lake.scan("decisions")) == records


def test_records_of_the_first_version_are_read_for_ever() -> None:
    kept = (Path(__file__).parent / "assets" / "decision-1.msgpack").read_bytes()
    assert decode_decision(kept) == record()
    assert decode_decision(msgspec.msgpack.encode([*msgspec.structs.astuple(record()), "a field to come"])) == record()


def test_what_is_no_record_is_told() -> None:
    for payload in (b"", b"nothing", msgspec.msgpack.encode([1, 2])):
        with pytest.raises(CorruptError):
            decode_decision(payload)


def test_each_field_has_its_column() -> None:
    assert lake_schema().names == [*DecisionRecord.__struct_fields__, "_date"]
    assert to_arrow([]).schema == lake_schema()


def test_each_field_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "decision-record.md").read_text()
    missing = [name for name in DecisionRecord.__struct_fields__ if f"`{name}`" not in page]
    assert not missing


def test_ids_rise_and_never_meet() -> None:
    ids = DecisionIds()
    found: list[list[str]] = [[] for _ in range(4)]

    def make(mine: list[str]) -> None:
        mine += [ids.new(NOW + n // 1000) for n in range(5000)]

    threads = [threading.Thread(target=make, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(mine == sorted(mine) for mine in found)
    assert len({id for mine in found for id in mine}) == 20_000
    assert all(len(id) == 26 for id in found[0])


def test_ids_tell_their_time_and_rise_when_the_clock_steps_back() -> None:
    ids = DecisionIds()
    first, second, third = ids.new(NOW), ids.new(NOW - 10**9), ids.new(NOW + 10**6)
    assert first < second < third
    assert [time_of(id) for id in (first, second, third)] == [NOW - 456, NOW - 456, NOW + 10**6 - 456]


def test_ids_of_a_forked_child_are_its_own() -> None:
    ids = DecisionIds()
    ids.new(NOW)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, ids.new(NOW).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    child = os.read(read, 26).decode()
    os.close(read)
    os.close(write)
    assert child != ids.new(NOW)


def test_days_are_utc() -> None:
    assert [date_of(instant) for instant in (0, 86_400_000_000 - 1, 86_400_000_000, -1)] == [
        "1970-01-01",
        "1970-01-01",
        "1970-01-02",
        "1969-12-31",
    ]


def test_large_fields_that_nobody_asks_for_are_passed_over() -> None:
    full = record()
    part = decode_decision(encode_decision(full), frozenset({"inputs"}))
    small = ("decision_id", "event_id", "service", "arrived", "score", "decision", "row_kept", "trace")
    assert [getattr(part, name) for name in small] == [getattr(full, name) for name in small]
    assert part.inputs == full.inputs
    assert to_arrow([part], ["decision_id", "inputs"]) == to_arrow([full], ["decision_id", "inputs"])
