"""Training data sets by content: what a hash in a run's lineage stands for."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from tidewheel.errors import NotFoundError
from tidewheel.registry.canonical import canonical
from tidewheel.registry.runs.runs import get_run
from tidewheel.registry.versions.versions import get_version
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
    manifest: str = ""
    """Artifact that lists the files of its rows; "" for one of a release that kept none."""


def save_dataset(catalog: Catalog, dataset: Dataset) -> Dataset:
    """Keep what is known about a data set; the first word about a hash stays, but for rows that were not kept then."""
    with catalog.write() as connection:
        found = _find(connection, dataset.digest)
        if found is not None:
            return _with_rows(connection, found, dataset.manifest)
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


def find_dataset(catalog: Catalog, name: str) -> Dataset:
    """Return a data set by the beginning of its hash, by a run's id, or by a version such as ``Fraud@3``.

    Raises
    ------
    NotFoundError
        None is called so, or several begin so.
    """
    if "@" in name:
        return get_dataset(catalog, get_run(catalog, get_version(catalog, name).run).lineage.dataset)
    query = sa.select(datasets.c.digest).where(datasets.c.digest.startswith(name.lower(), autoescape=True)).limit(2)
    with catalog.read() as connection:
        found = connection.execute(query).scalars().all()
    if name and len(found) == 1:
        return get_dataset(catalog, found[0])
    if len(found) > 1:
        raise NotFoundError(f"several data sets begin with {name!r}", where=catalog.where, remedy="give more digits")
    try:
        return get_dataset(catalog, get_run(catalog, name).lineage.dataset)
    except NotFoundError as error:
        raise NotFoundError(
            f"no data set {name!r}", where=catalog.where, remedy="`tidewheel datasets list` shows them"
        ) from error


def list_datasets(catalog: Catalog, model: str = "", limit: int = 1000) -> list[Dataset]:
    """Return data sets, newest first."""
    query = sa.select(datasets).order_by(datasets.c.created.desc(), datasets.c.digest).limit(limit)
    if model:
        query = query.where(datasets.c.model == model)
    with catalog.read() as connection:
        return [_dataset(row) for row in connection.execute(query)]


def _with_rows(connection: sa.Connection, found: Dataset, manifest: str) -> Dataset:
    if found.manifest or not manifest:
        return found
    connection.execute(sa.update(datasets).where(datasets.c.digest == found.digest).values(manifest=manifest))
    return msgspec.structs.replace(found, manifest=manifest)


def _find(connection: sa.Connection, digest: str) -> Dataset | None:
    row = connection.execute(sa.select(datasets).where(datasets.c.digest == digest)).first()
    return None if row is None else _dataset(row)


def _dataset(row: Any) -> Dataset:
    return Dataset(**(plain(row) | {"detail": msgspec.json.decode(row.detail)}))
