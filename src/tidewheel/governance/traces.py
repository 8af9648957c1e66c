"""Traces of an entity outside of tables: quarantine, the catalog's texts, bytes that lie about in files."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from tidewheel.governance.subject import BLANK
from tidewheel.runtime.layout import Layout
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.stores import Stores
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.connect import is_postgres
from tidewheel.storage.catalog.tables import alerts, job_runs, notes, run_steps, runs
from tidewheel.storage.lake.rewrite import rewrite_environment
from tidewheel.storage.log.ids import first_offset
from tidewheel.storage.log.records import BadRow

_TEXTS: tuple[sa.Column[Any], ...] = (
    alerts.c.subject, alerts.c.message, alerts.c.detail, notes.c.body,
    job_runs.c.detail, job_runs.c.cause, runs.c.cause, runs.c.error,
    run_steps.c.detail,
)  # fmt: skip
"""Where the catalog keeps running text, which may quote values."""
_PIECE = 1 << 24
COMPUTED = ("features/", "scores/")
"""Where the lake keeps what can be computed again: rows of views that backfills stored, and scores."""
_BAD_ROW = msgspec.msgpack.Decoder(BadRow)


def rewrite_log(layout: Layout, pattern: re.Pattern[str], offsets: set[int]) -> dict[str, int]:
    """Write the event log's file anew without what tells of an entity; return how many entries, by what they are.

    `offsets` are those of the entity's own rows, whose ids are made of their content.
    """

    def keep(database: str, key: bytes, value: bytes) -> bool:
        if database == "quarantine":
            row = _BAD_ROW.decode(value)
            return not any(pattern.search(text) for text in (row.row.decode("utf-8", "replace"), row.reason))
        return database != "ids" or first_offset(value) not in offsets

    dropped = rewrite_environment(layout.log, keep)
    return {f"log: {name}": count for name, count in dropped.items() if count}


def drop_states(stores: Stores) -> None:
    """Empty the feature states, which are folded again from what is left of history, and close the stores."""
    for partition in range(stores.settings.partitions):
        with Lease.acquire(stores.layout.leases / f"state-{partition}", "an erasure") as lease:
            writer = stores.state.writer(partition, lease.token)
            writer.reset()
            writer.close()
    _drop_scores(stores)
    stores.close_files()
    for folder in (*stores.layout.state.iterdir(), stores.layout.scores):
        if folder.is_dir():  # LMDB clears no page that it frees
            shutil.rmtree(folder)
    shutil.rmtree(stores.layout.recent, ignore_errors=True)


def _drop_scores(stores: Stores) -> None:
    """Empty the store of scores computed ahead; where it is on a server, closing it would leave them there."""
    if stores.settings.state or stores.layout.scores.exists():
        with Lease.acquire(stores.layout.leases / "scores", "an erasure") as lease:
            writer = stores.scores.writer(0, lease.token)
            writer.reset()
            writer.close()


def drop_backfills(stores: Stores) -> int:
    """Delete stored rows of views and scores, which are made again from what is left; return how many there were."""
    tables = [table for table in stores.lake.tables() if table.startswith(COMPUTED)]
    rows = sum(stores.lake.count(table) for table in tables)
    for folder in (stores.layout.backfill, stores.layout.scoring):
        shutil.rmtree(folder, ignore_errors=True)
    for table in tables:
        stores.lake.drop(table)
    return rows


def blank_catalog(catalog: Catalog, pattern: re.Pattern[str]) -> int:
    """Blank what a pattern finds in the catalog's running texts; return how many."""
    blanked = 0
    with catalog.write() as connection:
        for column in _TEXTS:
            table = column.table
            keys = list(table.primary_key.columns)
            for *key, text in connection.execute(sa.select(*keys, column)).all():
                clean = pattern.sub(BLANK, text)
                if clean != text:
                    same = sa.and_(*(one == value for one, value in zip(keys, key, strict=True)))
                    connection.execute(sa.update(table).where(same).values({column.name: clean}))
                    blanked += 1
    return blanked


def clean_catalog_file(place: str | Path) -> None:
    """Let an SQLite file keep nothing of what was deleted or changed in it. Nobody may have it open."""
    if is_postgres(str(place)) or not Path(place).exists():
        return
    connection = sqlite3.connect(place)
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def files_with(root: Path, pattern: re.Pattern[str], but: Path) -> Iterator[str]:
    """Yield each file below `root` whose bytes a pattern finds something in, except `but`."""
    raw = re.compile(pattern.pattern.encode())
    for path in sorted(root.rglob("*")):
        if path != but and path.is_file() and _holds(path, raw):
            yield path.relative_to(root).as_posix()


def _holds(path: Path, pattern: re.Pattern[bytes]) -> bool:
    """Whether a file's bytes match, read piece by piece with some overlap."""
    before = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if pattern.search(before + piece):
                return True
            before = piece[-1024:]
    return False
