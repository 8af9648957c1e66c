"""The decisions that answered somebody: one an event, without what only ran beside it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.history import taken
from tidewheel.routing.keeping import among
from tidewheel.storage.journal.decisions import LOAD_TEST

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

COLUMNS = (
    "decision_id", "event_id", "instant", "at", "inputs", "view", "features", "model", "arm",
    "unit", "propensity", "rule", "fallback", "score", "decision", "explored", "timings", "row_kept", "caller",
)  # fmt: skip
"""What the rooms above read of a decision (see `storage.decisions`)."""
FACTS = tuple(name for name in COLUMNS if name not in ("view", "features", "timings", "row_kept"))
"""The small ones among them: what was asked and answered, not from what."""
SHADOW = "shadow"
"""The arm of a version that is asked without its answer being given."""


def answered(decisions: pa.Table) -> pa.Table:
    """Return the decisions that were given as answers, by the instant of the decision.

    Of several on one event the first is kept: a retry is given its answer again. Shadows are left out, and so are load
    tests: nobody acted on what they were told.

    Parameters
    ----------
    decisions : Table
        One service's rows of the lake's ``decisions``, in any order.

    Examples
    --------
    >>> rows = {"decision_id": ["2", "1", "3"], "event_id": ["a", "a", "b"], "instant": [20, 10, 30], "arm": [""] * 3}
    >>> rows["caller"] = ["", "ann", "ann"]
    >>> answered(pa.table(rows))["decision_id"].to_pylist()
    ['1', '3']
    """
    decisions = decisions.filter(
        pc.invert(pc.or_(is_text(decisions["arm"], SHADOW), is_load_test(decisions["caller"])))
    )
    by_id = pc.sort_indices(decisions["decision_id"]).to_numpy()
    events = decisions["event_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    _, first = np.unique(events[by_id], return_index=True)
    kept = by_id[np.sort(first)]
    instants = decisions["instant"].to_numpy()[kept]
    return taken(decisions, kept[np.argsort(instants, kind="stable")])


def is_load_test(callers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell which callers measured a server: ``bench``, and ``ann (bench)`` where it knows its callers."""
    return pc.fill_null(pc.match_substring_regex(callers, rf"^{LOAD_TEST}$|\({LOAD_TEST}\)$"), False)


def is_text(column: pa.ChunkedArray, value: str) -> pa.ChunkedArray:
    """Tell where a text column holds `value`; null does not."""
    return pc.fill_null(pc.equal(column, value), False)


def flags(column: pa.ChunkedArray) -> Flags:
    """Return a boolean column as an array, null as false."""
    return np.asarray(pc.fill_null(column, False).to_numpy(), dtype=np.bool_)


def floats(column: pa.ChunkedArray) -> Floats:
    """Return a number column as an array, null as NaN."""
    return np.asarray(pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(), dtype=np.float64)


def fell_back(decisions: pa.Table) -> Flags:
    """Tell which decisions the fallback chain answered."""
    return flags(pc.greater(pc.binary_length(decisions["fallback"]), 0))


def model_scores(decisions: pa.Table) -> Floats:
    """Return the scores that a model gave; NaN where a rule or the fallback chain answered."""
    scores = floats(decisions["score"]).copy()
    scores[fell_back(decisions)] = np.nan
    return scores


def time_spent(decisions: pa.Table) -> Floats:
    """Return the microseconds that each decision took, all stages together; NaN where none was timed."""
    parts = [np.empty(0)]
    for chunk in decisions["timings"].chunks:
        lengths = pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False)
        stages = np.asarray(chunk.flatten().to_numpy(zero_copy_only=False), dtype=np.float64)
        row = np.repeat(np.arange(len(chunk)), lengths)
        spent = np.bincount(row, stages, minlength=len(chunk)) / 1000.0
        spent[lengths == 0] = np.nan
        parts.append(spent)
    return np.concatenate(parts)


def view_rows(decisions: pa.Table, width: int) -> tuple[Ints, Floats]:
    """Return the view rows that decisions kept.

    Parameters
    ----------
    decisions : Table
    width : int
        Columns of the view. Decisions that kept another number of words, or none, are left out.

    Returns
    -------
    rows : int64 array
        Positions of the decisions that kept a whole row, rising.
    words : float64 array, shape (rows, width)
    """
    lengths = pc.fill_null(pc.binary_length(decisions["features"]), 0).to_numpy()
    rows = np.flatnonzero(lengths == 8 * width)
    parts = [np.empty((0, width))]
    if width:
        for chunk in decisions["features"].filter(pa.array(lengths == 8 * width)).chunks:
            same = chunk.cast(pa.binary(8 * width))
            words = np.frombuffer(same.buffers()[1], "<f8", len(same) * width, same.offset * 8 * width)
            parts.append(words.reshape(-1, width))
    return rows.astype(np.int64), np.concatenate(parts)


def evenly(decisions: pa.Table) -> Flags:
    """Tell which decisions to look at where their rows are to stand for all: an even sample of them.

    A service may keep the rows of a share of its ordinary decisions and all rows of the others (``row_kept``); taken as
    they are, the others would count too much. By the draw that left rows out, the smallest share is taken of all.

    Examples
    --------
    >>> rows = {"event_id": [str(n) for n in range(1000)], "row_kept": [0.1] * 900 + [1.0] * 100}
    >>> flags = evenly(pa.table(rows))
    >>> bool(70 < flags[:900].sum() < 110), bool(4 < flags[900:].sum() < 17)
    (True, True)
    """
    if "row_kept" not in decisions.column_names or not decisions.num_rows:
        return np.ones(decisions.num_rows, np.bool_)
    share = pc.min(pc.fill_null(decisions["row_kept"], 1.0)).as_py()
    if share >= 1.0:
        return np.ones(decisions.num_rows, np.bool_)
    return among(share, decisions["event_id"].to_pylist())
