"""Stream, online read, replay and oracle agree on random events."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest
from feature_decisions import GROUP_PLANS, PLAN, RULE_PLAN, STATES, append, record
from feature_expect import GROUPS, USER_ATTRIBUTES, check_row, view_row
from feature_oracle import Happening, group_row
from feature_shop import GRAPH
from feature_world import REFS, START, ListHistory, decisions_on, worlds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidewheel.features.folding.stream import Folder
from tidewheel.features.proof.parity import check
from tidewheel.features.reading.online import OnlineReader, Row
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.state.lmdb_state import StateStore


def check_against_oracle(events: list[Happening], event: dict[str, object], row: Row) -> None:
    """The row is what the events up to the recorded offsets give, at the recorded instant."""
    seen = {(STATES[state].name, STATES[state].attributes, key): offset for state, key, offset in row.states}

    def visible(group, effective) -> bool:
        lookup = [key for name, attributes, key in seen if (name, attributes) == (group.name, group.attributes)]
        assert len(lookup) == 1
        return effective.offset <= seen[group.name, group.attributes, lookup[0]]

    decided = Happening("Buy", "?", row.instant, row.instant, 0, event)
    expected = view_row(events, decided, row.instant, visible)
    found = {}
    for name, text, word in zip(PLAN.names, PLAN.texts, row.words[0], strict=True):
        found[name] = row.texts[0].get(name) if text else (None if np.isnan(word) else float(word))
    check_row(found, expected)
    burst = group_row(
        GROUPS["UserHistory"],
        events,
        REFS,
        (event.get("user"),),
        row.instant,
        lambda e: visible(GROUPS["UserHistory"], e),
    )
    assert row.words[1][0] == float(burst["buys_10m"] > 2)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.data())
def test_stream_online_replay_and_oracle_agree(events: list[Happening], data: st.DataObject) -> None:
    partitions = data.draw(st.integers(1, 3), "partitions")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = stack.enter_context(closing(EventLog.open(folder / "log", sync="second")))
        store = stack.enter_context(closing(StateStore.open(folder / "state", partitions)))
        history = ListHistory(events)
        folders = [
            stack.enter_context(closing(Folder(log, history, store, k, GRAPH, GROUP_PLANS, batch=size)))
            for k, size in enumerate(data.draw(st.lists(st.integers(1, 9), min_size=partitions, max_size=partitions)))
        ]
        reader = OnlineReader(store, [PLAN, RULE_PLAN])
        records, start = [], 0
        while start < len(events):
            end = start + data.draw(st.integers(1, len(events) - start))
            append(log, events[start:end])
            start = end
            behind = data.draw(st.booleans())
            for each in folders:
                each.step() if behind else each.catch_up()
            event = data.draw(decisions_on())
            now = events[end - 1].arrived + data.draw(st.sampled_from([-5_000_000, 0, 1, 60_000_000]))
            row = reader.read(event, now)
            assert row.instant >= now
            check_against_oracle(events[:end], event, row)
            if not behind:
                _check_newest(events[:end], row)
            records.append(record(len(records), event, row, now))
        report = check(records, history, GRAPH)
        assert report.equal, report.first_difference
        assert (report.checked, report.skipped) == (len(records), 0)


def _check_newest(events: list[Happening], row: Row) -> None:
    """A stream that has caught up has folded every event of the entities read."""
    for state, key, offset in row.states:
        group = STATES[state]
        if group is USER_ATTRIBUTES or group.attributes:
            assert offset == max((e.offset for e in events if e.type == "User" and e.columns["id"] == key), default=0)


@pytest.mark.parametrize("batch", [1, 2, 3, 10])
def test_events_that_waited_together_are_folded_in_their_own_order(tmp_path: Path, batch: int) -> None:
    at = [START + n for n in range(4)]
    fees = [1.0, 1e16, -1e16]
    events = [
        Happening("Return", f"r{n}", at[n], at[n], n + 1, {"buy": "b", "fee": fee, "why": "abc"[n]})
        for n, fee in enumerate(fees)
    ]
    events.append(Happening("Buy", "b", at[3], at[3], 4, {"id": "b", "user": "u1", "shop": "s1"}))
    decision = {"user": "u1", "shop": "s1", "amount": 1.0, "kind": None, "gift": None}
    with (
        closing(EventLog.open(tmp_path / "log", sync="second")) as log,
        closing(StateStore.open(tmp_path / "state", 1)) as store,
    ):
        append(log, events)
        with closing(Folder(log, ListHistory(events), store, 0, GRAPH, GROUP_PLANS, batch=batch)) as folder:
            folder.catch_up()
        row = OnlineReader(store, [PLAN, RULE_PLAN]).read(decision, START)
    found = dict(zip(PLAN.names, row.words[0].tolist(), strict=True))
    assert found["shop_fees"] == (1.0 + 1e16) - 1e16 == 0.0
    assert row.texts[0]["shop_last_why"] == "c"
    check_against_oracle(events, decision, row)
    assert check([record(0, decision, row, START)], ListHistory(events), GRAPH).equal
