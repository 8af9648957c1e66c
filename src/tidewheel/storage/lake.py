"""The lake: all history as Delta Lake tables, partitioned by the UTC day of arrival (`_date`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from tidewheel.errors import ConflictError, CorruptError, NotFoundError, SchemaError, StorageError
from tidewheel.storage import lake_files
from tidewheel.storage.environments import raise_for

DAY = 86_400_000_000
_PARTITIONS = ["_date"]


class Lake:
    """All tables of one workspace. Safe for several processes: each table has one writer at a time.

    A table is named ``events/<Type>`` or ``decisions``; it is made by its first append. Columns
    that an append brings for the first time are added, null in the rows before.
    `tidewheel.storage.protocols.HistoryLake` is its contract.

    Examples
    --------
    >>> import tempfile
    >>> lake = Lake.open(Path(tempfile.mkdtemp()))
    >>> rows = pa.table({"amount": [2.5], "_offset": [1], "_arrived": [9]})
    >>> lake.append("events/Sale", rows, position=("flush", 1)), lake.append("events/Sale", rows, position=("flush", 1))
    (True, False)
    >>> lake.scan("events/Sale", ["amount", "_date"]).to_pylist()
    [{'amount': 2.5, '_date': '1970-01-01'}]
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._checked: set[str] = set()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the lake, made when missing."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise_for(error, str(folder))
        return cls(folder)

    # --- what there is ---------------------------------------------------------------------------

    def tables(self) -> list[str]:
        """Names of all tables."""
        logs = self.folder.glob("**/_delta_log")
        return sorted(log.parent.relative_to(self.folder).as_posix() for log in logs)

    def exists(self, table: str) -> bool:
        """Whether anything was ever appended to a table."""
        return lake_files.newest_commit(self._path(table)) >= 0

    def version(self, table: str) -> int:
        """Version of a table: rises with each commit; -1 when there is no such table."""
        return self._open(table).version() if self.exists(table) else -1

    def position(self, table: str, app: str) -> int:
        """Position stored by the last append of `app`; 0 when there is none."""
        return (self._open(table).transaction_version(app) or 0) if self.exists(table) else 0

    def schema(self, table: str, version: int | None = None) -> pa.Schema:
        """Arrow schema of a table. Raises `NotFoundError`."""
        return pa.schema(self._open(table, version).schema().to_arrow())

    # --- writing ---------------------------------------------------------------------------------

    def append(self, table: str, rows: pa.Table, *, position: tuple[str, int], expected: int | None = None) -> bool:
        """Add rows with the position that the caller has read to in its source, once; safe from a power loss on return.

        Parameters
        ----------
        table : str
        rows : pyarrow.Table
            ``_date`` is made from ``_arrived`` when missing.
        position : tuple of (str, int)
            Name of the source and how far it was read.
        expected : int, optional
            The position as the caller found it.

        Returns
        -------
        bool
            False when the stored position is there already: nothing was written.

        Raises
        ------
        ConflictError
            The stored position is neither there nor as `expected`.
        SchemaError
            A column has a type that the table's column can't take.
        FullError, StorageError
        """
        app, target = position
        with self._writing(table) as path:
            found = self.position(table, app)
            if found >= target:
                return False
            if expected is not None and found != expected:
                raise ConflictError(
                    f"{app!r} has been written to {found}, not {expected}",
                    where=table,
                    remedy="read the position again",
                )
            self._write(path, table, self._fitted(table, with_date(rows)), Transaction(app, target))
        return True

    def write_import(self, type: str, import_id: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Stage the rows of a file, once by `import_id`; return how many rows are staged.

        Each batch has the declared columns, ``_id, _at, _arrived, _row`` and ``_import``. The rows
        become part of history with the import's record in the log, not before.

        Raises
        ------
        As `append`. When it raises, nothing is staged.
        """
        table = f"events/{type}"
        with self._writing(table) as path:
            if self.position(table, _import_app(import_id)) == 0:
                stream = self._stream(table, batches)
                if stream is None:
                    return 0
                self._write(path, table, stream, Transaction(_import_app(import_id), 1))
        return self.import_rows(type, import_id)

    def import_rows(self, type: str, import_id: str) -> int:
        """How many rows are staged under an import's id."""
        table = f"events/{type}"
        if not self.exists(table) or self.position(table, _import_app(import_id)) == 0:
            return 0
        return int(self._dataset(table, None).count_rows(filter=pc.field("_import") == import_id))

    def compact(self, table: str, *, keep_hours: int = 168) -> dict[str, int]:
        """Join small files within each day, and delete files that no version of the last `keep_hours` names."""
        with self._writing(table) as path, _translated(table):
            delta = self._open(table)
            done = delta.optimize.compact()
            deleted = delta.vacuum(retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False)
            lake_files.flush_commits(path, lake_files.safe_version(path))
        return {"joined": done["numFilesRemoved"], "made": done["numFilesAdded"], "deleted": len(deleted)}

    @contextmanager
    def _writing(self, table: str) -> Iterator[Path]:
        path = self._path(table)
        try:
            with lake_files.writing(path):
                self._check(table, path)
                yield path
        except OSError as error:
            raise_for(error, table)

    def _write(self, path: Path, table: str, rows: Any, transaction: Transaction) -> None:
        safe = lake_files.safe_version(path)
        properties = CommitProperties(app_transactions=[transaction])
        with _translated(table):
            write_deltalake(
                path, rows, mode="append", partition_by=_PARTITIONS, schema_mode="merge", commit_properties=properties
            )
        lake_files.flush_commits(path, safe)

    def _fitted(self, table: str, rows: pa.Table) -> pa.Table:
        known = self.schema(table) if self.exists(table) else pa.schema([])
        schema = pa.schema([_field(field, known, table) for field in rows.schema if _is_kept(field, known)])
        try:
            return rows.select(schema.names).cast(schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise SchemaError(f"a column does not fit the table ({error})", where=table) from error

    def _stream(self, table: str, batches: Iterable[pa.RecordBatch]) -> pa.RecordBatchReader | None:
        rest = iter(batches)
        first = next(rest, None)
        if first is None:
            return None
        begin = self._fitted(table, with_date(pa.table(first)))

        def fitted() -> Iterator[pa.RecordBatch]:
            yield from begin.to_batches()
            for batch in rest:
                yield from with_date(pa.table(batch)).select(begin.schema.names).cast(begin.schema).to_batches()

        return pa.RecordBatchReader.from_batches(begin.schema, fitted())

    # --- reading ---------------------------------------------------------------------------------

    def scan(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        where: pc.Expression | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """Read rows, in no promised order.

        Parameters
        ----------
        table : str
        columns : sequence of str, optional
            All when not given. One that the table does not have comes as nulls.
        where : pyarrow.compute.Expression, optional
            Such as ``pc.field("_offset") < 100``; files and row groups that can't match are not read.
        version : int, optional
            The table as it was.

        Raises
        ------
        NotFoundError
            No such table or version.
        CorruptError, StorageError
        """
        with _translated(table):
            dataset = self._dataset(table, version)
            names = list(columns) if columns is not None else dataset.schema.names
            found = dataset.to_table(columns=[name for name in names if name in dataset.schema.names], filter=where)
        for name in names:
            if name not in found.column_names:
                found = found.append_column(name, pa.nulls(found.num_rows))
        return found.select(names)

    def batches(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        where: pc.Expression | None = None,
        version: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Read as `scan`, piece by piece, in bounded memory."""
        with _translated(table):
            dataset = self._dataset(table, version)
            names = None if columns is None else [name for name in columns if name in dataset.schema.names]
            yield from dataset.to_batches(columns=names, filter=where)

    def count(self, table: str, version: int | None = None) -> int:
        """Number of rows; 0 when there is no such table."""
        return int(self._dataset(table, version).count_rows()) if self.exists(table) else 0

    def _dataset(self, table: str, version: int | None) -> ds.Dataset:
        return self._open(table, version).to_pyarrow_dataset()

    def _open(self, table: str, version: int | None = None) -> DeltaTable:
        path = self._path(table)
        if table not in self._checked and self.exists(table) and not lake_files.is_checked(path):
            with lake_files.writing(path):
                self._check(table, path)
        try:
            return DeltaTable(path, version=version)
        except TableNotFoundError as error:
            raise NotFoundError("there is no such table in the lake", where=table) from error
        except DeltaError as error:
            raise NotFoundError(f"no such version ({error})", where=table) from error

    def _check(self, table: str, path: Path) -> None:
        if table not in self._checked:
            lake_files.take_back_unsafe(path)
            self._checked.add(table)

    def _path(self, table: str) -> Path:
        path = self.folder / table
        if ".." in path.parts or not table:
            raise NotFoundError(f"{table!r} can't name a table", where=str(self.folder))
        return path


def with_date(rows: pa.Table) -> pa.Table:
    """Return rows with their partition: the UTC day of ``_arrived``, as YYYY-MM-DD."""
    if "_date" in rows.column_names:
        return rows
    return rows.append_column("_date", dates_of(rows["_arrived"]))


def dates_of(instants: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """UTC days (YYYY-MM-DD) of instants (µs)."""
    return pc.cast(pc.cast(pc.cast(instants, pa.timestamp("us")), pa.date32()), pa.string())


def _import_app(import_id: str) -> str:
    return f"import:{import_id}"


def _is_kept(field: pa.Field, known: pa.Schema) -> bool:
    """A column of nulls alone has no type yet: it is left out until it has one."""
    return not pa.types.is_null(field.type) or field.name in known.names


def _field(field: pa.Field, known: pa.Schema, table: str) -> pa.Field:
    if field.name in known.names:
        return pa.field(field.name, _plain(known.field(field.name).type))
    return pa.field(field.name, _plain(field.type))


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type as tables keep it: no dictionaries, no views."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return pa.string()
    return kind


@contextmanager
def _translated(table: str) -> Iterator[None]:
    try:
        yield
    except (DeltaError, OSError) as error:
        if isinstance(error, FileNotFoundError) or "not found" in str(error).lower():
            raise CorruptError(f"a file of the table is missing ({error})", where=table) from error
        raise_for(error, table)
    except pa.ArrowException as error:
        raise StorageError(f"the table can't be read or written ({error})", where=table) from error
