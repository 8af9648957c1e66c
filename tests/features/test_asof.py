"""Truth tables of as-of joins: which row of an entity a row sees, and that no row is ever lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from feature_oracle import Happening
from feature_shop import DAY, HOUR
from feature_world import ListHistory

import tidewheel as tw
from tidewheel.definitions import compile_declarations
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.features.planning.view import plan_view
from tidewheel.features.reading.online import OnlineReader
from tidewheel.features.replay.backfill import read_view
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent
from tidewheel.storage.state.lmdb_state import StateStore

T = 1_700_000_000_000_000


class Card(tw.Entity, ttl="1d"):
    id: tw.Id
    limit: float | None
    tier: tw.Category


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card, None]


class Row(tw.View, on=Payment):
    limit = Payment.card.limit
    tier = Payment.card.tier
    age = Payment.card.tw_age
    status = Payment.card.tw_status


GRAPH = compile_declarations(Row)
PRESENT, EXPIRED, MISSING = "present", "expired", "missing"


def row(at: int, limit: float | None, tier: str, late: int = 0, card: str = "c") -> tuple[int, int, dict[str, object]]:
    return at, at + late, {"id": card, "limit": limit, "tier": tier}


def read(rows: list[tuple[int, int, dict[str, object]]], asked: list[tuple[str | None, int]]) -> list[tuple]:
    """What each (card, instant) sees."""
    events = [Happening("Card", f"r{n}", at, arrived, n, columns) for n, (at, arrived, columns) in enumerate(rows, 1)]
    labels = pa.table(
        {
            "_id": [f"p{n}" for n in range(len(asked))],
            "id": [f"p{n}" for n in range(len(asked))],
            "card": pa.array([card for card, _ in asked], pa.string()),
            "_at": [at for _, at in asked],
            "_arrived": [at for _, at in asked],
        }
    )
    table = read_view(ListHistory(events, GRAPH), GRAPH, GRAPH.views[0], labels)
    assert table["_id"].to_pylist() == labels["_id"].to_pylist(), "one row for each asked for, in their order"
    return list(zip(*(table[name].to_pylist() for name in ("limit", "tier", "age", "status")), strict=True))


NOTHING = (None, None, None, MISSING)


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        ([], NOTHING),
        ([row(T, 5.0, "a")], (5.0, "a", 0.0, PRESENT)),  # stamped exactly at the instant: it holds
        ([row(T + 1, 5.0, "a")], NOTHING),  # a microsecond later: the future is invisible
        ([row(T - HOUR, 5.0, "a"), row(T + 1, 6.0, "b")], (5.0, "a", 3600.0, PRESENT)),
        ([row(T - DAY, 5.0, "a")], (5.0, "a", 86400.0, PRESENT)),  # exactly as old as its ttl: it holds
        ([row(T - DAY - 1, 5.0, "a")], (None, None, 86400.000001, EXPIRED)),
        ([row(T - 2 * DAY, 5.0, "a"), row(T - HOUR, 6.0, "b")], (6.0, "b", 3600.0, PRESENT)),
        ([row(T - 9, 5.0, "a"), row(T - 9, 6.0, "b")], (6.0, "b", 0.000009, PRESENT)),  # a tie: the later taken
        ([row(T - 8, 6.0, "b"), row(T - 9, 5.0, "a")], (6.0, "b", 0.000008, PRESENT)),  # out of order: by time
        ([row(T - 9, 5.0, "a"), row(T - 8, None, "b")], (None, "b", 0.000008, PRESENT)),  # a null is a null
        ([row(T - 9, None, "a"), row(T - 9, 5.0, "b")], (5.0, "b", 0.000009, PRESENT)),
        ([row(T - 9, 5.0, "a"), row(T - 9, None, "b")], (None, "b", 0.000009, PRESENT)),
        ([row(T - 9, 5.0, "a", late=HOUR)], (5.0, "a", 0.000009, PRESENT)),  # told late, valid all the same
        ([row(T - 9, 5.0, "a", card="other")], NOTHING),
    ],
)
def test_the_row_that_holds(rows: list[tuple[int, int, dict[str, object]]], seen: tuple) -> None:
    assert read(rows, [("c", T)]) == [seen]


def test_no_label_row_is_lost_and_their_order_and_duplicates_are_kept() -> None:
    """The cases in which another store's default join loses rows (research: dask store, ttl 1 day)."""
    rows = [row(T, 5.0, "a"), row(T + 5 * DAY, 6.0, "b", card="later")]
    asked = [
        ("c", T + DAY + 1),  # one microsecond past the ttl
        ("c", T),
        ("later", T),  # the entity has only later rows
        ("c", T),  # equal key and time, again
        ("unknown", T),
        (None, T),
        ("c", T - 1),
    ]
    fresh = (5.0, "a", 0.0, PRESENT)
    assert read(rows, asked) == [
        (None, None, 86400.000001, EXPIRED),
        fresh,
        NOTHING,
        fresh,
        NOTHING,
        NOTHING,
        NOTHING,
    ]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with closing(EventLog.open(tmp_path / "log", sync="second")) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(StateStore.open(tmp_path / "state", 1)) as opened:
        yield opened


@pytest.mark.parametrize(("now", "status"), [(T, PRESENT), (T + DAY, PRESENT), (T + DAY + 1, EXPIRED)])
def test_a_live_read_expires_as_training_does(log: EventLog, store: StateStore, now: int, status: str) -> None:
    log.append([NewEvent("Card", "r1", T - 9, {"id": "c", "limit": None, "tier": "a"}, arrived=T - 1)], now=T)
    log.append([NewEvent("Card", "r2", T, {"id": "c", "limit": 5.0, "tier": "b"}, arrived=T - 1)], now=T)
    plans = [plan_group(GRAPH, group) for group in GRAPH.groups]
    with closing(Folder(log, ListHistory([], GRAPH), store, 0, GRAPH, plans)) as folder:  # type: ignore[arg-type]
        folder.catch_up()
    plan = plan_view(GRAPH, GRAPH.views[0])
    online = OnlineReader(store, [plan])
    found = online.read({"id": "p", "card": "c"}, now)
    words = dict(zip(plan.names, found.words[0].tolist(), strict=True))
    events = [row(T - 9, None, "a"), row(T - 1, 5.0, "b")]
    assert read(events, [("c", found.instant)])[0][2:] == (words["age"], found.texts[0]["status"])
    assert found.texts[0].get("tier") == ("b" if found.instant <= T - 1 + DAY else None)
    unknown = online.read({"id": "p", "card": "x"}, now)
    assert unknown.texts[0] == {"status": MISSING}
