"""A log that moves there and back leaves no trace, whatever it holds; nor does a group that folds after a move."""

from __future__ import annotations

import time
import uuid
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kafka_server import KafkaPlace
from tests.workspace.test_moving_log import DAY, START, move, set_log

import tidewheel as tw
from tidewheel.features.folding.dealer import Dealer
from tidewheel.features.folding.dealt import PLACE
from tidewheel.features.folding.stream import Folder
from tidewheel.runtime.stores import Stores, open_stores
from tidewheel.storage.log.records import BadRow, NewEvent
from tidewheel.storage.state.lmdb_state import StateStore
from tidewheel.workspace import Workspace
from tidewheel.workspace.processes.group import GroupStream, log_id, topic_of
from tidewheel.workspace.processes.stream import live_plans

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]
HOUR = DAY // 24
PROJECT = """
import tidewheel as tw


class Sale(tw.Event, revisable="7d"):
    id: tw.Id
    shop: tw.Key
    amount: float | None
    revision: int | None


class ShopHistory(tw.Features, by=Sale.shop):
    sold_1d = tw.sum(Sale.amount, "1d")
    sales_7d = tw.count(Sale, "7d")
    last = tw.last(Sale.amount, "7d")


class Gate(tw.Service, on=Sale):
    rules = [tw.rule("busy", ShopHistory.sales_7d >= 2, then="hold")]
    decide = tw.thresholds(go=0.0)
"""

Row = tuple[int, int, float | None, int, int]
Step = tuple[str, Any]


def sale(row: Row, now: int) -> NewEvent:
    id, shop, amount, revision, ago = row
    columns: dict[str, object] = {"id": f"s{id}", "shop": f"shop{shop}", "amount": amount, "revision": revision}
    return NewEvent("Sale", f"s{id}", now - ago, columns, revisable=7 * DAY)


def do(workspace: Workspace, step: Step) -> object:
    """Take a step in a workspace; return what it answers."""
    log, now = workspace.stores.log, workspace.stores.clock.now()
    match step:
        case "append", rows:
            return log.append([sale(row, now) for row in rows], now=now)
        case "put aside", _:
            return log.append([], now=now, quarantine=[BadRow("Sale", "odd", b"{}", "a test", now)])
        case "pass", hours:
            return workspace.advance(now + hours * HOUR)
        case "flush", _:
            workspace.flush()
            return log.first()
    return workspace.sync()


# Few ids and shops, so that ids come again, as duplicates and as corrections; times of long ago and of the future.
ROWS = st.tuples(
    st.integers(0, 7),
    st.integers(0, 2),
    st.none() | st.floats(allow_nan=True, width=32),
    st.integers(0, 3),
    st.sampled_from([0, HOUR, 3 * DAY, 9 * DAY, -1_000_000, -HOUR]),
)
STEPS = st.one_of(
    st.tuples(st.just("append"), st.lists(ROWS, min_size=1, max_size=6)),
    st.tuples(st.just("pass"), st.sampled_from([1, 30, 200])),
    st.tuples(st.sampled_from(["put aside", "fold", "flush"]), st.none()),
)


def kept(stores: Stores) -> dict[str, Any]:
    """Return all that is kept of events, as it is kept."""
    log, lake = stores.log, stores.lake
    _, plans = live_plans(stores.catalog)
    return {
        "log": log.digests(),
        "events": log.read(log.first(), 10**6),
        "stats": (log.head(), log.first(), log.stats().types, log.bad_rows(), log.positions()),
        "lake": {table: repr(lake.scan(table).sort_by("_offset").to_pydict()) for table in lake.tables()},
        "lake positions": {table: lake.position(table, "log") for table in lake.tables()},
        "offsets": stores.state.offsets(),
        "states": blobs(stores.state, [plan.state_id for plan in plans]),
    }


def blobs(state: Any, state_ids: list[str]) -> dict[str, dict[bytes, bytes]]:
    return {each: {bytes(key): bytes(blob) for key, blob in state.scan(each)} for each in state_ids}


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(phases=st.tuples(*[st.lists(STEPS, min_size=1, max_size=6)] * 3), again=ROWS)
def test_no_log_tells_whether_it_was_moved(phases: tuple[list[Step], ...], again: Row, kafka_place: KafkaPlace) -> None:
    place = kafka_place._replace(namespace=f"tw_{uuid.uuid4().hex[:12]}")
    with TemporaryDirectory() as folder:
        stayed, moved = Path(folder, "stayed"), Path(folder, "moved")
        for each in (stayed, moved):
            each.mkdir()
            (each / "project.py").write_text(PROJECT)
            set_log(each, place, kafka=False)
        for number, steps in enumerate(phases):
            kafka = number == 1
            set_log(moved, place, kafka=kafka)
            if number:
                assert move(moved, origin="" if kafka else place.url).done
            with tw.open(stayed) as one, tw.open(moved) as other:
                if not number:
                    for workspace in (one, other):
                        workspace.deploy("Gate")
                        workspace.advance(START)
                for step in [*steps, ("append", [again]), ("fold", None)]:
                    assert repr(do(one, step)) == repr(do(other, step))
                assert repr(kept(one.stores)) == repr(kept(other.stores))


def set_group(folder: Path, place: KafkaPlace, *, kafka: bool) -> None:
    lines = [f'namespace = "{place.namespace}"', 'max_map = "256MB"', "partitions = 2"]
    lines += [f'log = "{place.url}"', 'stream = "group"'] if kafka else []
    (folder / "tidewheel.toml").write_text("\n".join(lines) + "\n")


def append(stores: Stores, start: int, end: int) -> None:
    now = stores.clock.now()
    stores.log.append([sale((n % 40, n % 7, n / 4, n // 40, HOUR), now) for n in range(start, end)], now=now)


def fold_by_group(folder: Path, start: int, end: int) -> list[int]:
    """Append, and fold all by a dealer and a member; return how far each partition has read what it was dealt."""
    with closing(open_stores(folder)) as stores, closing(topic_of(stores)) as topic:
        dealer = Dealer(stores.log, log_id(stores), topic, *live_plans(stores.catalog))
        with closing(GroupStream(stores, 0)) as stream:
            append(stores, start, end)
            head, until = stores.log.head() - 1, time.monotonic() + 240
            while [of["folded"] for of in folded(stores)] != [head] * 2:
                assert time.monotonic() < until, folded(stores)
                dealer.step()
                stream.step()
        return [of.get(PLACE, 0) for of in stores.state.offsets()]


def folded(stores: Stores) -> list[dict[str, int]]:
    [plan] = live_plans(stores.catalog)[1]
    return [{"folded": of.get(plan.state_id, 0), **of} for of in stores.state.offsets()]


def as_one_makes_it(folder: Path) -> bool:
    """Whether the states are, to the byte, what one process makes of lake and log."""
    with tw.open(folder) as workspace, TemporaryDirectory() as beside:
        stores = workspace.stores
        graph, plans = live_plans(stores.catalog)
        with closing(StateStore.open(Path(beside), 2)) as oracle:
            for k in range(2):
                with closing(Folder(stores.log, workspace.history, oracle, k, graph, plans)) as one:
                    one.catch_up()
            ids = [plan.state_id for plan in plans]
            assert all(blobs(oracle, ids).values())
            return blobs(stores.state, ids) == blobs(oracle, ids)


def test_a_group_folds_a_log_that_moved_and_came_back_and_moved_again(tmp_path: Path, kafka_place: KafkaPlace) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "project.py").write_text(PROJECT)
    for begin in (0, 60):
        set_group(folder, kafka_place, kafka=False)
        if begin:
            move(folder, origin=kafka_place.url, delete_old=True)
        with tw.open(folder) as workspace:
            workspace.publish()
            append(workspace.stores, begin, begin + 25)
            workspace.sync()
            workspace.flush()
            append(workspace.stores, begin + 25, begin + 30)  # not folded when it moves
        set_group(folder, kafka_place, kafka=True)
        assert move(folder, delete_old=True).done
        assert min(fold_by_group(folder, begin + 30, begin + 60)) > 0, "it was dealt, and not read from the log"
        assert as_one_makes_it(folder)
