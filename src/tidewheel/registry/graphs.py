"""Graphs of definitions by content, which of them is live, and the states that the stream keeps."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from tidewheel.definitions.ir import Graph
from tidewheel.definitions.projects.graphs import digest as content_digest
from tidewheel.errors import ConflictError, NotFoundError
from tidewheel.registry.canonical import canonical
from tidewheel.registry.versions.names import current_user
from tidewheel.storage.catalog import Catalog, touch
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import graphs, groups, live_graphs

GroupStatus = Literal["building", "live", "retired", "dropping"]
"""``retired``: nothing reaches it, and it stands where it was left.

``dropping``: it is being deleted, and can't come back until it is gone."""


class LiveGraph(msgspec.Struct, frozen=True):
    """The graph that the project's declarations last gave."""

    revision: int
    digest: str
    graph: Graph
    since: int
    who: str


class ActiveGroup(msgspec.Struct, frozen=True):
    """A state that the stream keeps, and the graph whose group it comes from."""

    state_id: str
    name: str
    graph: str
    """Digest; see :func:`load_graph`."""
    status: GroupStatus
    since: int


def save_graph(connection: sa.Connection, graph: Graph, at: int) -> str:
    """Keep `graph` inside the caller's transaction; return its digest."""
    digest = content_digest(graph)
    if connection.execute(sa.select(graphs.c.digest).where(graphs.c.digest == digest)).first() is None:
        connection.execute(sa.insert(graphs).values(digest=digest, graph=canonical(graph).decode(), created=at))
    return digest


def load_graph(catalog: Catalog, digest: str) -> Graph:
    """Return a graph by its digest.

    Raises
    ------
    NotFoundError
        The catalog holds no such graph.
    """
    with catalog.read() as connection:
        text = connection.execute(sa.select(graphs.c.graph).where(graphs.c.digest == digest)).scalar()
    if text is None:
        raise NotFoundError(f"no graph {digest}", where=catalog.where)
    return msgspec.json.decode(text, type=Graph)


def every_graph(catalog: Catalog) -> list[Graph]:
    """Return every graph that was ever live or served, the newest first."""
    query = sa.select(graphs.c.graph).order_by(graphs.c.created.desc(), graphs.c.digest)
    with catalog.read() as connection:
        return [msgspec.json.decode(text, type=Graph) for text in connection.execute(query).scalars()]


def set_live_graph(catalog: Catalog, graph: Graph, *, who: str = "") -> LiveGraph:
    """Make `graph` the live one; does nothing when it is already."""
    with catalog.write() as connection:
        newest = _newest(connection)
        digest = save_graph(connection, graph, catalog.now())
        if newest is not None and newest.digest == digest:
            return _live(newest)
        revision = newest.revision + 1 if newest is not None else 1
        live = LiveGraph(revision, digest, graph, catalog.now(), who or current_user())
        row = {"revision": live.revision, "digest": digest, "since": live.since, "who": live.who}
        connection.execute(sa.insert(live_graphs).values(**row))
        add_note(connection, "definitions.live", digest, {"revision": revision, "who": live.who}, at=live.since)
        touch(connection)
        return live


def live_graph(catalog: Catalog, known: LiveGraph | None = None) -> LiveGraph | None:
    """Return the live graph, or None before there was one; `known` itself when it is still the one."""
    with catalog.read() as connection:
        row = _newest(connection)
    if row is None or (known is not None and row.revision == known.revision):
        return None if row is None else known
    return _live(row)


def _newest(connection: sa.Connection) -> Any:
    joined = live_graphs.join(graphs, live_graphs.c.digest == graphs.c.digest)
    query = sa.select(live_graphs, graphs.c.graph).select_from(joined)
    return connection.execute(query.order_by(live_graphs.c.revision.desc()).limit(1)).first()


def _live(row: Any) -> LiveGraph:
    return LiveGraph(row.revision, row.digest, msgspec.json.decode(row.graph, type=Graph), row.since, row.who)


def set_group(catalog: Catalog, state_id: str, name: str, graph: Graph, status: GroupStatus) -> ActiveGroup:
    """Say what the stream is to do with a state: build it, keep it, or let it go.

    Parameters
    ----------
    graph : Graph
        Holds the group called `name`, and the sources it reads.
    """
    with catalog.write() as connection:
        now = catalog.now()
        digest = save_graph(connection, graph, now)
        row = {"name": name, "graph": digest, "status": status, "since": now}
        held = connection.execute(sa.select(groups.c.status).where(groups.c.state_id == state_id)).scalar()
        if held == "dropping":
            raise ConflictError(
                f"the state of {name} is being deleted, since nothing had needed it for long",
                where=f"state {state_id}",
                remedy="try again in a moment: it is then folded anew, from the beginning of history",
            )
        changed = connection.execute(sa.update(groups).where(groups.c.state_id == state_id).values(**row))
        if changed.rowcount == 0:
            connection.execute(sa.insert(groups).values(state_id=state_id, **row))
        touch(connection)
    return ActiveGroup(state_id, name, digest, status, now)


def active_groups(catalog: Catalog) -> list[ActiveGroup]:
    """Return the states that are building or live, by name."""
    return [group for group in all_groups(catalog) if group.status in ("building", "live")]


def all_groups(catalog: Catalog) -> list[ActiveGroup]:
    """Return every state that the catalog knows, by name."""
    query = sa.select(groups).order_by(groups.c.name, groups.c.state_id)
    with catalog.read() as connection:
        return [ActiveGroup(**plain(row)) for row in connection.execute(query)]


def begin_dropping(catalog: Catalog, state_ids: Collection[str], before: int) -> list[str]:
    """Give up those of some states that are retired since before an instant; return them.

    From then on until :func:`forget_group` they can't be made live again: who holds their partitions deletes
    them meanwhile. One that came back to life before this call stays.
    """
    with catalog.write() as connection:
        idle = (groups.c.status == "retired") & (groups.c.since <= before) & groups.c.state_id.in_(list(state_ids))
        found = [row.state_id for row in connection.execute(sa.select(groups.c.state_id).where(idle))]
        connection.execute(sa.update(groups).where(groups.c.state_id.in_(found)).values(status="dropping"))
        touch(connection)
    return found


def forget_group(catalog: Catalog, state_id: str) -> None:
    """Forget a state that has been deleted."""
    with catalog.write() as connection:
        gone = (groups.c.state_id == state_id) & (groups.c.status == "dropping")
        connection.execute(sa.delete(groups).where(gone))
        touch(connection)
