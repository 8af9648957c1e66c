"""Batch work over all history in bounded memory: slices of time, dealt to buckets of entities.

1. *Cut*: history is read once, slice by slice, for all groups together; references are resolved as the
   stream resolves them, and each slice is dealt out to buckets of entities by key.
2. *Fold*: each bucket goes through its slices, a span at a time, carrying its entities' states.
3. What becomes of the answers is up to `materialise`.

Every step leaves its result under its final name before the next begins, so a job killed at any
moment goes on at the first step that it had not finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pyarrow as pa

from tidewheel.definitions import ir, row_source
from tidewheel.engine import Engine
from tidewheel.features.folding.references import ReferenceIndex
from tidewheel.features.folding.stream import COLUMNS, collect_strings, feds_of
from tidewheel.features.planning.group import AT, GroupPlan
from tidewheel.features.planning.view import StateRead, ViewPlan, plan_view
from tidewheel.features.replay.asked_file import ASKED, AskedBeside
from tidewheel.features.replay.batch_files import Cut, JobFiles
from tidewheel.features.replay.corrections import Corrections, find_corrections
from tidewheel.features.replay.dealing import deal, reads_of
from tidewheel.features.replay.history import Needs
from tidewheel.features.replay.partition import ANSWER_PLACE, ANSWER_WORDS, advance, piece_schema
from tidewheel.features.replay.slices import Pieces, Slice, Wanted, cut_slices
from tidewheel.features.rows import Rows
from tidewheel.storage.protocols import StateBatch
from tidewheel.storage.state.lmdb_state import StateStore

if TYPE_CHECKING:
    from tidewheel.collect import History

Progress = Callable[[str, float, int], None]
"""Told the stage, its share done, and the rows so far."""

SLICE_ROWS = 250_000
BUCKET_ROWS = 2_000_000
SPAN_ROWS = 500_000
_SLICES = "slices"
_ALL = 1 << 62


class Job(msgspec.Struct, frozen=True):
    """What a backfill is to do. It never changes, so it can be taken up by another process.

    Attributes
    ----------
    graph : ir.Graph
    view : ir.View
        Whose rows are made.
    start, end : int
        Rows that arrived from `start` on and before `end`.
    below : int
        Offset from which on history is left out.
    buckets : int
        Into how many the entities of a group are dealt.
    rows : int
        Events of a slice.
    since : int or None
        Events that arrived earlier are left out: no window reaches them.
    asked : bool
        The rows are those of the job's own file, not events of history.
    carried : tuple of str
        More of the rows' own columns, for whoever takes the answers.
    """

    graph: ir.Graph
    view: ir.View
    start: int
    end: int
    below: int
    buckets: int
    rows: int = SLICE_ROWS
    since: int | None = None
    asked: bool = False
    carried: tuple[str, ...] = ()


class Folded(NamedTuple):
    """A bucket's part of a group, ready to be mapped over an engine."""

    group: int
    bucket: int


class _Met(NamedTuple):
    """What slices are cut by: what is read of each source, and how events meet others, of the same slice or not."""

    needs: Needs
    references: ReferenceIndex
    corrections: Corrections


@dataclass(frozen=True)
class Batch:
    """A job with its folder: what each step works on. It can be pickled, and opened wherever the folder is seen."""

    job: Job
    folder: Path
    files: JobFiles = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", JobFiles(self.folder))

    @cached_property
    def view(self) -> ViewPlan:
        """The view's plan."""
        return plan_view(self.job.graph, self.job.view)

    @cached_property
    def plans(self) -> tuple[GroupPlan, ...]:
        """The groups that are replayed in buckets; entities' attributes, which hold by their own time, are not."""
        plans = {read.plan.state_id: read.plan for read in self.view.reads if not read.plan.group.attributes}
        return tuple(plans.values())

    def reads(self, plan: GroupPlan) -> list[StateRead]:
        """Return the view's lookups of a group."""
        return [read for read in self.view.reads if read.plan.state_id == plan.state_id]

    @contextmanager
    def scratch(self) -> Iterator[StateStore]:
        """Open the store of references and strings."""
        store = StateStore.open(self.files.scratch, 1)
        try:
            yield store
        finally:
            store.close()

    # --- cut -------------------------------------------------------------------------------------

    def cut(self, history: History, progress: Progress | None = None) -> int:
        """Cut history into slices, from where it was left; return how many there are."""
        needs = Needs(feed for plan in self.plans for feed in plan.feeds)
        columns = [name for name in self.view.columns if name != AT or self._on.column(AT)]
        needs.columns.setdefault(self._asks, {}).update(dict.fromkeys([*columns, *self.job.carried]))
        index = ReferenceIndex(self.job.graph, [feed for plan in self.plans for feed in plan.feeds])
        asks = None if self.job.asked else self._on
        met = _Met(needs, index, find_corrections(history, self.job.graph, self.plans, asks, self.job.below))
        with self.scratch() as store:
            writer = store.writer(0)
            try:
                with writer.batch() as batch:
                    number = batch.offset(_SLICES)
                cut = self.files.cut(number) if number else Cut({}, 0, (self.job.since or 0) - 1)
                for piece in self._slices(history, needs, cut.next):
                    until = max(int(rows.arrived[-1]) for rows in piece.rows.values() if len(rows))
                    taken = Cut(piece.next, cut.rows + sum(map(len, piece.rows.values())), until)
                    with writer.batch() as batch:
                        self._write_slice(batch, met, number, piece, cut.until, until)
                        self.files.write_cut(number, taken)
                        batch.set_offset(_SLICES, number + 1)
                    cut = taken
                    number += 1
                    if progress:
                        progress("cut", min(1.0, max(piece.next.values()) / self.job.below), cut.rows)
            finally:
                writer.close()
        return number

    def _slices(self, history: History, needs: Needs, next: Mapping[str, int]) -> Iterator[Slice]:
        sources = {source.name: source for source in self.job.graph.sources}
        pieces: Pieces = history
        if self.job.asked:
            sources[ASKED], pieces = self._on, AskedBeside(history, self.files.asked)
        wanted = {
            name: Wanted(sources[name], tuple(columns), next.get(name, 1)) for name, columns in needs.columns.items()
        }
        job = self.job
        return cut_slices(pieces, wanted, below=job.below, rows=job.rows, since=job.since, until=job.end)

    def _write_slice(self, batch: StateBatch, met: _Met, number: int, piece: Slice, after: int, until: int) -> None:
        """Deal out what arrived after one instant and up to another."""
        self.files.begin_slice(number)
        rows = {source: held for source, held in piece.rows.items() if len(held)}
        asked = self._asked(rows.pop(ASKED, None) if self.job.asked else rows.get(self._asks), met.corrections)
        meeting = met.references.meet(batch, COLUMNS, rows, _ALL, met.needs.ids)
        strings: dict[int, str] = {}
        for place, plan in enumerate(self.plans):
            feds = met.corrections.parts(place, feds_of(plan, rows, meeting), after, until)
            collect_strings((fed for parts in feds.values() for fed in parts), strings, ())
            reads = reads_of(plan, self.reads(plan), asked, asked.arrived) if asked is not None else []
            dealt = deal(plan, feds, reads, self.job.buckets)
            pieces = (dealt.piece(bucket) for bucket in range(self.job.buckets))
            self.files.write_pieces(number, place, pieces, piece_schema(plan))
        if asked is not None:
            self.files.write_rows(number, table_of(asked))
        batch.put_strings(strings)

    def _asked(self, rows: Rows | None, corrections: Corrections) -> Rows | None:
        """Return the rows that the view is made for: of one that is corrected, as it first became known."""
        if rows is None:
            return None
        rows = corrections.firsts(rows)
        first, end = rows.arrived.searchsorted((self.job.start, self.job.end))
        return rows.slice(int(first), int(end)) if end > first else None

    @property
    def _asks(self) -> str:
        """Under what name slices hold the rows that are asked for."""
        return ASKED if self.job.asked else self._on.name

    @cached_property
    def _on(self) -> ir.Source:
        """The event whose rows are made; with the columns of an item where the view has a row for each."""
        return row_source(self.job.graph.sources, self.job.view)

    # --- fold ------------------------------------------------------------------------------------

    def fold(self, engine: Engine, slices: int, progress: Progress | None = None) -> None:
        """Take every bucket of every group through its slices."""
        parts = [Folded(group, bucket) for group in range(len(self.plans)) for bucket in range(self.job.buckets)]
        rows = self.files.cut(slices).rows

        def done(finished: int) -> None:
            if progress:
                progress("fold", finished / len(parts), rows * finished // len(parts))

        engine.map(FoldBucket(self.job, self.folder, slices), parts, done=done)

    def fold_bucket(self, part: Folded, slices: int) -> int:
        """Take one bucket through its slices, from where it was left; return how many rows it had."""
        plan, files, seen = self.plans[part.group], self.files, 0
        states, next = files.carried(*part)
        while next < slices:
            first, size = next, 0
            pieces: list[pa.Table] = []
            while next < slices and (not pieces or size < SPAN_ROWS):
                piece = files.piece(next, *part)
                pieces.append(pa.table(piece.append_column("_slice", pa.repeat(pa.scalar(next), len(piece)))))
                size, next = size + len(piece), next + 1
            whole = pa.concat_tables(pieces)
            answers, states = advance(plan, _placed(whole), states)
            if len(answers):
                files.write_answers(*part, first, _by_slice(answers, first, next))
            files.write_carried(*part, states, next)
            seen += size
        return seen


class FoldBucket(msgspec.Struct, frozen=True):
    """Work for an engine that sees the job's folder: one bucket of one group, through all slices."""

    job: Job
    folder: Path
    slices: int

    def __call__(self, part: Folded) -> int:
        """Return how many rows the bucket had."""
        return Batch(self.job, self.folder).fold_bucket(part, self.slices)


_PLACES = 40
"""Bits of a place; the slice's number stands above them."""


def _placed(whole: pa.Table) -> pa.Table:
    """Make the reads' places unlike those of other slices."""
    offset, reads = whole["offset"].to_numpy().copy(), whole["source"].to_numpy() < 0
    offset[reads] |= whole["_slice"].to_numpy()[reads] << _PLACES
    position = whole.schema.get_field_index("offset")
    return whole.drop_columns(["_slice"]).set_column(position, "offset", pa.array(offset))


def _by_slice(answers: pa.Table, first: int, end: int) -> list[pa.Table]:
    places = answers[ANSWER_PLACE].to_numpy()
    edges = places.searchsorted([number << _PLACES for number in range(first, end + 1)])
    local = pa.table({ANSWER_PLACE: places & ((1 << _PLACES) - 1), ANSWER_WORDS: answers[ANSWER_WORDS]})
    return [local.slice(edges[i], edges[i + 1] - edges[i]) for i in range(end - first)]


def table_of(rows: Rows) -> pa.Table:
    """Return events as a table, with ``_at, _arrived, _offset``."""
    return pa.table({**rows.columns, "_at": rows.at, "_arrived": rows.arrived, "_offset": rows.offset})
