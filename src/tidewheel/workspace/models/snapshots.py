"""Data sets of an open workspace: which there are, what they hold, who shares what, and their rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from tidewheel.errors import FileError, NotFoundError
from tidewheel.registry.runs.datasets import Dataset, find_dataset, list_datasets
from tidewheel.registry.runs.runs import list_runs
from tidewheel.registry.runs.snapshots import Snapshot, read_manifest, read_snapshot, shared_bytes

if TYPE_CHECKING:
    from tidewheel.runtime.stores import Stores


class DatasetCard(msgspec.Struct, frozen=True, kw_only=True):
    """A data set and how it is kept.

    Attributes
    ----------
    dataset : Dataset
    snapshot : Snapshot or None
        Its files; None when only its hash was kept.
    shared : int
        Bytes of its files that other data sets hold as well.
    runs : list of str
        Runs that were trained on it.
    """

    dataset: Dataset
    snapshot: Snapshot | None
    shared: int = 0
    runs: list[str] = []


def dataset_card(stores: Stores, name: str) -> DatasetCard:
    """Return what is known about one data set."""
    found = find_dataset(stores.catalog, name)
    runs = [run.id for run in list_runs(stores.catalog, found.model) if run.lineage.dataset == found.digest]
    if not found.manifest:
        return DatasetCard(dataset=found, snapshot=None, runs=runs)
    snapshot = read_manifest(stores.artifacts, found.manifest)
    kept = [other.manifest for other in list_datasets(stores.catalog) if other.manifest not in ("", found.manifest)]
    shared = shared_bytes(snapshot, (read_manifest(stores.artifacts, manifest) for manifest in kept))
    return DatasetCard(dataset=found, snapshot=snapshot, shared=shared, runs=runs)


def dataset_rows(stores: Stores, name: str) -> pa.Table:
    """Return a data set's rows, in log order.

    Raises
    ------
    NotFoundError
        There is no such data set, or its rows were not kept.
    """
    found = find_dataset(stores.catalog, name)
    if not found.manifest:
        raise NotFoundError(
            f"the rows of data set {found.digest[:16]} were not kept: only its hash is",
            where=stores.catalog.where,
            remedy="rerun its run, which keeps them: `tidewheel rerun`",
        )
    return read_snapshot(stores.artifacts, read_manifest(stores.artifacts, found.manifest))


def export_rows(table: pa.Table, file: Path) -> None:
    """Write rows to a file, whose ending says how: ``.parquet``, ``.csv``, ``.arrow``, ``.jsonl``.

    Raises
    ------
    FileError
        The ending says nothing, or the file can't be written.
    """
    write = _WRITERS.get(file.suffix.lower())
    if write is None:
        raise FileError(f"{file.name} does not say its format", remedy=f"end it in {', '.join(_WRITERS)}")
    part = file.with_name(f".{file.name}.part")
    try:
        write(table, part)
        part.replace(file)
    except OSError as error:
        raise FileError(f"can't write: {error.strerror or error}", where=str(file)) from error
    finally:
        part.unlink(missing_ok=True)


def _parquet(table: pa.Table, file: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, file, compression="zstd")


def _csv(table: pa.Table, file: Path) -> None:
    from pyarrow import csv

    csv.write_csv(table, file)


def _arrow(table: pa.Table, file: Path) -> None:
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _json_lines(table: pa.Table, file: Path) -> None:
    with file.open("wb") as sink:
        for batch in table.to_batches(max_chunksize=10_000):
            sink.write(msgspec.json.Encoder().encode_lines(batch.to_pylist()))


_WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".arrow": _arrow,
    ".jsonl": _json_lines,
}
