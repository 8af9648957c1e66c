"""A view for many rows at once, point-in-time correct, by replay of history.

Rows that had a decision are read as that decision was: by the offsets it recorded. Others are
read as of an instant, seeing what had arrived before it. One answer per row, in the rows' order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.engine import map_parts
from tidewheel.errors import FeatureError
from tidewheel.features.keys import key_array
from tidewheel.features.planning.group import AT, GroupPlan
from tidewheel.features.planning.programs import Assembly, assemble, compute, learn_literals
from tidewheel.features.planning.view import StateKey, StateRead, ViewPlan, plan_view
from tidewheel.features.proof.recorded import Recorded, recorded_reads
from tidewheel.features.replay.asked import requests_of
from tidewheel.features.replay.history import Past
from tidewheel.features.replay.replay import Order, Reads, replay_group
from tidewheel.features.rows import Ints
from tidewheel.features.words import Texts, Words, one_array, to_words

if TYPE_CHECKING:
    from tidewheel.collect import History
    from tidewheel.kernel import Requests

Progress = Callable[[str, float], None]
BLOCK = 1 << 16
TURNED = 1 << 9
CHECKED_ROWS = 3


@dataclass(frozen=True, eq=False)
class Computed:
    """A view's rows as words, with what each read saw.

    Attributes
    ----------
    words : float64[n, columns]
    texts : Texts
        Strings of the text columns' hashes.
    seen : dict
        Per state read: how many events each row saw.
    """

    plan: ViewPlan
    words: Words
    texts: Texts
    seen: dict[StateKey, Ints]


def read_view(
    history: History,
    graph: ir.Graph,
    view: ir.View,
    rows: pa.Table,
    *,
    at: str = "_arrived",
    serving_delay: int = 0,
    visibility: ir.Visibility = "arrival",
    progress: Progress | None = None,
) -> pa.Table:
    """Return the view's columns for each of `rows`, in order, one for one.

    Parameters
    ----------
    history : History
        All events.
    rows : pyarrow.Table
        The event's columns with `_at`, `_arrived`, `_offset`. Optional `_instant` (int64) and
        `_states` (list of {state_id, key, offset}) hold what a row's decision recorded; null where
        there was none.
    at : str
        Column with the instant (int64 microseconds) of rows without a decision.
    serving_delay : int
        Microseconds by which events are usually visible later than they arrive.
    visibility : str
        ``"arrival"``: events that had arrived before the instant. ``"event"``: events that had
        happened before it, the idealised history.
    progress : callable, optional
        Called with what is being done and its share done, 0 to 1.

    Returns
    -------
    pyarrow.Table
        float64 for numbers and booleans (null where there is no value), string for texts; `_id`
        first when `rows` has it.

    Raises
    ------
    DefinitionError
        When the view can't be planned.
    FeatureError
        When `rows` lacks a column, or a derived function fails.
    """
    plan = plan_view(graph, view)
    computed = compute_view(
        history, graph, plan, rows, at=at, serving_delay=serving_delay, visibility=visibility, progress=progress
    )
    return to_table(computed, rows)


def compute_view(
    history: History,
    graph: ir.Graph,
    plan: ViewPlan,
    rows: pa.Table,
    *,
    at: str = "_arrived",
    serving_delay: int = 0,
    visibility: ir.Visibility = "arrival",
    progress: Progress | None = None,
    past: Past | None = None,
) -> Computed:
    """Do as `read_view`, and return words: what a decision record holds. `past` is the view's, where it was read."""
    assembly = assemble([plan])
    _check_columns(plan, rows, at)
    texts = Texts()
    learn_literals(assembly, texts)
    past = past or Past(history, graph, [read.plan for read in assembly.reads], progress=progress)
    past.learn(texts)
    vector = np.full((rows.num_rows, assembly.width), np.nan)
    fill_inputs(assembly, rows, vector, texts)
    order: Order = "event" if visibility == "event" else "arrival"
    asker = _Asker(rows, at, serving_delay, order)
    seen = _fill_states(assembly, past, asker, vector, progress)
    words = compute_words(assembly, vector, texts, progress)
    return Computed(plan, words, texts, seen)


def to_table(computed: Computed, rows: pa.Table) -> pa.Table:
    """Return a view's rows as Arrow: numbers as float64, texts as strings, NaN as null."""
    columns: dict[str, pa.Array | pa.ChunkedArray] = {"_id": rows["_id"]} if "_id" in rows.column_names else {}
    for name, text, words in zip(computed.plan.names, computed.plan.texts, _by_column(computed.words), strict=True):
        if text:
            columns[name] = pa.array(computed.texts.strings(words.view(np.int64)), pa.string())
        else:
            columns[name] = pa.array(words, from_pandas=True)
    return pa.table(columns)


def _by_column(words: Words) -> Words:
    """Return the transpose, each column in one piece: made a block at a time, which the processor's cache holds."""
    turned = np.empty(words.shape[::-1])
    for start in range(0, len(words), TURNED):
        turned[:, start : start + TURNED] = words[start : start + TURNED].T
    return turned


class _Asker:
    """Turns rows into reads of a group."""

    def __init__(self, rows: pa.Table, at: str, serving_delay: int, order: Order) -> None:
        self._rows = rows
        self._order = order
        self._delay = serving_delay
        self._recorded = Recorded(rows) if "_instant" in rows.column_names else None
        self._instants = rows[at].to_numpy().astype(np.int64)
        if self._recorded is not None:
            self._instants = np.where(self._recorded.made, self._recorded.instants, self._instants)

    def ask(
        self, plan: GroupPlan, reads: Sequence[StateRead], requests: Requests | None
    ) -> list[tuple[Order, Ints, Reads]]:
        """Return the group's reads split by what decides visibility, with their places among all."""
        keys = pa.concat_arrays([self._keys(read).cast(pa.string()) for read in reads])
        instants = np.tile(self._instants, len(reads))
        order: Order = "attribute" if plan.group.attributes else self._order
        bounds = instants if order == "attribute" else instants - self._delay
        if self._recorded is None:
            return [(order, np.arange(len(instants)), Reads(keys, instants, bounds, requests))]
        offsets = recorded_reads(self._recorded, plan.state_id, keys, len(reads))
        bounds = np.where(np.tile(self._recorded.made, len(reads)), instants, bounds)
        parts = []
        for kind, where, limits in ((order, offsets < 0, bounds), ("offset", offsets >= 0, offsets)):
            index = np.flatnonzero(where)
            if len(index):
                parts.append((kind, index, Reads(keys, instants, limits, requests).take(index)))
        return parts  # type: ignore[return-value]  # the literals are those of Order

    def _keys(self, read: StateRead) -> pa.Array:
        parts = []
        for path in read.keys:
            name = "_at" if path == (AT,) and AT not in self._rows.column_names else path[0]
            parts.append(one_array(self._rows[name]))
        return key_array(parts)


def _fill_states(
    assembly: Assembly, past: Past, asker: _Asker, vector: Words, progress: Progress | None
) -> dict[StateKey, Ints]:
    """Replay every group the view reads, each once for all its lookups."""
    groups: dict[str, list[int]] = {}
    for index, read in enumerate(assembly.reads):
        groups.setdefault(read.plan.state_id, []).append(index)
    seen: dict[StateKey, Ints] = {}

    def replay_one(indexes: list[int]) -> None:
        plan = assembly.reads[indexes[0]].plan
        feds = [past.feed(feed) for feed in plan.feeds]
        reads = [assembly.reads[index] for index in indexes]
        words = np.empty((len(vector) * len(reads), plan.layout.n_features))
        counts = np.empty(len(words), np.int64)
        for order, places, part in asker.ask(plan, reads, requests_of(assembly, reads, vector)):
            words[places], counts[places] = replay_group(plan, feds, part, order, lenient=order == "offset")
        for position, index in enumerate(indexes):
            first, end = position * len(vector), (position + 1) * len(vector)
            start = assembly.state_at[index]
            vector[:, start : start + words.shape[1]] = words[first:end]
            seen[assembly.reads[index].id] = counts[first:end]

    parts = list(groups.values())
    map_parts(replay_one, parts, done=(lambda n: progress("replay", n / len(parts))) if progress else None)
    return seen


def fill_inputs(assembly: Assembly, rows: pa.Table, vector: Words, texts: Texts) -> None:
    """Write the rows' own columns into their vectors."""
    for position, (path, text) in enumerate(assembly.inputs.items()):
        name = "_at" if path == (AT,) and AT not in rows.column_names else path[0]
        vector[:, position] = to_words(rows[name], text)
        if text:
            texts.add(rows[name])


def compute_words(assembly: Assembly, vector: Words, texts: Texts, progress: Progress | None) -> Words:
    """Return the columns of rows whose inputs and states are filled in."""
    n = len(vector)
    words = np.empty((n, assembly.slices[-1].stop))
    for start in range(0, n, BLOCK):
        words[start : start + BLOCK] = compute(assembly, vector[start : start + BLOCK], texts)
        if progress:
            progress("columns", min(1.0, (start + BLOCK) / n))
    if assembly.stages:
        _check_row_by_row(assembly, vector, words, texts)
    return words


def _check_row_by_row(assembly: Assembly, vector: Words, words: Words, texts: Texts) -> None:
    """Refuse a derived function that looks at other rows: serving gives it one row at a time."""
    for row in np.unique(np.linspace(0, len(vector) - 1, min(CHECKED_ROWS, len(vector))).astype(int)):
        alone = compute(assembly, vector[row : row + 1].copy(), texts)[0]
        differs = alone.view(np.int64) != words[row].view(np.int64)
        if differs.any():
            name = assembly.views[0].names[int(differs.argmax())]
            raise FeatureError(
                f"column '{name}' is not the same computed for one row as for many",
                where=assembly.views[0].view.name,
                remedy="a derived function may look at its own row only: no means, sorts or shifts over the array",
            )


def _check_columns(plan: ViewPlan, rows: pa.Table, at: str) -> None:
    needed = ["_at", at, *(name for name in plan.columns if name != AT)]
    missing = [name for name in needed if name not in rows.column_names]
    if missing:
        raise FeatureError(
            f"the rows lack {', '.join(missing)}",
            where=plan.view.name,
            remedy=f"give the columns of {plan.view.on} with _at and _arrived",
        )
