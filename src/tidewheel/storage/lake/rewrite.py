"""Writing an LMDB file anew, entry by entry: the only way to be sure that nothing deleted is left in it.

LMDB frees pages without clearing them, and its own compacting copy takes over the gaps inside pages. Here only
live entries are put into a new file, which then takes the old one's place.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import lmdb

from tidewheel.errors import StorageError
from tidewheel.storage.places.disks import sync_folder
from tidewheel.storage.places.environments import is_open, translated

Keep = Callable[[str, bytes, bytes], bool]
"""Whether an entry stays: database, key, value."""
_AT_ONCE = 50_000


def rewrite_environment(folder: Path, keep: Keep) -> dict[str, int]:
    """Write the LMDB file in `folder` anew with the entries that `keep` wants.

    Nobody may have it open: the caller has the workspace alone. Killed at any moment it leaves the old file or
    the new one.

    Returns
    -------
    dict of str to int
        Entries left out, by database.

    Raises
    ------
    StorageError
        This process has it open.
    """
    data, fresh = folder / "data.mdb", folder / "rewrite"
    if not data.exists():
        return {}
    if is_open(folder):
        raise StorageError("this store is open in this process", where=str(folder), remedy="close it first")
    shutil.rmtree(fresh, ignore_errors=True)
    with translated(str(folder)):
        dropped = _copy(folder, fresh, keep)
        (fresh / "data.mdb").replace(data)
        sync_folder(folder)
        shutil.rmtree(fresh)
    return dropped


def _copy(folder: Path, fresh: Path, keep: Keep) -> dict[str, int]:
    fresh.mkdir()
    dropped = {}
    # Without locks: they are in a file of their own, which stays as it is.
    with lmdb.open(str(folder), readonly=True, lock=False, max_dbs=16) as old:
        size = int(old.info()["map_size"])
        with lmdb.open(str(fresh), map_size=size, max_dbs=16, sync=False) as new:
            with old.begin() as reading:
                names = [bytes(key).decode() for key in reading.cursor().iternext(values=False)]
            for name in names:
                dropped[name] = _copy_database(old, new, name, keep)
            new.sync(True)
    return dropped


def _copy_database(old: Any, new: Any, name: str, keep: Keep) -> int:
    source, target = old.open_db(name.encode(), create=False), new.open_db(name.encode())
    seen = kept = 0

    def wanted(entries: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        nonlocal seen
        for key, value in entries:
            seen += 1
            if keep(name, key, value):
                yield key, value

    with old.begin(db=source) as reading:
        entries = wanted(reading.cursor().iternext())
        while part := list(islice(entries, _AT_ONCE)):
            with new.begin(write=True) as writing:
                writing.cursor(target).putmulti(part, append=True)
            kept += len(part)
    return seen - kept
