"""Features that were known only after their row: by what had arrived, and by what young rows lack.

Windows see what had arrived before a row, so they can't know too much. Three things can. A model of
``visibility="event"`` sees events before they arrived. An entity's row holds from its own time on, so one that came
late is seen by rows that went before it came. And a column of the row itself may have been written by its source
after the outcome, which the log can't tell; but then rows too young to have an outcome lack it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir, row_source
from tidewheel.definitions.compiling.expressions import paths_of
from tidewheel.features.replay.backfill import read_view
from tidewheel.training.data.findings import EXAMPLES, Finding

Ints = npt.NDArray[np.int64]
SAMPLE = 500
"""Train rows whose features are computed again from what had arrived."""
LEAST_ROWS = 30
_CERTAIN = 5.0
"""Standard errors; one in two million by chance."""
_MATTERS = 0.05


def known_later(
    history: History, graph: ir.Graph, model: ir.Model, view: ir.View, rows: pa.Table, columns: pa.Table, train: Ints
) -> Iterator[Finding]:
    """Yield the columns that some train rows would not have had, had they seen only what had arrived.

    Parameters
    ----------
    history : History
    graph : ir.Graph
    model : ir.Model
    view : ir.View
        The model's, with what it learned.
    rows, columns : Table
        The data set's events, and the view of them as it is trained on.
    train : int64 array
        Positions of the train rows; up to 500 of them, spread evenly, are computed again.
    """
    late = frozenset(_late_entities(history, graph, view))
    if not late and model.visibility == "arrival":
        return
    train = _without_decision(rows, train)
    sample = train[np.unique(np.linspace(0, train.size - 1, min(SAMPLE, train.size)).astype(np.int64))]
    asked = rows.take(pa.array(sample))
    as_it_came = cast("History", _AsItCame(history, late))
    known = read_view(as_it_came, graph, view, asked, serving_delay=model.serving_delay)
    for column in view.columns:
        if any(path[-1].startswith("tw_") for path in _read(column.value)):
            continue  # an age is counted from the row's own time, which is what was moved
        if isinstance(column.value, ir.Score):
            continue  # by a model whose own training looked at what it reads
        had, could = columns[column.name].take(pa.array(sample)), known[column.name]
        places = np.flatnonzero(_differ(had, could))
        if places.size:
            examples = [
                {"id": asked["_id"][row].as_py(), "trained_on": had[row].as_py(), "had_arrived": could[row].as_py()}
                for row in places[:EXAMPLES].tolist()
            ]
            said = (
                f"on {places.size} of {sample.size} train rows it holds what had not arrived yet when the row happened"
            )
            evidence = {"rows": places.size, "of": sample.size, "examples": examples}
            yield Finding("known later", column.name, said, evidence)


def filled_later(rows: pa.Table, view: ir.View, mature: int) -> Iterator[Finding]:
    """Yield the columns of the row itself that rows too young to have a label lack much more often than older ones.

    Parameters
    ----------
    rows : Table
        All rows of the view's event, labelled or not.
    view : ir.View
    mature : int
        Rows after this instant are too young. They are compared with as many rows, the newest ones before it.

    Examples
    --------
    >>> view = ir.View("V", "Sale", (), (ir.ViewColumn("refund", ir.Col(("refund",))),))
    >>> rows = pa.table({"_at": list(range(200)), "refund": [1.0] * 150 + [None] * 50})
    >>> [str(found)[:51] for found in filled_later(rows, view, 149)]
    ['refund: filled on 100.0% of 50 rows old enough to h']
    """
    at = rows["_at"].to_numpy()
    young = np.flatnonzero(at > mature)
    old = np.flatnonzero(at <= mature)
    old = old[np.argsort(at[old], kind="stable")][-young.size :]
    if min(young.size, old.size) < LEAST_ROWS:
        return
    own = dict.fromkeys(path[0] for column in view.columns for path in _read(column.value) if len(path) == 1)
    for name in own:
        if name not in rows.column_names or not rows[name].null_count:
            continue
        filled = rows[name].is_valid().to_numpy()
        before, after = float(filled[old].mean()), float(filled[young].mean())
        together = float(filled[np.concatenate([old, young])].mean())
        error = math.sqrt(together * (1 - together) * (1 / old.size + 1 / young.size))
        if before - after > max(_CERTAIN * error, _MATTERS):
            said = (
                f"filled on {before:.1%} of {old.size} rows old enough to have a label, and on {after:.1%} of "
                f"{young.size} too young for one: is it written after the outcome?"
            )
            numbers = {"filled_old": before, "old": old.size, "filled_young": after, "young": young.size}
            yield Finding("filled later", name, said, numbers)


def _late_entities(history: History, graph: ir.Graph, view: ir.View) -> Iterator[str]:
    """Yield the entities, of those whose attributes a view reads, of which a row arrived after its own time."""
    on = row_source(graph.sources, view)
    read = {path[0] for column in view.columns for path in _read(column.value) if len(path) > 1}
    targets = {column.target for column in on.columns if column.name in read and column.target}
    for source in graph.sources:
        if source.entity and source.name in targets and not source.ttl:  # a row that came late would also expire late
            seen = history.scan(source.name, [])
            if pc.any(pc.greater(seen["_arrived"], seen["_at"])).as_py():
                yield source.name


def _without_decision(rows: pa.Table, train: Ints) -> Ints:
    """Return the train rows that were not read at recorded offsets: those saw what was served."""
    if "_instant" not in rows.column_names:
        return train
    undecided = rows["_instant"].is_null().to_numpy()
    return np.asarray(train[undecided[train]])


def _read(value: ir.Expr | ir.Derived) -> list[ir.Path]:
    """Return the paths of the row that a column reads."""
    parts = value.args if isinstance(value, ir.Derived) else (value,)
    return [path for part in parts for path in paths_of(part)]


def _differ(one: pa.ChunkedArray, two: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    same = pc.or_(pc.equal(one, two).fill_null(False), pc.and_(one.is_null(), two.is_null()))
    return np.asarray(~same.to_numpy())


class _AsItCame:
    """History in which an entity's row holds from when it came, not from when it says."""

    def __init__(self, history: History, entities: frozenset[str]) -> None:
        self._history = history
        self._entities = entities
        self.redactions = history.redactions

    def scan(self, type: str, columns: Sequence[str], *, below: int | None = None) -> pa.Table:
        """Return `columns` of the events of a type."""
        rows = self._history.scan(type, columns, below=below)
        if type not in self._entities:
            return rows
        came = pc.max_element_wise(rows["_at"], rows["_arrived"])
        return rows.set_column(rows.column_names.index("_at"), "_at", came)

    def head(self) -> int:
        """Return the head."""
        return self._history.head()
