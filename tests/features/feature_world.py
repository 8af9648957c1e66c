"""Random worlds: events with ties, lateness, nulls and targets that come late; and histories made of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from feature_oracle import Happening
from feature_shop import GRAPH, MINUTE
from hypothesis import strategies as st

from tidewheel.collect.keeping.redactions import Redactions
from tidewheel.definitions import ir
from tidewheel.features.rows import arrow_type

START = 1_700_000_000_000_000
REFS = {
    (source.name, column.name): column.target for source in GRAPH.sources for column in source.columns if column.target
}


class ListHistory:
    """All events, from a list: what collect's History answers, without a log or a lake."""

    def __init__(self, events: list[Happening], graph: ir.Graph = GRAPH) -> None:
        self.events = events
        self.sources = {source.name: source for source in graph.sources}
        self.scans: list[str] = []
        self.redactions = Redactions()

    def scan(self, type: str, columns: list[str], *, below: int | None = None, **_: object) -> pa.Table:
        self.scans.append(type)
        return event_table(
            [e for e in self.events if e.type == type and (below is None or e.offset < below)],
            self.sources[type],
            columns,
        )

    def pieces(self, type: str, columns: list[str], *, start: int, below: int, rows: int) -> Iterator[pa.Table]:
        found = [e for e in self.events if e.type == type and start <= e.offset < below]
        for first in range(0, len(found), rows):
            yield event_table(found[first : first + rows], self.sources[type], columns)

    def head(self) -> int:
        return max((event.offset for event in self.events), default=0) + 1


def event_table(events: list[Happening], source: ir.Source, columns: list[str] | None = None) -> pa.Table:
    names = [column.name for column in source.columns] if columns is None else columns
    found = {
        "_id": pa.array([event.id for event in events], pa.string()),
        **{
            f: pa.array([getattr(event, f[1:]) for event in events], pa.int64()) for f in ("_at", "_arrived", "_offset")
        },
    }
    for name in names:
        found[name] = pa.array([event.columns.get(name) for event in events], arrow_type(source.column(name).kind))
    return pa.table(found)


users = st.sampled_from(["u1", "u2", "u3", None])
shops = st.sampled_from(["s1", "s2", None])
kinds = st.sampled_from(["food", "toys", "none", None])
amounts = st.one_of(
    st.none(), st.sampled_from([0.1, 0.2, 0.3, 1e9, 7.0]), st.floats(-10, 10, allow_nan=False).map(float)
)
gaps = st.sampled_from([0, 0, 1, MINUTE // 3, MINUTE, 4 * MINUTE, 11 * MINUTE, 40 * MINUTE])
lateness = st.sampled_from([0, 0, 0, 1, MINUTE, 6 * MINUTE, 30 * MINUTE, 90 * MINUTE])


@st.composite
def worlds(draw, most: int = 40):
    """A list of events in offset order, arrival not decreasing, time never after arrival."""
    n = draw(st.integers(1, most))
    arrived, events = START, []
    types = draw(st.lists(st.sampled_from(["Buy"] * 5 + ["Return"] * 3 + ["User", "Shop"]), min_size=n, max_size=n))
    for offset, type in enumerate(types, 1):
        arrived += draw(gaps)
        at = arrived - draw(lateness)
        events.append(Happening(type, f"{type}{offset}", at, arrived, offset, draw(_columns(type, n, offset))))
    for event in events:
        if event.type in ("User", "Shop"):
            event.columns["id"] = draw(users if event.type == "User" else shops) or "x"
        elif event.type == "Buy":
            event.columns["id"] = event.id
    return events


def _columns(type: str, n: int, offset: int):
    if type == "Buy":
        return st.fixed_dictionaries(
            {
                "user": users,
                "shop": shops,
                "amount": amounts,
                "kind": kinds,
                "gift": st.sampled_from([True, False, None]),
            }
        )
    if type == "Return":
        targets = st.one_of(st.integers(1, n).map(lambda i: f"Buy{i}"), st.none())
        return st.fixed_dictionaries({"buy": targets, "fee": amounts, "why": kinds})
    if type == "User":
        return st.fixed_dictionaries({"tier": kinds, "score": amounts})
    return st.fixed_dictionaries({"city": kinds})


def decisions_on():
    """Events to decide on: they are read for, and never seen themselves."""
    return st.fixed_dictionaries(
        {"user": users, "shop": shops, "amount": amounts, "kind": kinds, "gift": st.sampled_from([True, False, None])}
    )


def same(left: float, right: float) -> bool:
    return np.float64(left).view(np.int64) == np.float64(right).view(np.int64)
