"""A few events folded as records leave the same bytes as folded as columns."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import lmdb
import pytest
from feature_decisions import append
from feature_oracle import Happening
from feature_shop import AMOUNT, GRAPH, GROUPS, HOUR, MINUTE, RETURN_BY_SHOP, aggregate, feature
from feature_world import START, ListHistory, worlds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidewheel.definitions import ir
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import GroupPlan, plan_group
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.state.lmdb_state import StateStore

AT = ir.Col(("at",))
ODD_KEYS = ir.Group(
    "OddKeys",
    ("Buy.gift",),
    (
        feature("last_at", aggregate("last", "Buy", (("gift",),), AT)),
        feature("spend", aggregate("sum", "Buy", (("at",),), AMOUNT, HOUR, 5 * MINUTE)),
        feature("kind", aggregate("first", "Return", (("buy", "gift"), ("why",)), ir.Col(("buy", "kind")), text=True)),
        feature("at", aggregate("last", "Return", (("buy", "at"),), AT)),
        feature("n", aggregate("count", "Return", RETURN_BY_SHOP)),
    ),
)
"""Keyed by booleans and times, through a reference and not; feeds of several widths in one state."""
PLANS = [plan_group(GRAPH, group) for group in (*GROUPS, ODD_KEYS)]


def contents(folder: Path) -> dict[tuple[Path, bytes], list[tuple[bytes, bytes]]]:
    """Return every entry of every database under a folder."""
    found = {}
    for file in sorted(folder.rglob("data.mdb")):
        with lmdb.open(str(file.parent), readonly=True, lock=False, max_dbs=16) as environment:
            with environment.begin() as transaction:
                names = list(transaction.cursor().iternext(values=False))
            databases = {name: environment.open_db(name, create=False) for name in names}
            with environment.begin() as transaction:
                for name, database in databases.items():
                    found[file.relative_to(folder), name] = list(transaction.cursor(database))
    return found


def folded(
    folder: Path, log: EventLog, events: list[Happening], chunks: list[int], plans: list[list[GroupPlan]], **how: int
) -> dict[tuple[Path, bytes], list[tuple[bytes, bytes]]]:
    """Return what a store holds after events came chunk by chunk, while groups were added."""
    partitions = how.pop("partitions")
    with ExitStack() as stack:
        store = stack.enter_context(closing(StateStore.open(folder, partitions)))
        history = ListHistory(events)
        folders = [
            stack.enter_context(closing(Folder(log, history, store, k, GRAPH, plans[0], **how)))
            for k in range(partitions)
        ]
        for end, kept in zip(chunks, plans, strict=True):
            append(log, [event for event in events if log.head() <= event.offset <= end])
            for each in folders:
                each.plan(GRAPH, kept)
                each.step() if end % 2 else each.catch_up()
        for each in folders:
            each.catch_up()
            assert each.position() == len(events)
    return contents(folder)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.data())
def test_records_and_columns_leave_the_same_bytes(events: list[Happening], data: st.DataObject) -> None:
    for event in events:
        amount = event.columns.get("amount")
        if amount is not None and amount.is_integer() and data.draw(st.booleans()):
            event.columns["amount"] = int(amount)
    chunks = sorted(data.draw(st.sets(st.integers(1, len(events)), max_size=5), "chunks") | {len(events)})
    plans = [data.draw(st.lists(st.sampled_from(PLANS), unique=True, min_size=1)) for _ in chunks[1:]] + [PLANS]
    how = {"partitions": data.draw(st.integers(1, 3), "partitions"), "batch": data.draw(st.sampled_from([1, 3, 100]))}
    with tempfile.TemporaryDirectory() as name:
        found = []
        for few in (0, 64):
            with closing(EventLog.open(Path(name) / f"log{few}", sync="second")) as log:
                found.append(folded(Path(name) / f"state{few}", log, events, chunks, plans, few=few, **how))
    assert {name for _, name in found[0]} == {b"blobs", b"strings", b"references", b"waiting", b"meta"}
    for where, entries in found[0].items():
        assert found[1][where] == entries, where
    assert found[0].keys() == found[1].keys()


@pytest.mark.parametrize(
    ("columns", "as_columns"), [({"amount": 5.0}, False), ({"amount": 5}, False), ({"user": 7}, True)]
)
def test_values_that_have_to_be_cast_go_by_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: dict[str, object], as_columns: bool
) -> None:
    called: list[int] = []
    read_batch = EventLog.read_batch

    def counted(self: EventLog, start: int, *more: object) -> object:
        called.append(start)
        return read_batch(self, start, *more)

    monkeypatch.setattr(EventLog, "read_batch", counted)
    events = [Happening("Buy", "b", START, START, 1, {"id": "b", "shop": "s1", **columns})]
    with (
        closing(EventLog.open(tmp_path / "log", sync="second")) as log,
        closing(StateStore.open(tmp_path / "state", 1)) as store,
        closing(Folder(log, ListHistory(events), store, 0, GRAPH, PLANS)) as folder,
    ):
        append(log, events)
        assert folder.catch_up() == 1
    assert called == ([1] if as_columns else [])
