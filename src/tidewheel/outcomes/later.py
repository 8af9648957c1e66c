"""Labels that are an aggregate over the time after a row: how often its user came back, what a card spent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.errors import DefinitionError
from tidewheel.features.planning.nodes import to_node
from tidewheel.features.words import to_words
from tidewheel.kernel import Node
from tidewheel.kernel.programs.expressions import compile_program, evaluate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def later_values(label: ir.Label, source: ir.Source, rows: pa.Table, outcomes: pa.Table, as_of: int) -> Floats:
    """Return each row's label: its aggregate over what happened after the row, and within the horizon, inclusive.

    An outcome counts by when it happened; one that arrived at `as_of` or after it is not seen. Counts of nothing are 0;
    sums, means, smallest and largest values of nothing are null (NaN).
    """
    aggregate = label.aggregate
    assert aggregate is not None
    assert label.value is not None
    outcomes = outcomes.filter(pc.less(outcomes["_arrived"], as_of))
    if aggregate.where is not None:
        outcomes = outcomes.filter(pa.array(_evaluated(aggregate.where, source, outcomes) == 1.0))
    values = None
    if aggregate.value is not None:
        values, known = _values(aggregate.value, source, outcomes)
        outcomes, values = outcomes.filter(pa.array(known)), values[known]
    keys = rows[label.key[0]].cast(pa.string()).combine_chunks()
    entities = pc.unique(keys)
    codes, own = _codes(outcomes[label.path[0]].cast(pa.string()), entities), _codes(keys, entities)
    at, since = outcomes["_at"].to_numpy(), rows["_at"].to_numpy()
    order = np.lexsort((at, codes))
    codes, at = codes[order], at[order]
    low, high = (_so_far(codes, at, own, until) for until in (since, since + label.within))
    made = _aggregated(aggregate.op, None if values is None else values[order], low, high)
    made[keys.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return _run(label.value, lambda _: ("input", 0), made.reshape(-1, 1), (False,))


def _so_far(codes: Ints, at: Ints, own: Ints, until: Ints) -> Ints:
    """Return, for each row, at which place the outcomes of its entity that happened up to an instant end.

    Outcomes are by entity and time; one that happened at the instant is among them.
    """
    n = len(codes)
    kind = np.repeat(np.array([0, 1], np.int8), [n, len(own)])
    order = np.lexsort((kind, np.concatenate([at, until]), np.concatenate([codes, own])))
    seen = np.cumsum(order < n)
    found = np.empty(len(own), np.int64)
    found[order[order >= n] - n] = seen[order >= n]
    return found


def _aggregated(op: str, values: Floats | None, low: Ints, high: Ints) -> Floats:
    """Return an aggregate of the values from place `low` on and before `high`, row by row."""
    count = (high - low).astype(np.float64)
    if op == "count" or values is None:
        return count
    if op == "distinct":
        words = values.view(np.int64)
        return np.array([len(np.unique(words[a:b])) for a, b in zip(low, high, strict=True)], np.float64)
    reduce = {"sum": np.add, "mean": np.add, "min": np.minimum, "max": np.maximum}[op]
    some, made = high > low, np.full(len(low), np.nan)
    edges = np.stack([low[some], high[some]], axis=1).reshape(-1)
    # Each second one is what lies between two rows' stretches.
    made[some] = reduce.reduceat(np.append(values, 0.0), edges)[::2] if some.any() else made[some]
    return made / np.where(some, count, 1.0) if op == "mean" else made


def _codes(keys: pa.Array | pa.ChunkedArray, entities: pa.Array) -> Ints:
    whole = keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
    found = pc.index_in(whole, value_set=entities).fill_null(-1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def _values(expr: ir.Expr, source: ir.Source, outcomes: pa.Table) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return what is aggregated, as words, and where there is any."""
    if isinstance(expr, ir.Col) and expr.path != ("at",):
        words = to_words(outcomes[expr.path[0]], _is_text(source, expr.path))
        return words, outcomes[expr.path[0]].is_valid().to_numpy()
    words = _evaluated(expr, source, outcomes)
    return words, ~np.isnan(words)


def _evaluated(expr: ir.Expr, source: ir.Source, outcomes: pa.Table) -> Floats:
    """Evaluate an expression over the outcomes' own columns."""
    paths: dict[ir.Path, int] = {}

    def leaf(node: ir.Expr) -> Node:
        if not isinstance(node, ir.Col) or len(node.path) != 1:
            raise DefinitionError(f"a label reads columns of {source.name} only", where=source.name)
        return ("input", paths.setdefault(node.path, len(paths)))

    to_node(expr, leaf)
    words = np.empty((len(outcomes), len(paths)))
    for path, place in paths.items():
        words[:, place] = to_words(outcomes["_at" if path == ("at",) else path[0]], _is_text(source, path))
    return _run(expr, leaf, words, tuple(_is_text(source, path) for path in paths))


def _run(expr: ir.Expr, leaf: Callable[[ir.Expr], Node], words: Floats, texts: tuple[bool, ...]) -> Floats:
    program = compile_program([to_node(expr, leaf)], texts)
    return np.ascontiguousarray(evaluate(program, np.ascontiguousarray(words))[:, 0])


def _is_text(source: ir.Source, path: ir.Path) -> bool:
    column = source.column(path[0])
    return column is not None and column.kind in ir.TEXT_KINDS
