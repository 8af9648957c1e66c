"""Where a lake's tables lie: in a folder of this machine, or under a prefix of an object store.

Both give the lake one way to them: where a table is, its write lock, and what makes a commit safe. In a folder
files are flushed; an object store has kept what it acknowledged, and commits by a conditional put.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable
from pyarrow import fs

from tidewheel.errors import NotFoundError
from tidewheel.storage.lake import files as lake_files
from tidewheel.storage.places.disks import make_folder, sync_folder
from tidewheel.storage.places.environments import raise_for
from tidewheel.storage.places.objects import ObjectFolder
from tidewheel.storage.protocols import Bound

State = tuple[int, int, int]
"""Of a table: its version, and which file its newest commit is, written when."""


class LocalPlace:
    """A folder of this machine."""

    options: dict[str, str] | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._checked: set[str] = set()
        try:
            make_folder(folder)
        except OSError as error:
            raise_for(error, str(folder))

    def uri(self, table: str) -> str:
        """Where a table lies. Raises `NotFoundError` for what can't name one."""
        return str(self._path(table))

    def dataset(self, table: str, delta: DeltaTable, among: Sequence[Bound]) -> ds.Dataset:
        """Return a table's files, but for those without a row within the bounds, as Arrow reads them from a disk.

        Delta's own way to them asks Python for each read, so that a reader and a writer of one process could wait
        for each other, and tells Arrow the bounds of every column in every file: of hundreds that takes longer than
        to read them.
        """
        schema = pa.schema(delta.schema().to_arrow())
        paths = delta.file_uris(file_pruning_predicate=list(among) or None)
        return ds.dataset(
            ["/".join(path.rsplit("/", 2)[1:]) for path in paths],  # each lies in its day's folder
            schema=schema,
            format="parquet",
            filesystem=fs.SubTreeFileSystem(str(self._path(table)), fs.LocalFileSystem()),
            partitioning=ds.partitioning(pa.schema([schema.field("_date")]), flavor="hive"),
        )

    def exists(self, table: str) -> bool:
        """Whether anything was ever committed to a table."""
        return lake_files.newest_commit(self._path(table)) >= 0

    def state(self, table: str) -> State | None:
        """Return what every commit changes, and a table dropped and made anew; None when there is none."""
        path = self._path(table)
        try:
            newest = lake_files.newest_commit(path)
            found = lake_files.commit_file(path, newest).stat()
        except FileNotFoundError:
            return None
        return newest, found.st_ino, found.st_mtime_ns

    def tables(self) -> list[str]:
        """Names of all tables."""
        logs = self.folder.glob("**/_delta_log")
        return sorted(log.parent.relative_to(self.folder).as_posix() for log in logs)

    @contextmanager
    def writing(self, table: str) -> Iterator[None]:
        """Hold a table's write lock on this machine."""
        path = self._path(table)
        try:
            with lake_files.writing(path):
                self._check(table, path)
                yield
        except OSError as error:
            raise_for(error, table)

    def flush(self, table: str) -> None:
        """Make what was committed safe from a power loss."""
        path = self._path(table)
        lake_files.flush_commits(path, lake_files.safe_version(path))

    def drop_log_before(self, table: str, version: int) -> int:
        """Delete the commits of versions before one that has a checkpoint; return how many files."""
        log = self._path(table) / "_delta_log"
        for file in log.iterdir():
            lake_files.flush_file(file)
        sync_folder(log)
        going = [file for file in log.iterdir() if _is_before(file.name, version)]
        for file in going:
            file.unlink()
        sync_folder(log)
        return len(going)

    def drop(self, table: str) -> None:
        """Delete all files of a table, which nobody may be reading."""
        path = self._path(table)
        if path.exists():
            lake_files.note_nothing(path)
            shutil.rmtree(path)
            sync_folder(path.parent)

    def ready(self, table: str) -> None:
        """See, before a table is read, that a power loss has left nothing half written in it."""
        path = self._path(table)
        if table not in self._checked and self.exists(table) and not lake_files.is_checked(path):
            with lake_files.writing(path):
                self._check(table, path)

    def raise_for(self, error: Exception, table: str) -> NoReturn:
        """Raise the error of ours that says what one of the system or of the store means."""
        raise_for(error, table)

    def _check(self, table: str, path: Path) -> None:
        if table not in self._checked:
            lake_files.take_back_unsafe(path)
            self._checked.add(table)

    def _path(self, table: str) -> Path:
        return self.folder / _named(table, str(self.folder))


class ObjectPlace:
    """A prefix of an object store, written by the processes of one machine."""

    def __init__(self, objects: ObjectFolder, folder: Path) -> None:
        self.folder = folder
        self.options: dict[str, str] | None = objects.delta_options
        self._objects = objects

    def uri(self, table: str) -> str:
        """Where a table lies. Raises `NotFoundError` for what can't name one."""
        return f"{self._objects.url}/{_named(table, self._objects.url)}"

    def dataset(self, table: str, delta: DeltaTable, among: Sequence[Bound]) -> ds.Dataset:
        """Return a table's files, but for those without a row within the bounds; a file costs a round trip."""
        return delta.to_pyarrow_dataset(file_pruning_predicate=list(among) or None)

    def exists(self, table: str) -> bool:
        """Whether anything was ever committed to a table."""
        with self._objects.translated():
            return bool(
                self._objects.files.exists(f"{self._objects.path(_named(table, self._objects.url))}/_delta_log")
            )

    def state(self, table: str) -> State | None:
        """Return None: to ask takes as long as to open the table."""
        return None

    def tables(self) -> list[str]:
        """Names of all tables."""
        with self._objects.translated():
            return sorted(self._below("", 2))

    @contextmanager
    def writing(self, table: str) -> Iterator[None]:
        """Hold a table's write lock on this machine."""
        with lake_files.writing(self.folder / _named(table, self._objects.url)):
            yield

    def flush(self, table: str) -> None:
        """Do nothing: a store has kept what it acknowledged."""

    def drop_log_before(self, table: str, version: int) -> int:
        """Delete the commits of versions before one that has a checkpoint; return how many files."""
        with self._objects.translated():
            files = self._objects.files.ls(self._objects.path(f"{table}/_delta_log"), detail=False)
            going = [file for file in files if _is_before(file.rsplit("/", 1)[-1], version)]
            for file in going:
                self._objects.files.rm_file(file)
        return len(going)

    def drop(self, table: str) -> None:
        """Delete all files of a table, which nobody may be reading."""
        with self._objects.translated():
            place = self._objects.path(_named(table, self._objects.url))
            if self._objects.files.exists(place):
                self._objects.files.rm(place, recursive=True)

    def ready(self, table: str) -> None:
        """See, before a table is read, that a power loss has left nothing half written in it: here it never has."""

    def raise_for(self, error: Exception, table: str) -> NoReturn:
        """Raise the error of ours that says what one of the system or of the store means."""
        self._objects.raise_for(error)

    def _below(self, folder: str, depth: int) -> Iterator[str]:
        """Yield the tables in a folder, and in the folders in it."""
        root = self._objects.path("").rstrip("/") + "/"
        try:
            found = self._objects.files.ls(root + folder, detail=True)
        except FileNotFoundError:
            return
        names = [item["name"].removeprefix(root).strip("/") for item in found if item["type"] == "directory"]
        if any(name.endswith("_delta_log") for name in names):
            yield folder
        elif depth:
            for name in names:
                yield from self._below(name, depth - 1)


def _is_before(name: str, version: int) -> bool:
    return name[:20].isdigit() and int(name[:20]) < version


def _named(table: str, where: str) -> str:
    if ".." in Path(table).parts or not table:
        raise NotFoundError(f"{table!r} can't name a table", where=where)
    return table


Place = LocalPlace | ObjectPlace
