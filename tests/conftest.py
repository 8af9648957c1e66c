"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from tidewheel.storage.catalog import Catalog

POSTGRES = os.environ.get("TIDEWHEEL_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")


class CatalogPlace(NamedTuple):
    """Where a new, empty catalog is: ``Catalog.open(place.url, namespace=place.namespace)``."""

    kind: str
    url: str
    namespace: str


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def catalog_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CatalogPlace]:
    """Give an SQLite file, and then a schema of its own in a real PostgreSQL, which is dropped afterwards."""
    if request.param == "sqlite":
        yield CatalogPlace("sqlite", str(tmp_path / "catalog.sqlite"), "tidewheel")
        return
    _need_postgres()
    import psycopg

    namespace = f"tw_test_{uuid.uuid4().hex[:12]}"
    yield CatalogPlace("postgres", POSTGRES, namespace)
    with psycopg.connect(POSTGRES) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {namespace} CASCADE".encode())


@pytest.fixture
def catalog(catalog_place: CatalogPlace) -> Iterator[Catalog]:
    """Give an open, empty catalog of each kind."""
    from tidewheel.storage.catalog import Catalog

    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as catalog:
        yield catalog


def _need_postgres() -> None:
    try:
        socket.create_connection(_address(), timeout=2).close()
    except OSError:
        reason = (
            f"no PostgreSQL answers at {POSTGRES}; start one that trusts 127.0.0.1 and has a database `test`: "
            "initdb -D /tmp/pg -A trust && pg_ctl -D /tmp/pg start && createdb -h 127.0.0.1 test"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def _address() -> tuple[str, int]:
    from urllib.parse import urlsplit

    parts = urlsplit(POSTGRES)
    return parts.hostname or "127.0.0.1", parts.port or 5432
