"""Backfill by replay against the plain oracle."""

from __future__ import annotations

from feature_expect import check_row, view_row
from feature_oracle import Happening
from feature_shop import BUY, GRAPH, VIEW
from feature_world import ListHistory, event_table, worlds
from hypothesis import HealthCheck, given, settings

from tidewheel.features.replay.backfill import read_view


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds())
def test_historical_reads_equal_the_oracle(events: list[Happening]) -> None:
    buys = [event for event in events if event.type == "Buy"]
    history = ListHistory(events)
    table = read_view(history, GRAPH, VIEW, event_table(buys, BUY))
    assert table.num_rows == len(buys)
    for buy, found in zip(buys, table.to_pylist(), strict=True):
        check_row(found, view_row(events, buy, buy.arrived))
    assert len(history.scans) == len(set(history.scans)), "each source is scanned once"
