"""The lake: all history as Delta Lake tables, partitioned by the UTC day of arrival (`_date`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from tidewheel.errors import ConflictError, CorruptError, NotFoundError, SchemaError, StorageError
from tidewheel.storage.lake.places import LocalPlace, ObjectPlace, Place, State
from tidewheel.storage.lake.widening import joined, read_names, stored_names, widened
from tidewheel.storage.places.objects import ObjectFolder
from tidewheel.storage.protocols import Bound

DAY = 86_400_000_000
_PARTITIONS = ["_date"]
KEEP_COMMITS = PostCommitHookProperties(cleanup_expired_logs=False)
"""Of all that commits: else the library deletes old commits when it writes a checkpoint, before that is flushed."""


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

    def __init__(self, place: Place) -> None:
        self.place = place
        self._opened: dict[str, tuple[State, DeltaTable]] = {}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the lake in a folder, made when missing."""
        return cls(LocalPlace(folder))

    @classmethod
    def open_on(cls, url: str, folder: Path, owner: str = "") -> Self:
        """Open the lake on an object store; `folder`, on this machine, keeps its locks.

        Raises
        ------
        ConflictError
            It belongs to another workspace than `owner`.
        UnreachableError, StorageError, ConfigError, MissingExtraError
        """
        return cls(ObjectPlace(ObjectFolder.claimed(url, owner), folder))

    @property
    def folder(self) -> Path:
        """Folder of this machine in which the lake keeps its locks, and unless it is on an object store its tables."""
        return self.place.folder

    # --- what there is ---------------------------------------------------------------------------

    def tables(self) -> list[str]:
        """Names of all tables."""
        return self.place.tables()

    def exists(self, table: str) -> bool:
        """Whether anything was ever appended to a table."""
        return self.place.exists(table)

    def version(self, table: str) -> int:
        """Version of a table: rises with each commit; -1 when there is no such table."""
        delta = self._read(table)
        return delta.version() if delta else -1

    def position(self, table: str, app: str) -> int:
        """Position stored by the last append of `app`; 0 when there is none."""
        return _position(self._read(table), app)

    def schema(self, table: str, version: int | None = None) -> pa.Schema:
        """Arrow schema of a table. Raises `NotFoundError`."""
        return pa.schema(self.table(table, version).schema().to_arrow())

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
        with self.place.writing(table):
            delta = self._found(table)
            found = _position(delta, app)
            if found >= target:
                return False
            if expected is not None and found != expected:
                raise ConflictError(
                    f"{app!r} has been written to {found}, not {expected}",
                    where=table,
                    remedy="read the position again",
                )
            self._write(table, delta, self.fitted(table, delta, with_date(rows)), Transaction(app, target))
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
        with self.place.writing(table):
            delta = self._found(table)
            if _position(delta, _import_app(import_id)) == 0:
                stream = self._stream(table, delta, batches)
                if stream is None:
                    return 0
                self._write(table, delta, stream, Transaction(_import_app(import_id), 1))
        return self.import_rows(type, import_id)

    def import_rows(self, type: str, import_id: str) -> int:
        """How many rows are staged under an import's id."""
        table = f"events/{type}"
        if self.position(table, _import_app(import_id)) == 0:
            return 0
        return int(self._dataset(table, None).count_rows(filter=pc.field("_import") == import_id))

    def _write(self, table: str, delta: DeltaTable | None, rows: Any, transaction: Transaction) -> None:
        """Commit rows to a table as it was when its position was looked at: if that has moved since, nothing is."""
        properties = CommitProperties(app_transactions=[transaction])
        how: dict[str, Any] = {
            "mode": "append",
            "schema_mode": "merge",
            "commit_properties": properties,
            "post_commithook_properties": KEEP_COMMITS,
        }
        if delta is None:
            how |= {"partition_by": _PARTITIONS, "storage_options": self.place.options}
        with self.translated(table):
            write_deltalake(delta or self.place.uri(table), rows, **how)
        self.place.flush(table)

    def fitted(self, table: str, delta: DeltaTable | None, rows: pa.Table) -> pa.Table:
        """Return rows, as readers see them, as a table keeps them. Raises `SchemaError`."""
        known = pa.schema(delta.schema().to_arrow()) if delta else pa.schema([])
        rows = widened(rows, known)
        schema = pa.schema([_field(field, known, table) for field in rows.schema if _is_kept(field, known)])
        try:
            return rows.select(schema.names).cast(schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise SchemaError(f"a column does not fit the table ({error})", where=table) from error

    def _stream(
        self, table: str, delta: DeltaTable | None, batches: Iterable[pa.RecordBatch]
    ) -> pa.RecordBatchReader | None:
        rest = iter(batches)
        first = next(rest, None)
        if first is None:
            return None
        known = pa.schema(delta.schema().to_arrow()) if delta else pa.schema([])
        begin = self.fitted(table, delta, with_date(pa.table(first)))

        def fitted() -> Iterator[pa.RecordBatch]:
            yield from begin.to_batches()
            for batch in rest:
                fit = widened(with_date(pa.table(batch)), known)
                yield from fit.select(begin.schema.names).cast(begin.schema).to_batches()

        return pa.RecordBatchReader.from_batches(begin.schema, fitted())

    # --- reading ---------------------------------------------------------------------------------

    def scan(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        where: pc.Expression | None = None,
        among: Sequence[Bound] = (),
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
        among : sequence of (column, operator, value), optional
            Such as ``("_date", ">=", "2013-09-01")``: files that hold no such row are left out before anything
            is asked of them, which takes long where there are hundreds. Rows are chosen by `where` alone.
        version : int, optional
            The table as it was.

        Raises
        ------
        NotFoundError
            No such table or version.
        CorruptError, StorageError
        """
        with self.translated(table):
            dataset = self._dataset(table, version, among)
            names = list(columns) if columns is not None else read_names(dataset.schema.names)
            found = joined(dataset.to_table(columns=stored_names(names, dataset.schema.names), filter=where))
        for name in names:
            if name not in found.column_names:
                found = found.append_column(name, pa.nulls(found.num_rows))
        return found.select(names)

    def day(self, table: str, day: str) -> pa.Table:
        """Read the rows of one day of arrival (YYYY-MM-DD)."""
        return self.scan(table, where=pc.field("_date") == day, among=[("_date", "=", day)])

    def batches(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        where: pc.Expression | None = None,
        version: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Read as `scan`, piece by piece, in bounded memory."""
        with self.translated(table):
            dataset = self._dataset(table, version)
            names = list(columns) if columns is not None else read_names(dataset.schema.names)
            for batch in dataset.to_batches(columns=stored_names(names, dataset.schema.names), filter=where):
                yield from joined(pa.table(batch)).to_batches()

    def count(self, table: str, version: int | None = None) -> int:
        """Number of rows; 0 when there is no such table."""
        return int(self._dataset(table, version).count_rows()) if self.exists(table) else 0

    def drop(self, table: str) -> None:
        """Delete a table with every file of it, of old versions as well; one that is not there is fine."""
        with self.place.writing(table), self.translated(table):
            self.place.drop(table)
            self._opened.pop(table, None)

    def _dataset(self, table: str, version: int | None, among: Sequence[Bound] = ()) -> ds.Dataset:
        delta = self._read(table) if version is None else None
        return self.place.dataset(table, delta or self.table(table, version), among)

    def _read(self, table: str) -> DeltaTable | None:
        """Return a table as it is now, for reading only: opened once a commit where that is known at once."""
        state, opened = self.place.state(table), self._opened.get(table)
        if opened is not None and opened[0] == state:
            return opened[1]
        found = self._found(table)
        if found is not None and state is not None:
            self._opened[table] = state, found
        return found

    def _found(self, table: str) -> DeltaTable | None:
        """Return a table as it is now, None when there is none."""
        try:
            return self.table(table)
        except NotFoundError:
            return None

    def table(self, table: str, version: int | None = None) -> DeltaTable:
        """Return a Delta table as it is, or was. Raises `NotFoundError`."""
        self.place.ready(table)
        try:
            return DeltaTable(self.place.uri(table), version=version, storage_options=self.place.options)
        except TableNotFoundError as error:
            raise NotFoundError("there is no such table in the lake", where=table) from error
        except (DeltaError, OSError) as error:
            if version is not None and isinstance(error, DeltaError):
                raise NotFoundError(f"no such version ({error})", where=table) from error
            self.place.raise_for(error, table)  # damaged, or not reached: not the same as not there

    @contextmanager
    def translated(self, table: str) -> Iterator[None]:
        """Turn the errors of Delta, Arrow, the system and the store inside the block into ours."""
        try:
            yield
        except CommitFailedError as error:
            raise ConflictError(
                f"another process has written in the meantime ({error})", where=table, remedy="read the position again"
            ) from error
        except (DeltaError, OSError) as error:
            if isinstance(error, FileNotFoundError) or "not found" in str(error).lower():
                raise CorruptError(f"a file of the table is missing ({error})", where=table) from error
            self.place.raise_for(error, table)
        except pa.ArrowException as error:
            raise StorageError(f"the table can't be read or written ({error})", where=table) from error


def _position(delta: DeltaTable | None, app: str) -> int:
    return (delta.transaction_version(app) or 0) if delta else 0


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
