"""Service versions: a service frozen with all the definitions that it reaches."""

from __future__ import annotations

import hashlib

import msgspec
import sqlalchemy as sa

from tidewheel.definitions.ir import Graph, Service
from tidewheel.definitions.projects.graphs import digest as content_digest
from tidewheel.errors import NotFoundError
from tidewheel.registry.canonical import canonical
from tidewheel.registry.graphs import save_graph
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.tables import graphs, service_versions


class ServiceVersion(msgspec.Struct, frozen=True):
    """A service as it was when it was deployed."""

    digest: str
    service: Service
    graph: Graph
    """The part of the project that the service reaches: sources, groups, views, models."""
    created: int


def freeze_service(catalog: Catalog, service: Service, graph: Graph) -> ServiceVersion:
    """Keep `service` with the graph it reaches; the same pair gives the same version."""
    text = f"{content_digest(service)} {content_digest(graph)}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    with catalog.write() as connection:
        query = sa.select(service_versions.c.created).where(service_versions.c.digest == digest)
        created = connection.execute(query).scalar()
        if created is None:
            created = catalog.now()
            row = {
                "digest": digest,
                "service": service.name,
                "definition": canonical(service).decode(),
                "graph": save_graph(connection, graph, created),
                "created": created,
            }
            connection.execute(sa.insert(service_versions).values(**row))
    return ServiceVersion(digest, service, graph, created)


def load_service(catalog: Catalog, digest: str) -> ServiceVersion:
    """Return a frozen service by its digest.

    Raises
    ------
    NotFoundError
        The catalog holds no such service version.
    """
    joined = service_versions.join(graphs, service_versions.c.graph == graphs.c.digest)
    query = (
        sa.select(service_versions.c.definition, service_versions.c.created, graphs.c.graph)
        .select_from(joined)
        .where(service_versions.c.digest == digest)
    )
    with catalog.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"no service version {digest}", where=catalog.where)
    service = msgspec.json.decode(row.definition, type=Service)
    return ServiceVersion(digest, service, msgspec.json.decode(row.graph, type=Graph), row.created)
