"""Batch = stream = online = replay = oracle, to the bit, for every aggregate."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from feature_decisions import append, record
from feature_expect import check_row, view_row
from feature_more import GRAPH, GROUPS, PLAN, VIEW
from feature_oracle import Happening
from feature_shop import BUY
from feature_world import ListHistory, decisions_on, event_table, worlds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidewheel.features.folding.stream import Folder
from tidewheel.features.proof.parity import check
from tidewheel.features.reading.online import OnlineReader, Row
from tidewheel.features.replay.backfill import read_view
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.state.lmdb_state import StateStore
from tidewheel.training.gates.parity import streamed

NAMES = {read.plan.state_id: read.plan.group.name for read in PLAN.reads}


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(15))
def test_training_rows_equal_the_oracle(events: list[Happening]) -> None:
    buys = [event for event in events if event.type == "Buy"]
    table = read_view(ListHistory(events), GRAPH, VIEW, event_table(buys, BUY))
    for buy, found in zip(buys, table.to_pylist(), strict=True):
        check_row(found, view_row(events, buy, buy.arrived, view=VIEW, groups=GROUPS))
    if buys:
        alone = streamed(GRAPH, VIEW, ListHistory(events), event_table(buys, BUY))
        assert alone.differences == 0, alone.first


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(15), st.data())
def test_stream_online_replay_and_oracle_agree(events: list[Happening], data: st.DataObject) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = stack.enter_context(closing(EventLog.open(folder / "log", sync="second")))
        store = stack.enter_context(closing(StateStore.open(folder / "state", 1)))
        plans = [read.plan for read in PLAN.reads]
        few, batch = data.draw(st.sampled_from([0, 64])), data.draw(st.integers(1, 9))
        stream = Folder(log, ListHistory(events), store, 0, GRAPH, plans, batch=batch, few=few)
        stack.enter_context(closing(stream))
        reader = OnlineReader(store, [PLAN])
        records, start = [], 0
        while start < len(events):
            end = start + data.draw(st.integers(1, len(events) - start))
            append(log, events[start:end])
            start = end
            stream.catch_up()
            event = data.draw(decisions_on())
            now = events[end - 1].arrived + data.draw(st.sampled_from([0, 1, 60_000_000]))
            row = reader.read(event, now)
            check_row(found_in(row), expected(events[:end], event, row))
            records.append(record(len(records), event, row, now, VIEW))
        report = check(records, ListHistory(events), GRAPH)
        assert report.equal, report.first_difference
        assert report.checked == len(records)


def found_in(row: Row) -> dict[str, object]:
    return {
        name: row.texts[0].get(name) if text else (None if np.isnan(word) else float(word))
        for name, text, word in zip(PLAN.names, PLAN.texts, row.words[0], strict=True)
    }


def expected(events: list[Happening], event: dict[str, object], row: Row) -> dict[str, object]:
    """The row by the oracle, from the events up to the recorded offsets, at the recorded instant."""
    seen = {NAMES[state]: offset for state, _, offset in row.states}
    decided = Happening("Buy", "?", row.instant, row.instant, 0, event)
    return view_row(
        events, decided, row.instant, lambda group, e: e.offset <= seen.get(group.name, 0), view=VIEW, groups=GROUPS
    )
