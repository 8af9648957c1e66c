"""Snapshots: a data set's rows as Parquet files, cut so that data sets that share rows share files.

A cut stands where the hash of a row's own id says so (content-defined, as in deduplicating backup), so rows that
are added, left out or changed somewhere change the files around them and no others. Each file is an artifact, named
by its content; a manifest, itself an artifact, lists them in order.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tidewheel.engine import map_parts
from tidewheel.errors import CorruptError
from tidewheel.kernel import hash_strings
from tidewheel.registry.canonical import canonical, read_record
from tidewheel.registry.models.bundles import ArtifactStore

FORMAT = 1
"""Goes up when an older release could misread a manifest."""
ROWS = 8_192
"""Rows of a file, about; a power of two. At most four times it and, but for the last file, at least a quarter of it."""
ID, AT = "_id", "_at"


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a snapshot."""

    artifact: str
    rows: int
    bytes: int
    since: int
    """The earliest event time in it, microseconds."""
    until: int
    """The latest."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says: the data set that it holds, and the files, in order. The same rows give the same bytes."""

    format: int = FORMAT
    dataset: str
    rows: int
    columns: tuple[tuple[str, str], ...]
    """Name and Arrow type of each column."""
    partitions: tuple[Partition, ...]

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(partition.bytes for partition in self.partitions)


def save_snapshot(artifacts: ArtifactStore, dataset: str, table: pa.Table, *, rows: int = ROWS) -> str:
    """Keep a table's rows; return the digest of the manifest. Files that are there already are not written again.

    Parameters
    ----------
    artifacts : ArtifactStore
    dataset : str
        The data set's content hash.
    table : Table
        With ``_id`` (string) and ``_at`` (int64 microseconds), its rows in an order that does not depend on the run.
    rows : int
        Rows of a file on average, a power of two.
    """
    table = table.combine_chunks()
    ends = cuts(hash_strings(table[ID]), rows)
    pieces = [table.slice(start, end - start) for start, end in itertools.pairwise([0, *ends])]
    snapshot = Snapshot(
        dataset=dataset,
        rows=table.num_rows,
        columns=tuple((field.name, str(field.type)) for field in table.schema),
        partitions=tuple(map_parts(lambda piece: _kept(artifacts, piece), pieces)),
    )
    return artifacts.put(canonical(snapshot))


def read_manifest(artifacts: ArtifactStore, manifest: str) -> Snapshot:
    """Return what a manifest says.

    Raises
    ------
    NotFoundError
        There is no such artifact.
    CorruptError
        It is damaged, or of a newer release.
    """
    return read_record(_path(artifacts, manifest).read_bytes(), Snapshot, FORMAT, manifest)


def read_snapshot(artifacts: ArtifactStore, snapshot: Snapshot, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a snapshot's rows, in order. What an erasure blanked since is null.

    Parameters
    ----------
    artifacts : ArtifactStore
    snapshot : Snapshot
    columns : sequence of str, optional
        Those to read; all by default.

    Raises
    ------
    NotFoundError, CorruptError
        A file is gone, or no longer holds what its name says.
    """

    def read(partition: Partition) -> pa.Table:
        path = _path(artifacts, partition.artifact)
        try:
            found = pq.read_table(path, columns=None if columns is None else list(columns), partitioning=None)
        except pa.ArrowInvalid as error:
            raise CorruptError(f"a file of the snapshot can't be read: {error}", where=str(path)) from error
        if found.num_rows != partition.rows:
            raise CorruptError(f"{found.num_rows} rows, {partition.rows} are expected", where=str(path))
        return found

    return pa.concat_tables(map_parts(read, list(snapshot.partitions)))


def shared_bytes(snapshot: Snapshot, others: Iterable[Snapshot]) -> int:
    """Return how many of a snapshot's bytes other snapshots hold as well."""
    there = {partition.artifact for other in others for partition in other.partitions}
    return sum(partition.bytes for partition in snapshot.partitions if partition.artifact in there)


def cuts(hashes: npt.NDArray[np.int64], rows: int = ROWS) -> list[int]:
    """Return where the files of a sequence of rows end: rising, the last one at its end.

    Examples
    --------
    >>> hashes = hash_strings([f"p{i}" for i in range(1000)])
    >>> whole, later = cuts(hashes, 64), cuts(hashes[3:], 64)
    >>> len(whole), sorted(end + 3 for end in later)[-5:] == whole[-5:]
    (20, True)
    """
    least, most = max(1, rows // 4), rows * 4
    ends, start = [], 0
    for end in [*(np.flatnonzero((hashes & (rows - 1)) == 0) + 1).tolist(), len(hashes)]:
        while end - start > most:
            start += most
            ends.append(start)
        if end - start >= least or (end == len(hashes) and end > start):
            ends.append(end)
            start = end
    return ends


def _kept(artifacts: ArtifactStore, piece: pa.Table) -> Partition:
    sink = io.BytesIO()
    # Every option that the bytes depend on is said here, so that a change of the library's defaults changes nothing.
    pq.write_table(
        piece, sink,
        version="2.6", data_page_version="1.0", compression="zstd", compression_level=3, use_dictionary=True,
        write_statistics=True, row_group_size=max(1, piece.num_rows), store_schema=True,
    )  # fmt: skip
    content = sink.getvalue()
    at = piece[AT].to_numpy()
    return Partition(
        artifact=artifacts.put(content),
        rows=piece.num_rows,
        bytes=len(content),
        since=int(at.min()),
        until=int(at.max()),
    )


def _path(artifacts: ArtifactStore, digest: str) -> Path:
    return artifacts.get(artifacts.current(digest))
