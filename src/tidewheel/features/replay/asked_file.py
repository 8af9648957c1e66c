"""Rows that are asked for and are no events of history: a file of the job, read beside history as one more source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from tidewheel.features.replay.slices import Pieces

ASKED = ""
"""The name of the rows' source: no event is called so."""
_META = ("_id", "_at", "_arrived", "_offset")


class AskedBeside:
    """History with a job's own rows beside it.

    Parameters
    ----------
    history : Pieces
    file : Path
        Arrow IPC: columns of the view's event, ``_id, _at, _arrived`` (the instant each row is read at, rising) and
        ``_offset``, 1, 2, 3, ...
    """

    def __init__(self, history: Pieces, file: Path) -> None:
        self._history = history
        self._file = file

    def pieces(
        self, type: str, columns: Sequence[str], *, start: int = 1, below: int | None = None, rows: int = 1_000_000
    ) -> Iterator[pa.Table]:
        """Read as `Pieces` says; the job's rows are all there are, whatever `below` says of history."""
        if type != ASKED:
            yield from self._history.pieces(type, columns, start=start, below=below, rows=rows)
            return
        with pa.memory_map(str(self._file)) as file:
            whole = pa.ipc.open_file(file).read_all().select(list(dict.fromkeys([*columns, *_META])))
            for first in range(start - 1, len(whole), rows):
                yield whole.slice(first, rows)
