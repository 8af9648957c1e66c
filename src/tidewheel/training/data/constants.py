"""What ``tw.transform.standardise`` and ``min_max`` learn: constants of the training rows, for the version's view."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.definitions.compiling.expressions import text_of
from tidewheel.definitions.views.learned import Constants, looked_at, to_learn, with_constants
from tidewheel.errors import TrainingError
from tidewheel.features.planning.view import plan_view
from tidewheel.features.replay.backfill import compute_view

Floats = npt.NDArray[np.float64]


def learn_constants(
    history: History,
    graph: ir.Graph,
    view: ir.View,
    rows: pa.Table,
    *,
    serving_delay: int = 0,
    visibility: ir.Visibility = "arrival",
) -> ir.View:
    """Return the view with constants learned from `rows`: the same view when it learns none.

    Parameters
    ----------
    history : History
        Pinned.
    graph : ir.Graph
    view : ir.View
    rows : Table
        The training rows alone, as `read_view` takes them.
    serving_delay, visibility
        As in `read_view`.

    Raises
    ------
    TrainingError
        Values are too large to be added up.
    """
    calls = to_learn(view)
    if not calls:
        return view
    plan = plan_view(graph, looked_at(view, calls))
    computed = compute_view(history, graph, plan, rows, serving_delay=serving_delay, visibility=visibility)
    words = computed.words[:, -len(calls) :]
    return with_constants(view, {call: _learned(call, words[:, number]) for number, call in enumerate(calls)})


def in_graph(graph: ir.Graph, view: ir.View) -> ir.Graph:
    """Return the graph with `view` in the place of the one of its name."""
    views = tuple(view if other.name == view.name else other for other in graph.views)
    return msgspec.structs.replace(graph, views=views)


def mean_and_deviation(values: Floats) -> Constants:
    """Return mean and population standard deviation; whatever the order of the values, to the bit.

    Examples
    --------
    >>> mean_and_deviation(np.array([1.0, 3.0, 5.0, 7.0]))
    (4.0, 2.23606797749979)
    """
    if not values.size:
        return 0.0, 1.0
    if values.min() == values.max():
        return float(values[0]), 1.0
    mean = math.fsum(values) / values.size
    return mean, math.sqrt(math.fsum(np.square(values - mean)) / values.size) or 1.0


def ends(values: Floats) -> Constants:
    """Return the least and the greatest value; one apart where they are the same."""
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + max(1.0, math.ulp(low))


_LEARN: dict[str, Callable[[Floats], Constants]] = {"standardise": mean_and_deviation, "min_max": ends}


def _learned(call: ir.Call, column: Floats) -> Constants:
    values = column[~np.isnan(column)]
    try:
        with np.errstate(over="ignore"):
            found = _LEARN[call.op](values)
    except OverflowError:
        found = math.inf, math.inf
    if not all(map(math.isfinite, (*found, found[1] - found[0]))):
        raise TrainingError(
            f"{text_of(call)} can't learn from values as far apart as {values.min():g} and {values.max():g}",
            remedy="bring them nearer first: tw.transform.clip, tw.transform.log1p",
        )
    return found
