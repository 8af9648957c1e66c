"""Which partitions of the state an event concerns: one for each way in which groups key it, or all of them.

All of them where the event itself does not say which: it is keyed through another event, which may come later; it is
one that others are keyed through; or it may correct one whose entity was another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.keys import key_array, plain
from tidewheel.features.planning.group import Feed
from tidewheel.features.rows import rows_of
from tidewheel.kernel import partition_of


class Route(NamedTuple):
    """A source dealt by what names the entity in it; to every partition without keys."""

    source: str
    keys: tuple[ir.Path, ...] = ()


def routes_of(feeds: Iterable[Feed]) -> frozenset[Route]:
    """Return the routes by which each feed gets all of its events."""
    found = set()
    for feed in feeds:
        tells = all(len(path) == 1 for path in feed.keys) and not feed.revisable
        found.add(Route(feed.source, feed.keys if tells else ()))
        if feed.via is not None:
            found.add(Route(feed.via.target))
    return frozenset(route for route in found if not route.keys or Route(route.source) not in found)


def route_name(route: Route, sources: Mapping[str, ir.Source]) -> str:
    """Return what tells a route from every other, as declarations have it now.

    Examples
    --------
    >>> shop = ir.Column("shop", "str", default="none")
    >>> route_name(Route("Sale", (("shop",),)), {"Sale": ir.Source("Sale", (shop,), entity=False)})
    "Sale by shop str 'none'"
    """
    columns = [(path[0], sources[route.source].column(path[0])) for path in route.keys]
    parts = [f"{name} {column.kind} {column.default!r}" if column else name for name, column in columns]
    return f"{route.source} by {', '.join(parts)}" if parts else route.source


def deal(table: pa.Table, source: ir.Source, routes: Sequence[Route], partitions: int) -> list[pa.Table]:
    """Return the events of one source that concern each partition; one that concerns several is in each of them."""
    if any(not route.keys for route in routes):
        return [table] * partitions
    names = {path[0] for route in routes for path in route.keys if source.column(path[0])}
    rows = rows_of(table, source, sorted(names))
    concerned = np.zeros((partitions, len(rows)), np.bool_)
    for route in routes:
        owners = _owners(key_array([rows.path(path, None) for path in route.keys]), partitions)
        keyed = np.flatnonzero(owners >= 0)
        concerned[owners[keyed], keyed] = True
    return [table.filter(pa.array(mask)) for mask in concerned]


def _owners(keys: pa.Array, partitions: int) -> npt.NDArray[np.int64]:
    """Return each key's partition, -1 where it is null."""
    encoded = plain(keys).dictionary_encode()
    owner = [partition_of(name.encode(), partitions) for name in encoded.dictionary.to_pylist()]
    indices: npt.NDArray[np.int64] = encoded.indices.fill_null(len(owner)).to_numpy(zero_copy_only=False)
    return np.array([*owner, -1], np.int64)[indices]
