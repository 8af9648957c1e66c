"""Copies of an entity's data in artifacts: fallback tables, category levels, profiles, tables of rows.

An artifact is named by its content, so one that changes gets another name. What points at it is moved along, and
the old name leads to the new one, for the decisions that recorded it.
"""

from __future__ import annotations

import io
import re
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from tidewheel.governance.subject import BLANK, scrubbed
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.tables import runs, versions
from tidewheel.storage.protocols import Artifacts

_PARQUET, _ARROW = b"PAR1", b"ARROW1"


def blank_artifacts(artifacts: Artifacts, catalog: Catalog, pattern: re.Pattern[str]) -> dict[str, str]:
    """Blank what a pattern finds in artifacts; return the digests that changed, old to new.

    Safe to repeat: the catalog is moved to the new artifact before the old one is deleted.
    """
    replaced = {}
    for digest in list(artifacts.digests()):
        content = artifacts.read(digest)
        blanked = blanked_content(content, pattern)
        if blanked is not None and blanked != content:
            new = artifacts.put(blanked)
            _move(catalog, digest, new)
            artifacts.supersede(digest, new)
            replaced[digest] = new
    return replaced


def blanked_content(content: bytes, pattern: re.Pattern[str]) -> bytes | None:
    """Return an artifact's content without what a pattern finds; None when it holds no texts that we can read.

    Examples
    --------
    >>> blanked_content(b'{"levels":["c42","c7"],"scores":{"c42":0.5}}', re.compile(r"c42"))
    b'{"levels":["[erased]","c7"],"scores":{}}'
    """
    if content.startswith(_PARQUET):
        return _as_parquet(_blanked_table(pq.read_table(io.BytesIO(content)), pattern))
    if content.startswith(_ARROW):
        return _as_arrow(_blanked_table(pa.ipc.open_file(content).read_all(), pattern))
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if not pattern.search(text):
        return content
    try:
        return msgspec.json.encode(scrubbed(msgspec.json.decode(text), pattern), order="sorted")
    except msgspec.DecodeError:
        return pattern.sub(BLANK, text).encode()


def _blanked_table(table: pa.Table, pattern: re.Pattern[str]) -> pa.Table | None:
    """Return a table with the texts nulled that a pattern finds; None when there are none."""
    found = False
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            texts = table[field.name].to_pylist()
            kept = [None if text is not None and pattern.search(text) else text for text in texts]
            if kept != texts:
                found = True
                table = table.set_column(position, field, pa.array(kept, field.type))
    return table if found else None


def _as_parquet(table: pa.Table | None) -> bytes | None:
    if table is None:
        return None
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _as_arrow(table: pa.Table | None) -> bytes | None:
    if table is None:
        return None
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _move(catalog: Catalog, old: str, new: str) -> None:
    """Point versions and runs at the new artifact."""
    with catalog.write() as connection:
        connection.execute(sa.update(versions).where(versions.c.bundle == old).values(bundle=new))
        named: Any = connection.execute(sa.select(runs.c.id, runs.c.artifacts).where(runs.c.artifacts.contains(old)))
        for run, text in named.all():
            connection.execute(sa.update(runs).where(runs.c.id == run).values(artifacts=text.replace(old, new)))
