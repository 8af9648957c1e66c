"""What all hosts of a workspace have to agree on: the first who says it decides."""

from __future__ import annotations

import sqlalchemy as sa

from tidewheel.storage.catalog.store import Catalog
from tidewheel.storage.catalog.tables import agreed


def agree(catalog: Catalog, name: str, value: str) -> str:
    """Return the value that stands for `name`: the one given, where there was none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Catalog.open(f"{folder}/catalog.sqlite") as catalog:
    ...     agree(catalog, "workspace", "one"), agree(catalog, "workspace", "two")
    ('one', 'one')
    """
    query = sa.select(agreed.c.value).where(agreed.c.name == name)
    with catalog.read() as connection:
        found = connection.execute(query).scalar()
    if found is not None:
        return str(found)
    with catalog.write() as connection:
        found = connection.execute(query).scalar()
        if found is None:
            connection.execute(sa.insert(agreed).values(name=name, value=value))
    return value if found is None else str(found)
