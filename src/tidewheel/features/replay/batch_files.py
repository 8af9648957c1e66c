"""The files of a backfill under way, each there whole or not at all.

Below the job's folder: ``job.json``; ``scratch/`` (references, strings and how many slices are cut);
``slices/K/`` with ``cut.json``, the view's ``rows.arrow`` and one file a group with a batch for
every bucket; ``groups/P/`` with, for every bucket, its carried states and the answers of each span of
slices it has gone through; and the events that it holds because one of their entity's is still to be taken back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from tidewheel.features.replay.partition import States
from tidewheel.storage.places.disks import write_durably

NEXT = b"next"


class Cut(msgspec.Struct, frozen=True):
    """How far history has been cut: per source the offset at which the next slice begins, and all rows so far.

    `until` is the last instant of arrival in it.
    """

    next: dict[str, int]
    rows: int
    until: int = 0


class JobFiles:
    """Paths and files of one job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def scratch(self) -> Path:
        """A state store of the job's own, for references and strings."""
        return self.folder / "scratch"

    def slice(self, number: int) -> Path:
        """Return a slice's folder."""
        return self.folder / "slices" / str(number)

    @property
    def asked(self) -> Path:
        """The rows that are asked for, where they are none of history."""
        return self.folder / "asked.arrow"

    def finished(self) -> int | None:
        """Return how many rows the job made, None while it is not done."""
        note = self.folder / "done.json"
        return msgspec.json.decode(note.read_bytes(), type=int) if note.exists() else None

    def finish(self, rows: int) -> None:
        """Note that the job is done, and delete what only its steps needed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_durably(self.folder / "done.json", msgspec.json.encode(rows))
        for name in ("slices", "groups", "scratch"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def begin_slice(self, number: int) -> None:
        """Make a slice's folder; what a job that died in the middle left there goes."""
        shutil.rmtree(self.slice(number), ignore_errors=True)
        self.slice(number).mkdir(parents=True)

    def write_cut(self, number: int, cut: Cut) -> None:
        """Note how far history has been cut by a slice."""
        write_durably(self.slice(number) / "cut.json", msgspec.json.encode(cut))

    def cut(self, slices: int) -> Cut:
        """Return how far the first so many slices go."""
        if slices == 0:
            return Cut({}, 0)
        return msgspec.json.decode((self.slice(slices - 1) / "cut.json").read_bytes(), type=Cut)

    def write_pieces(self, number: int, group: int, pieces: Iterable[pa.Table], schema: pa.Schema) -> None:
        """Store a slice's pieces of a group, one a bucket."""
        write_batches(self.slice(number) / f"{group}.arrow", pieces, schema)

    def piece(self, number: int, group: int, bucket: int) -> pa.RecordBatch:
        """Return one bucket's piece of a slice."""
        with pa.OSFile(str(self.slice(number) / f"{group}.arrow")) as file:
            return pa.ipc.open_file(file).get_batch(bucket)

    def write_rows(self, number: int, rows: pa.Table) -> None:
        """Store the rows of a slice that a view is made for."""
        write_batches(self.slice(number) / "rows.arrow", [rows], rows.schema)

    def rows(self, number: int) -> pa.Table | None:
        """Return the rows of a slice that a view is made for, None where there are none."""
        path = self.slice(number) / "rows.arrow"
        return read_table(path) if path.exists() else None

    def write_carried(self, group: int, bucket: int, states: States, next: int) -> None:
        """Store a bucket's states, and which slice is its next."""
        if states.held is not None:
            write_batches(self._held(group, bucket, next), [states.held], states.held.schema)
        table = pa.table({"key": states.keys, "blob": states.blobs}).replace_schema_metadata({NEXT: str(next)})
        write_batches(self._group(group) / f"states-{bucket}.arrow", [table], table.schema)
        for held in self._group(group).glob(f"held-{bucket}-*.arrow"):
            if held != self._held(group, bucket, next):
                held.unlink()

    def carried(self, group: int, bucket: int) -> tuple[States, int]:
        """Return a bucket's states, and which slice is its next."""
        path = self._group(group) / f"states-{bucket}.arrow"
        if not path.exists():
            return States.none(), 0
        table = read_table(path)
        next = int(table.schema.metadata[NEXT])
        held = self._held(group, bucket, next)
        rows = read_table(held) if held.exists() else None
        return States(table["key"].combine_chunks(), table["blob"].combine_chunks(), rows), next

    def write_answers(self, group: int, bucket: int, first: int, answers: list[pa.Table]) -> None:
        """Store a bucket's answers to the reads of some slices, from slice `first` on."""
        path = self._group(group) / f"answers-{bucket}" / f"{first}-{first + len(answers)}.arrow"
        write_batches(path, answers, answers[0].schema)

    def answers(self, group: int, bucket: int, number: int) -> pa.Table | None:
        """Return a bucket's answers to the reads of one slice, None when it was asked nothing."""
        for path in (self._group(group) / f"answers-{bucket}").glob("*.arrow"):
            first, end = map(int, path.stem.split("-"))
            if first <= number < end:
                with pa.OSFile(str(path)) as file:
                    return pa.table(pa.ipc.open_file(file).get_batch(number - first))
        return None

    def _held(self, group: int, bucket: int, next: int) -> Path:
        return self._group(group) / f"held-{bucket}-{next}.arrow"

    def _group(self, group: int) -> Path:
        return self.folder / "groups" / str(group)


def write_batches(path: Path, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write tables as one batch each, under another name until they are on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    with pa.OSFile(str(half), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for table in tables:
            for batch in _one_batch(table, schema):
                writer.write_batch(batch)
    descriptor = os.open(half, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    half.replace(path)


def read_table(path: Path) -> pa.Table:
    """Read what `write_batches` wrote."""
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def _one_batch(table: pa.Table, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    batches = table.combine_chunks().to_batches()
    yield batches[0] if batches else pa.RecordBatch.from_pylist([], schema=schema)
