"""Two definitions of a view, computed for the same rows and compared column by column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.definitions.projects.masking import MASK, Masks
from tidewheel.errors import FeatureError
from tidewheel.features.planning.view import ViewPlan, plan_view
from tidewheel.features.proof.parity import is_null
from tidewheel.features.replay.backfill import Computed, compute_view

EXAMPLES = 3
Value = float | str | None


@dataclass(frozen=True)
class Example:
    """A row (its event's id and instant, µs) on which two definitions give different values."""

    id: str
    at: int
    before: Value
    after: Value


@dataclass(frozen=True)
class ColumnDifference:
    """How a column differs between two definitions.

    Attributes
    ----------
    name : str
    differing : int
        Rows whose values differ in any bit, one being null and the other not included.
    share : float
        Of the rows compared.
    most : float or None
        The largest absolute difference of two numbers; None where there is none.
    examples : list of Example
        Those that differ most (for text, the first).
    """

    name: str
    differing: int
    share: float
    most: float | None
    examples: list[Example]


@dataclass(frozen=True)
class ViewDifference:
    """A view by two definitions.

    Attributes
    ----------
    view : str
    before, after : str
        What was compared, as it was named.
    rows : int
        Events for which both were computed.
    columns : list of ColumnDifference
        Columns that both have, in the order of the second.
    removed, added : list of str
        Columns that only one has.
    differing : int
        Events on which any column differs.
    """

    view: str
    before: str
    after: str
    rows: int
    columns: list[ColumnDifference]
    removed: list[str]
    added: list[str]
    differing: int


@dataclass(frozen=True)
class Side:
    """One of the two: how it is named, its definitions, all events as they declare them, and what is seen of those."""

    name: str
    graph: ir.Graph
    history: History
    visibility: ir.Visibility = "arrival"
    serving_delay: int = 0


def compare_view(before: Side, after: Side, view: str, sample: int) -> ViewDifference:
    """Compute a view by two definitions for a sample of events, spread evenly over history.

    Raises
    ------
    FeatureError
        A derived function fails, or the two are of different events.
    """
    old, new = (_planned(side, view) for side in (before, after))
    if old.view.on != new.view.on:
        raise FeatureError(
            f"has a row for each {old.view.on} in {before.name}, and for each {new.view.on} in {after.name}",
            where=view,
            remedy="rows of different events can't be laid side by side",
        )
    if new.view.each is not None or old.view.each is not None:
        raise FeatureError("has a row for each item", where=view, remedy="compare the feature sets that it reads")
    rows = after.history.scan(new.view.on, list(dict.fromkeys([*old.columns, *new.columns])))
    if sample and rows.num_rows > sample:
        rows = rows.take(pa.array(np.linspace(0, rows.num_rows - 1, sample).astype(np.int64)))
    was, now = _computed(before, old, rows), _computed(after, new, rows)
    hidden = Masks(before.graph).hidden(old.view) | Masks(after.graph).hidden(new.view)
    pairs = {
        name: (_Column(was, name, name in hidden), _Column(now, name, name in hidden))
        for name in now.plan.names
        if name in was.plan.names
    }
    differs = {name: _differs(*pair) for name, pair in pairs.items()}
    columns = [_column(name, *pairs[name], differs[name], rows) for name in pairs]
    return ViewDifference(
        view=view,
        before=before.name,
        after=after.name,
        rows=rows.num_rows,
        columns=columns,
        removed=[name for name in was.plan.names if name not in now.plan.names],
        added=[name for name in now.plan.names if name not in was.plan.names],
        differing=int(np.any(list(differs.values()), axis=0).sum()) if differs else 0,
    )


def _planned(side: Side, view: str) -> ViewPlan:
    return plan_view(side.graph, next(found for found in side.graph.views if found.name == view))


def _computed(side: Side, plan: ViewPlan, rows: pa.Table) -> Computed:
    return compute_view(
        side.history, side.graph, plan, rows, serving_delay=side.serving_delay, visibility=side.visibility
    )


def _differs(old: _Column, new: _Column) -> npt.NDArray[np.bool_]:
    differs = (old.words.view(np.int64) != new.words.view(np.int64)) | (old.text != new.text)
    return np.asarray(differs & ~(old.null & new.null))


def _column(name: str, old: _Column, new: _Column, differs: npt.NDArray[np.bool_], rows: pa.Table) -> ColumnDifference:
    far = np.zeros(len(differs))
    if not (old.text or new.text):
        far = np.where(old.null | new.null, 0.0, np.abs(old.words - new.words))
    known = differs & ~(old.null | new.null)
    most = float(far[known].max()) if known.any() and not (old.text or new.text) else None
    places = np.flatnonzero(differs)
    worst = places[np.argsort(-far[places], kind="stable")][:EXAMPLES].tolist()
    examples = [
        Example(rows["_id"][place].as_py(), rows["_at"][place].as_py(), old.value(place), new.value(place))
        for place in worst
    ]
    return ColumnDifference(name, len(places), len(places) / max(1, len(differs)), most, examples)


class _Column:
    """A column of a computed view."""

    def __init__(self, computed: Computed, name: str, personal: bool) -> None:
        place = computed.plan.names.index(name)
        self.text = computed.plan.texts[place]
        self.words = np.ascontiguousarray(computed.words[:, place])
        self.null: npt.NDArray[np.bool_] = is_null(self.words, self.text)
        self._texts = computed.texts
        self._personal = personal

    def value(self, row: int) -> Value:
        """Return the value of a row, masked where it is personal."""
        if self.null[row]:
            return None
        if self._personal:
            return MASK
        return self._texts.known(int(self.words.view(np.int64)[row])) if self.text else float(self.words[row])
