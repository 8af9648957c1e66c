"""Events dealt by entity: whatever comes of the messages, states are what the log makes of them, to the bit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pyarrow as pa
import pytest
from feature_decisions import GROUP_PLANS, append
from feature_oracle import Happening
from feature_shop import GRAPH
from feature_world import START, ListHistory, worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from test_corrections import GRAPH as REVISED_GRAPH
from test_corrections import PLANS as REVISED_PLANS
from test_corrections import logged, revised_worlds

from tidewheel.definitions import ir
from tidewheel.features.folding import dealt as dealt_module
from tidewheel.features.folding.dealer import Dealer
from tidewheel.features.folding.dealt import PLACE, Inbox, decode, encode
from tidewheel.features.folding.routes import Route, routes_of
from tidewheel.features.folding.sources import LogSource
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import GroupPlan
from tidewheel.kernel import partition_of
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.protocols import State
from tidewheel.storage.state.lmdb_state import StateStore

K = 3
LOG = "this log"


class Lists:
    """A topic as lists: what a broker has of each partition."""

    partitions = K

    def __init__(self) -> None:
        self.values: list[list[bytes]] = [[] for _ in range(K)]

    def send(self, values: Sequence[bytes], partitions: Sequence[int]) -> None:
        for value, partition in zip(values, partitions, strict=True):
            self.values[partition].append(value)

    def newest(self, partition: int) -> bytes | None:
        return self.values[partition][-1] if self.values[partition] else None


def contents(store: State, plans: Sequence[GroupPlan]) -> list[tuple[str, bytes, bytes]]:
    return [(plan.state_id, key, bytes(blob)) for plan in plans for key, blob in sorted(store.scan(plan.state_id))]


class World:
    """One log, folded from messages by some folders and from itself by others."""

    def __init__(self, stack: ExitStack, graph: ir.Graph, plans: Sequence[GroupPlan], events: list[Happening]) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.stack, self.graph, self.plans, self.history = stack, graph, plans, ListHistory(events, graph)
        self.log = stack.enter_context(closing(EventLog.open(folder / "log", sync="second")))
        self.store = stack.enter_context(closing(StateStore.open(folder / "dealt", K)))
        self.other = stack.enter_context(closing(StateStore.open(folder / "plain", K)))
        self.topic = Lists()
        self.inboxes = [Inbox(LOG) for _ in range(K)]
        self.folders = [self.folder(self.store, k, self.inboxes[k]) for k in range(K)]

    def folder(self, store: State, k: int, inbox: Inbox | None = None) -> Folder:
        made = Folder(self.log, self.history, store, k, self.graph, self.plans, inbox=inbox)
        return self.stack.enter_context(closing(made))

    def dealer(self, plans: Sequence[GroupPlan] | None = None) -> Dealer:
        return Dealer(self.log, LOG, self.topic, self.graph, self.plans if plans is None else plans)

    def same(self) -> bool:
        for k in range(K):
            self.folder(self.other, k).catch_up()
        offsets = [{n: of for n, of in found.items() if n != PLACE} for found in self.store.offsets()]
        return offsets == self.other.offsets() and (
            contents(self.store, self.plans) == contents(self.other, self.plans)
        )


def tell(data: st.DataObject, world: World) -> None:
    """Bring each partition what is new in its topic, with some left out, and some twice."""
    for inbox, values in zip(world.inboxes, world.topic.values, strict=True):
        for place in range(max(inbox.place(1 << 60), 0), len(values)):
            for _ in range(data.draw(st.sampled_from([1, 1, 1, 2, 0]))):
                inbox.put(place, values[place])


def play(data: st.DataObject, world: World, chunks: list[list[Happening]], put, patch) -> None:
    dealer = world.dealer()
    for chunk in chunks:
        put(world.log, chunk)
        what = data.draw(st.sampled_from(["deal", "deal", "rest", "killed", "for others"]))
        if what == "killed":  # the messages of its last step had reached some of the partitions
            dealer.step()
            for values in world.topic.values:
                if values and data.draw(st.booleans()):
                    values.pop()
            dealer = world.dealer()
        if what == "for others":
            dealer.plan(world.graph, data.draw(st.sampled_from([[], world.plans[:1]])))
        if what != "rest":
            while dealer.step():
                pass
        if what == "for others":
            dealer.plan(world.graph, world.plans)
        tell(data, world)
        for folder in world.folders:
            folder.step()
    patch.setattr(dealt_module, "PATIENCE", -1.0)  # what is still missing is overdue
    for folder in world.folders:
        folder.step()
        folder.catch_up()


def cut(data: st.DataObject, events: list[Happening]) -> list[list[Happening]]:
    edges = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=6)))
    return [events[a:b] for a, b in zip([0, *edges], [*edges, len(events)], strict=True)]


@settings(max_examples=20, deadline=None)
@given(worlds(), st.data())
def test_states_are_those_of_the_log_whatever_became_of_the_messages(events, data) -> None:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        world = World(stack, GRAPH, GROUP_PLANS, events)
        play(data, world, cut(data, events), append, patch)
        assert world.same()


@settings(max_examples=12, deadline=None)
@given(revised_worlds(), st.data())
def test_corrections_reach_the_entities_they_are_taken_from(events, data) -> None:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        world = World(stack, REVISED_GRAPH, REVISED_PLANS, events)
        play(data, world, cut(data, events), logged, patch)
        assert world.same()


def test_the_log_is_not_read_for_what_was_dealt(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [buy(n, f"u{n % 7}") for n in range(1, 50)]
    with ExitStack() as stack:
        world = World(stack, GRAPH, GROUP_PLANS, events)
        dealer = world.dealer()
        append(world.log, events)
        assert dealer.step() == 49
        for inbox, values in zip(world.inboxes, world.topic.values, strict=True):
            for place, value in enumerate(values):
                inbox.put(place, value)
        with monkeypatch.context() as patch:
            patch.delattr(LogSource, "next")
            for folder in world.folders:
                assert folder.catch_up() == 49
        assert [offsets[PLACE] for offsets in world.store.offsets()] == [2, 2, 2], "the opening, and what was dealt"
        assert world.same()


def buy(offset: int, user: str) -> Happening:
    columns = {"id": f"b{offset}", "user": user, "shop": "s1", "amount": 1.0, "kind": "food", "gift": False}
    return Happening("Buy", f"b{offset}", START + offset, START + offset, offset, columns)


def test_an_event_goes_to_the_partitions_that_it_concerns() -> None:
    plans = [plan for plan in GROUP_PLANS if routes_of(plan.feeds) == {Route("Buy", (("user",),))}]
    assert plans, "a group that keys its events by a column of their own"
    events = [buy(n, f"u{n}") for n in range(1, 40)]
    with ExitStack() as stack:
        world = World(stack, GRAPH, plans, events)
        dealer = world.dealer()
        append(world.log, events)
        dealer.step()
        for k in range(K):
            [dealt] = [each for each in (decode(v, LOG) for v in world.topic.values[k]) if each and each.tables]
            users = pa.ipc.open_stream(dealt.tables["Buy"]).read_all()["user"].to_pylist()
            assert users == [e.columns["user"] for e in events if partition_of(e.columns["user"].encode(), K) == k]


def test_what_can_be_keyed_by_another_event_goes_to_all() -> None:
    routes = routes_of(feed for plan in GROUP_PLANS for feed in plan.feeds)
    vias = [feed for plan in GROUP_PLANS for feed in plan.feeds if feed.via is not None]
    assert vias
    assert {Route(feed.via.target) for feed in vias} <= routes


def test_messages_of_another_log_are_not_read() -> None:
    [value] = encode("another log", 1, 5, [], {})
    inbox = Inbox(LOG)
    inbox.put(7, value)
    inbox.put(8, b"garbage")
    assert inbox.run(1, 100, 10, []) == ([], 0)
    assert inbox.place(0) == 9


def test_what_is_too_large_is_cut_and_one_event_too_large_is_left_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"_offset": [1, 2, 3, 4], "text": ["a", "b" * 300, "c", "d"]})
    monkeypatch.setattr(dealt_module, "MOST_BYTES", 200)
    found = [decode(value, LOG) for value in encode(LOG, 1, 4, ["Buy"], {"Buy": table})]
    assert [(each.first, each.last, list(each.tables)) for each in found] == [
        (1, 1, ["Buy"]),
        (3, 2, []),
        (3, 4, ["Buy"]),
    ]
