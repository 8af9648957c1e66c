"""What is done to a lake's tables besides appending: joining files, dropping and changing days, leaving no trace.

A commit is flushed before anything that it made superfluous is deleted, so that a power loss can
always go back to the newest commit that was flushed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from tidewheel.storage.lake.delta import KEEP_COMMITS, Lake

KEEP_HOURS = 168
"""How long files stay that no newest version names: a reader of an older version may hold them."""


def compact(lake: Lake, table: str, *, keep_hours: int = KEEP_HOURS) -> dict[str, int]:
    """Join small files within each day, and delete files that no version of the last `keep_hours` names.

    Commits that are older than a month go too, where a checkpoint has what they say.

    Returns
    -------
    dict
        Files ``joined`` into how many ``made``, and ``deleted``.
    """
    with _upkeep(lake, table) as delta:
        done = delta.optimize.compact(post_commithook_properties=KEEP_COMMITS)
        lake.place.flush(table)
        deleted = _vacuum(delta, keep_hours, full=False)
        lake.place.flush(table)
        lake.table(table).cleanup_metadata()
    return {"joined": done["numFilesRemoved"], "made": done["numFilesAdded"], "deleted": len(deleted)}


def drop_days(lake: Lake, table: str, before: str, *, only: str = "") -> int:
    """Delete the rows of all days before `before` (YYYY-MM-DD); of those, with `only`, what fits an SQL condition.

    The files stay until `compact` or `purge` deletes them.

    Returns
    -------
    int
        How many rows were deleted.
    """
    condition = f"_date < '{before}'" + (f" AND {only}" if only else "")
    with _upkeep(lake, table) as delta:
        rows = lake.count(table)
        delta.delete(condition, post_commithook_properties=KEEP_COMMITS)
        lake.place.flush(table)
        return rows - lake.count(table)


def replace_day(lake: Lake, table: str, day: str, rows: pa.Table) -> None:
    """Put `rows`, as `Lake.day` gives them, in the place of all of one day, in one commit; stored positions stay."""
    with _upkeep(lake, table) as delta:
        write_deltalake(
            delta,
            lake.fitted(table, delta, rows),
            mode="overwrite",
            schema_mode="merge",
            predicate=f"_date = '{day}'",
            post_commithook_properties=KEEP_COMMITS,
        )
        lake.place.flush(table)


def purge(lake: Lake, table: str) -> int:
    """Delete every file and every commit that the newest version does not need; return how many.

    Old versions can't be read afterwards. Commits hold the least and greatest values of columns, so that what
    was erased is gone only when they are.
    """
    with _upkeep(lake, table) as delta:
        deleted = len(_vacuum(delta, 0, full=True))
        lake.place.flush(table)
        newest = lake.table(table)
        newest.create_checkpoint()
        return deleted + lake.place.drop_log_before(table, newest.version())


def _vacuum(delta: DeltaTable, keep_hours: int, *, full: bool) -> list[str]:
    return delta.vacuum(
        retention_hours=keep_hours,
        dry_run=False,
        enforce_retention_duration=False,
        full=full,
        post_commithook_properties=KEEP_COMMITS,
    )


@contextmanager
def _upkeep(lake: Lake, table: str) -> Iterator[DeltaTable]:
    with lake.place.writing(table), lake.translated(table):
        yield lake.table(table)
