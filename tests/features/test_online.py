"""The online read and the check of what it recorded."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from feature_decisions import GROUP_PLANS, PLAN, RULE_PLAN, append, record
from feature_oracle import Happening
from feature_shop import BUY, GRAPH, VIEW
from feature_world import START, ListHistory
from msgspec.structs import replace

from tidewheel.definitions import row_struct
from tidewheel.errors import CorruptError, FeatureError, NotReadyError
from tidewheel.features.folding.stream import Folder
from tidewheel.features.proof.parity import check
from tidewheel.features.reading.online import OnlineReader
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.state.lmdb_state import StateStore

EVENT = {"id": "q", "user": "u1", "shop": "s1", "amount": 4.0, "kind": "toys", "gift": True}
USER_STATE = next(read.plan.state_id for read in PLAN.reads if read.plan.group.name == "UserHistory")


def buys(n: int) -> list[Happening]:
    columns = {"user": "u1", "shop": "s1", "amount": 2.0, "kind": "food", "gift": False}
    return [Happening("Buy", f"b{i}", START + i, START + i, i + 1, columns | {"id": f"b{i}"}) for i in range(n)]


def fold(log: EventLog, store: StateStore) -> None:
    for partition in range(2):
        with closing(Folder(log, ListHistory([]), store, partition, GRAPH, GROUP_PLANS)) as folder:
            folder.catch_up()


def test_before_anything_happened(store: StateStore) -> None:
    row = OnlineReader(store, [PLAN]).read(EVENT, START)
    assert row.instant == START
    assert sorted((key, offset) for _, key, offset in row.states) == [
        ("s1", 0),
        ("s1", 0),
        ("u1", 0),
        ("u1", 0),
        ("u1", 0),
        ("u1\x1ftoys", 0),
    ]
    words = dict(zip(PLAN.names, row.words[0].tolist(), strict=True))
    assert words["user_buys_10m"] == 0.0
    assert np.isnan(words["user_mean_1h"])
    assert row.texts[0]["user_last_kind"] == "none", "its declared default"


def test_struct_and_mapping_read_alike_and_views_share_one_read(log: EventLog, store: StateStore) -> None:
    append(log, buys(4))
    fold(log, store)
    reader = OnlineReader(store, [RULE_PLAN, PLAN])
    struct, mapping = reader.read(row_struct(BUY)(**EVENT), START), reader.read(EVENT, START)
    assert struct.words[1].tobytes() == mapping.words[1].tobytes()
    assert struct.texts == mapping.texts
    assert struct.instant == START + 4, "one past the newest event folded"
    assert struct.words[0].tolist() == [1.0]
    alone = OnlineReader(store, [PLAN]).read(EVENT, START)
    assert alone.words[0].tobytes() == struct.words[1].tobytes()
    assert struct.texts[1]["user_last_kind"] == "food"
    assert dict(zip(PLAN.names, struct.words[1].tolist(), strict=True))["changed"] == 1.0


def test_a_null_key_reads_no_state(log: EventLog, store: StateStore) -> None:
    append(log, buys(2))
    fold(log, store)
    row = OnlineReader(store, [PLAN]).read(EVENT | {"user": None}, START)
    assert {key for _, key, _ in row.states} == {"s1"}
    assert dict(zip(PLAN.names, row.words[0].tolist(), strict=True))["user_buys_10m"] == 0.0


def test_ready_only_when_caught_up(log: EventLog, store: StateStore) -> None:
    append(log, buys(3))
    reader = OnlineReader(store, [PLAN])
    with pytest.raises(NotReadyError, match="folded up to offset 0; the log is at 3"):
        reader.check_ready(log.head())
    fold(log, store)
    reader.check_ready(log.head())


def test_a_damaged_state_is_an_error_and_no_answer(log: EventLog, store: StateStore) -> None:
    append(log, buys(3))
    fold(log, store)
    with closing(store.writer(store.partition_of(b"u1"))) as writer, writer.batch() as batch:
        batch.put_blobs(USER_STATE, [b"u1"], np.arange(9), np.array([0, 9]))
    with pytest.raises(CorruptError):
        OnlineReader(store, [PLAN]).read(EVENT, START)


def test_the_first_difference_is_told(log: EventLog, store: StateStore) -> None:
    events = buys(3)
    append(log, events)
    fold(log, store)
    row = OnlineReader(store, [PLAN]).read(EVENT, START)
    good = record(0, EVENT, row, START)
    words = row.words[0].copy()
    words[PLAN.names.index("user_spend_1h")] += 1.0
    bad = record(1, EVENT, row._replace(words=(words,)), START)
    report = check([good, bad, good], ListHistory(events), GRAPH)
    assert (report.checked, report.differences, report.decisions_differing) == (3, 1, 1)
    first = report.first_difference
    assert first is not None
    assert (first.decision_id, first.feature, first.served, first.replayed) == ("1", "user_spend_1h", 7.0, 6.0)
    assert (first.state, first.key, first.offset) == (USER_STATE, "u1", 3)
    assert "user_spend_1h was 7.0, is 6.0" in str(first)


def test_an_event_that_history_lost_shows(log: EventLog, store: StateStore) -> None:
    events = buys(3)
    append(log, events)
    fold(log, store)
    good = record(0, EVENT, OnlineReader(store, [PLAN]).read(EVENT, START), START)
    assert not check([good], ListHistory(events[:2]), GRAPH).equal


def test_other_views_and_decisions_without_features_are_skipped(store: StateStore) -> None:
    good = record(0, EVENT, OnlineReader(store, [PLAN]).read(EVENT, START), START)
    good.view = "0123456789abcdef"
    none = record(1, EVENT, OnlineReader(store, [PLAN]).read(EVENT, START), START)
    none.features = b""
    report = check([good, none], ListHistory([]), GRAPH)
    assert (report.checked, report.skipped, report.equal) == (0, 2, True)


def test_a_record_of_another_width_is_an_error(store: StateStore) -> None:
    odd = record(0, EVENT, OnlineReader(store, [PLAN]).read(EVENT, START), START)
    odd.features = odd.features[:16]
    with pytest.raises(FeatureError, match="holds 2 values for a view of"):
        check([odd], ListHistory([]), replace(GRAPH, views=(VIEW,)))
