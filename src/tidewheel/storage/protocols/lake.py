"""The lake: all history, in tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc


Bound = tuple[str, str, str | int]
"""A column, one of ``= != < <= > >=``, and a value: what whole files of the lake are left out by."""


class HistoryLake(Protocol):
    """All history in tables, each row stored once.

    - Rows and the position read in their source are stored in one commit.
    - Readers see whole commits.
    """

    def append(self, table: str, rows: pa.Table, *, position: tuple[str, int], expected: int | None = None) -> bool:
        """Add rows unless `position` is reached already (then False). `ConflictError` when it is not as `expected`."""
        ...

    def position(self, table: str, app: str) -> int:
        """Position stored by the last append of `app`, 0 for none."""
        ...

    def write_import(self, type: str, import_id: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Stage a file's rows, once by `import_id`, all or none; return how many are staged."""
        ...

    def scan(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        where: pc.Expression | None = None,
        among: Sequence[Bound] = (),
        version: int | None = None,
    ) -> pa.Table:
        """Read rows, in no promised order, of files that may hold rows within the bounds; missing columns are null."""
        ...

    def version(self, table: str) -> int:
        """Version of a table, -1 when there is none."""
        ...

    def drop(self, table: str) -> None:
        """Delete a table with every file of it, of old versions as well; one that is not there is fine."""
        ...

    def tables(self) -> list[str]:
        """Names of all tables."""
        ...
