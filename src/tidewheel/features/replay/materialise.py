"""A view's rows for a range of time, made by batch work and kept in the lake."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tidewheel.engine import Engine, LocalEngine
from tidewheel.features.planning.programs import Assembly, assemble, learn_literals
from tidewheel.features.planning.view import StateRead
from tidewheel.features.replay.backfill import Computed, compute_words, fill_inputs, to_table
from tidewheel.features.replay.batch import Batch, Progress
from tidewheel.features.replay.dealing import lookup_keys
from tidewheel.features.replay.history import Past
from tidewheel.features.replay.partition import ANSWER_PLACE, ANSWER_WORDS, matrix
from tidewheel.features.replay.replay import Reads, replay_group
from tidewheel.features.rows import Rows
from tidewheel.features.words import Texts, Words, one_array
from tidewheel.kernel import empty, read
from tidewheel.storage.lake.delta import Lake

if TYPE_CHECKING:
    from tidewheel.collect import History

_SLICES = "slices"
Shape = Callable[[Computed, pa.Table], pa.Table]
"""From what a view's columns are for a slice's rows, and these rows, to what is kept."""


def materialise(
    batch: Batch,
    history: History,
    lake: Lake,
    table: str,
    *,
    shape: Shape | None = None,
    app: str = _SLICES,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> int:
    """Make the rows of a job's view into a table of the lake; return how many there are.

    Killed at any moment, a second call goes on where the first one was. Each slice is one commit, which
    carries its number, so none is there twice; a call for a job that is done changes nothing.

    Parameters
    ----------
    batch : Batch
    table : str
        In the lake. Its rows are ``_id, _at, _arrived, _offset`` and the view's columns.
    shape : callable, optional
        Makes other rows than these of a slice's.
    app : str
        Under which name the table holds how far it is; of a table that several jobs write to, the job's own.
    engine : Engine, optional
        Where buckets are folded; this process's cores by default.
    """
    finished = batch.files.finished()
    if finished is not None:
        return finished
    slices = batch.cut(history, progress)
    batch.fold(engine or LocalEngine(), slices, progress)
    assembly = assemble([batch.view])
    attributes = [index for index, r in enumerate(assembly.reads) if r.plan.group.attributes]
    past = Past(history, batch.job.graph, [assembly.reads[index].plan for index in attributes], below=batch.job.below)
    made = 0
    with batch.scratch() as store:
        for number in range(slices):
            rows = batch.files.rows(number)
            if rows is not None:
                made += len(rows)
                if lake.position(table, app) <= number:
                    texts = Texts(store.text)
                    past.learn(texts)
                    computed = _Maker(batch, assembly, past, texts).make(number, rows)
                    lake.append(table, (shape or view_rows)(computed, rows), position=(app, number + 1))
            if progress:
                progress("rows", (number + 1) / slices, made)
    batch.files.finish(made)
    return made


def view_rows(computed: Computed, rows: pa.Table) -> pa.Table:
    """Return the view's columns with what the rows are."""
    made = to_table(computed, rows.select(["_id"]))
    for name in ("_at", "_arrived", "_offset"):
        made = made.append_column(name, rows[name])
    return made


class _Maker:
    """Puts one slice's answers together into the view's rows."""

    def __init__(self, batch: Batch, assembly: Assembly, past: Past, texts: Texts) -> None:
        self._batch = batch
        self._assembly = assembly
        self._past = past
        self._texts = texts

    def make(self, number: int, table: pa.Table) -> Computed:
        """Return the view's rows for those of a slice."""
        assembly, texts = self._assembly, self._texts
        learn_literals(assembly, texts)
        vector = np.full((len(table), assembly.width), np.nan)
        fill_inputs(assembly, table, vector, texts)
        rows = _rows(table)
        for place, plan in enumerate(self._batch.plans):
            words = self._answers(number, place, rows)
            for turn, state_read in enumerate(self._batch.reads(plan)):
                self._fill(vector, state_read, words[turn * len(rows) : (turn + 1) * len(rows)])
        for state_read in assembly.reads:
            if state_read.plan.group.attributes:
                feds = [self._past.feed(feed) for feed in state_read.plan.feeds]
                asked = Reads(lookup_keys(state_read, rows), rows.arrived, rows.arrived)
                self._fill(vector, state_read, replay_group(state_read.plan, feds, asked, "attribute")[0])
        return Computed(self._batch.view, compute_words(assembly, vector, texts, None), texts, {})

    def _answers(self, number: int, place: int, rows: Rows) -> Words:
        """Return the words of a group for all its lookups, rows without a key read as an empty state."""
        batch, plan = self._batch, self._batch.plans[place]
        reads = batch.reads(plan)
        words = np.empty((len(reads) * len(rows), plan.layout.n_features))
        for turn, state_read in enumerate(reads):
            none = np.flatnonzero(lookup_keys(state_read, rows).is_null().to_numpy(zero_copy_only=False))
            if len(none):
                words[turn * len(rows) + none] = read(plan.layout, empty(len(none)), rows.arrived[none])[0]
        for bucket in range(batch.job.buckets):
            found = batch.files.answers(place, bucket, number)
            if found is not None and len(found):
                width = plan.layout.n_features
                words[found[ANSWER_PLACE].to_numpy()] = matrix(found[ANSWER_WORDS])[:, :width]
        return words

    def _fill(self, vector: Words, state_read: StateRead, words: Words) -> None:
        index = [r.id for r in self._assembly.reads].index(state_read.id)
        start = self._assembly.state_at[index]
        vector[:, start : start + words.shape[1]] = words


def _rows(table: pa.Table) -> Rows:
    columns = {name: one_array(table[name]) for name in table.column_names}
    at, arrived, offset = (columns.pop(name).to_numpy() for name in ("_at", "_arrived", "_offset"))
    return Rows(at, arrived, offset, columns)
