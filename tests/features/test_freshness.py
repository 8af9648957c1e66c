"""How far states are behind the log, also when what they lack is in the log no more."""

from __future__ import annotations

from feature_decisions import append
from feature_oracle import Happening
from feature_world import START

from tidewheel.features.reading.freshness import watermarks
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.state.lmdb_state import StateStore


def test_a_state_that_lacks_what_was_trimmed_is_no_fresher_for_it(log: EventLog, store: StateStore) -> None:
    now = START + 100
    assert watermarks(["s"], store, log, now) == {"s": (0, now)}, "nothing waits"
    append(log, [Happening("Buy", f"b{i}", START + i, START + i, i + 1, {"id": f"b{i}"}) for i in range(4)])
    assert watermarks(["s"], store, log, now) == {"s": (0, START - 1)}
    for first in (3, log.head()):
        log.trim(first)
        assert watermarks(["s"], store, log, now) == {"s": (0, 0)}, "it has to read history, and nobody knows how old"
