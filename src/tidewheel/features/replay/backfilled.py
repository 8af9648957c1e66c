"""Which of a view's columns are in the lake for which range of time, and what a backfill has left to do.

A stored column is known by a digest of all that it is made from: its expression, the features it reads,
and the kernel's version. So a column that is new, or changed, is computed by itself, and the
others are taken as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.projects.graphs import canonical
from tidewheel.features.planning.group import GroupPlan
from tidewheel.kernel import KERNEL_VERSION, LAYOUT_VERSION
from tidewheel.storage.places.disks import write_durably

_NOTE = "set.json"


class StoredSet(msgspec.Struct, frozen=True):
    """Columns of a view that one backfill made: those of rows that arrived from `start` on and before `end`.

    `columns` holds each column's digest; `table` is where they are in the lake.
    """

    view: str
    start: int
    end: int
    columns: dict[str, str]
    table: str
    rows: int


class Gap(NamedTuple):
    """What is not stored: some columns, from `start` on and before `end`."""

    start: int
    end: int
    names: tuple[str, ...]


def narrow(graph: ir.Graph, view: ir.View, names: Iterable[str]) -> tuple[ir.Graph, ir.View]:
    """Return what some columns of a view need, and nothing else: their groups hold only the features they read."""
    columns = {column.name: column for column in view.columns}
    wanted: dict[str, None] = {}
    features: dict[str, dict[str, None]] = {}
    groups = {lookup.alias: lookup.group for lookup in view.lookups}
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted[name] = None
            for leaf in _leaves(columns[name].value):
                if isinstance(leaf, ir.Computed):
                    todo.append(leaf.name)
                elif isinstance(leaf, ir.Feature):
                    features.setdefault(groups[leaf.alias], {})[leaf.name] = None
    kept = tuple(
        group if group.attributes else _with_features(group, features[group.name])
        for group in graph.groups
        if group.attributes or group.name in features
    )
    narrowed = msgspec.structs.replace(
        view,
        lookups=tuple(lookup for lookup in view.lookups if lookup.group in features),
        columns=tuple(column for column in view.columns if column.name in wanted),
    )
    return ir.Graph(sources=graph.sources, groups=kept, views=(narrowed,)), narrowed


def column_digests(graph: ir.Graph, view: ir.View) -> dict[str, str]:
    """Return a digest of all that each column of a view is made from."""
    found = {}
    for column in view.columns:
        narrowed, alone = narrow(graph, view, [column.name])
        used = [canonical(group) for group in narrowed.groups if not group.attributes]
        parts = [canonical(alone), *sorted(used), f"{KERNEL_VERSION}.{LAYOUT_VERSION}"]
        found[column.name] = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return found


def gaps(sets: Sequence[StoredSet], digests: Mapping[str, str], start: int, end: int) -> list[Gap]:
    """Return what of some columns is not stored between two instants, in order of time.

    Examples
    --------
    >>> stored = StoredSet("V", 0, 10, {"a": "1", "b": "2"}, "t", 5)
    >>> gaps([stored], {"a": "1", "b": "3"}, 5, 20)
    [Gap(start=5, end=10, names=('b',)), Gap(start=10, end=20, names=('a', 'b'))]
    """
    found: list[Gap] = []
    for first, last in stretches(sets, start, end):
        names = tuple(name for name, digest in digests.items() if holder(sets, name, digest, first, last) is None)
        if names and found and found[-1].names == names and found[-1].end == first:
            found[-1] = Gap(found[-1].start, last, names)
        elif names:
            found.append(Gap(first, last, names))
    return found


def stretches(sets: Sequence[StoredSet], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges between two instants in which the same sets hold."""
    edges = {start, end, *(edge for stored in sets for edge in (stored.start, stored.end) if start < edge < end)}
    yield from pairwise(sorted(edges))


def holder(sets: Sequence[StoredSet], name: str, digest: str, start: int, end: int) -> StoredSet | None:
    """Return a set that holds a column for a whole range."""
    return next((s for s in sets if s.columns.get(name) == digest and s.start <= start and s.end >= end), None)


def stored_sets(folder: Path, view: str) -> list[StoredSet]:
    """Return a view's finished backfills, below the folder of all."""
    notes = sorted(folder.glob(f"*/{_NOTE}"))
    sets = [msgspec.json.decode(note.read_bytes(), type=StoredSet) for note in notes]
    return [stored for stored in sets if stored.view == view]


def write_set(folder: Path, stored: StoredSet) -> None:
    """Note a finished backfill in its own folder."""
    write_durably(folder / _NOTE, msgspec.json.encode(stored))


def reach(plans: Iterable[GroupPlan]) -> int | None:
    """Return how long before a read its groups' oldest event can be; None when there is no bound.

    Lifetime aggregates have none; nor has what the cap of an exact window has cost, which is counted since ever; nor
    have those that go through a reference, whose target may be of any age.
    """
    longest = 0
    for plan in plans:
        if any(feed.via is not None for feed in plan.feeds):
            return None
        for aggregate in plan.aggregates:
            if aggregate.window == 0 or aggregate.past_cap:
                return None
            longest = max(longest, aggregate.window + aggregate.delay + aggregate.hop)
    return longest


def _with_features(group: ir.Group, names: Iterable[str]) -> ir.Group:
    features = {feature.name: feature for feature in group.features}
    wanted: dict[str, None] = {}
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted[name] = None
            todo += [leaf.name for leaf in _leaves(features[name].value) if isinstance(leaf, ir.Feature)]
    return msgspec.structs.replace(group, features=tuple(f for f in group.features if f.name in wanted))


def _leaves(value: ir.Expr | ir.Aggregate | ir.Derived) -> Iterator[ir.Expr]:
    if isinstance(value, ir.Call | ir.Derived):
        for arg in value.args:
            yield from _leaves(arg)
    elif not isinstance(value, ir.Aggregate):
        yield value
