"""Training data sets by content: what a hash in a run's lineage stands for."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from tidewheel.errors import NotFoundError
from tidewheel.registry.canonical import canonical
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import datasets


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """A data set that was built: its hash, its size, the instant that it was built as of."""

    digest: str
    model: str
    view: str
    rows: int
    as_of: int
    detail: dict[str, Any] = {}
    """Columns, table versions, rows left out and why."""
    created: int = 0


def save_dataset(catalog: Catalog, dataset: Dataset) -> Dataset:
    """Keep what is known about a data set; the first word about a hash stays."""
    with catalog.write() as connection:
        found = _find(connection, dataset.digest)
        if found is not None:
            return found
        kept = msgspec.structs.replace(dataset, created=catalog.now())
        row = msgspec.structs.asdict(kept) | {"detail": canonical(kept.detail).decode()}
        connection.execute(sa.insert(datasets).values(**row))
    return kept


def get_dataset(catalog: Catalog, digest: str) -> Dataset:
    """Return what is known about a data set.

    Raises
    ------
    NotFoundError
        No run built one with this hash.
    """
    with catalog.read() as connection:
        found = _find(connection, digest)
    if found is None:
        raise NotFoundError(f"no data set {digest}", where=catalog.where, remedy="`tidewheel runs` shows each run's")
    return found


def _find(connection: sa.Connection, digest: str) -> Dataset | None:
    row = connection.execute(sa.select(datasets).where(datasets.c.digest == digest)).first()
    if row is None:
        return None
    return Dataset(**(plain(row) | {"detail": msgspec.json.decode(row.detail)}))
