"""Ensembles laid out for the walk: eight trees at a time, side by side, with no branch that a processor must guess.

One tree alone is a chain of loads, each waiting for the last one's comparison, which is guessed wrongly every other
time. Eight chains hide each other's waits, and a step without a choice can't be guessed wrongly: children lie side by
side, so that the next node is the left one plus the comparison's outcome, and a leaf leads to itself. What is to be
done with a missing value is a property of the node, not of the row, so that it is decided ahead: each kind of missing
value that a column's nodes know is an input of its own, in which what is missing has become smaller than every
threshold, or no number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import CorruptError
from tidewheel.kernel._jit import Array, Word, as_float, as_word, brief, entry, inner, keep, pointer
from tidewheel.kernel.models.trees import (
    CATEGORICAL,
    DEFAULT_LEFT,
    MISSING_NAN,
    MISSING_ZERO,
    N_FEATURE,
    N_LEFT,
    N_RIGHT,
    N_THRESHOLD,
    R_BASE,
    R_DIVISOR,
    R_SINGLE,
    ZERO,
    Trees,
    sections,
)

Words = NDArray[np.int64]
Floats = NDArray[np.float64]

SIDE_BY_SIDE = 8
STEPS = 3
"""The walk takes so many steps between looking whether any tree still leads on."""
F_GROUPS, F_NODES_AT, F_BITS_AT, F_INPUTS_AT, F_INPUTS, F_BASE, F_DIVISOR, F_SINGLE, F_SETS, F_HEAD = range(10)
# After the head: the root of each tree, the nodes, the bit sets, the inputs (a feature and flags each, as in a node).
# A node: threshold (or where its bit set is; a leaf's value), then flags, input and left child in one word.
IS_CATEGORICAL, NULL_LEFT = -1 << 63, 1 << 62
_INPUT, _LEFT = (1 << 30) - 1, (1 << 32) - 1
_NO_VALUE = -1
"""The feature of input 0, which is smaller than every threshold: leaves compare it with their value."""


class Forest(NamedTuple):
    """An ensemble for `predict_trees` and `score_row`; see `lay_out`.

    Attributes
    ----------
    words : int64[:]
        Head, roots, nodes, bit sets, inputs.
    n_features : int
        Columns that a row must have, at least.
    n_inputs : int
        Numbers that the walk keeps of a row.
    """

    words: Words
    n_features: int
    n_inputs: int


def lay_out(trees: Trees) -> Forest:
    """Lay an ensemble out for the walk.

    Raises
    ------
    CorruptError
        A node or a leaf is reached in two ways.
    """
    roots, nodes, leaves, bits = sections(trees.words)
    kinds, inputs_of = np.unique(nodes[:, N_FEATURE], return_inverse=True)
    inputs = np.concatenate([[_NO_VALUE << 8], kinds])
    laid = np.empty((1 + 2 * len(nodes) + len(roots), 2), np.int64)
    starts = np.zeros(-(-len(roots) // SIDE_BY_SIDE) * SIDE_BY_SIDE, np.int64)
    if _lay(roots, nodes, leaves, inputs_of + 1, laid, starts) != len(laid):
        raise CorruptError("the trees of the ensemble are none: a node has two parents", remedy="train again")
    places = np.cumsum([F_HEAD, len(starts), laid.size, len(bits)])[1:].tolist()
    sums = trees.words[[R_BASE, R_DIVISOR, R_SINGLE]].tolist()
    head = [len(starts) // SIDE_BY_SIDE, *places, len(inputs), *sums, len(bits)]
    words = np.concatenate([np.array(head, np.int64), starts, laid.ravel(), bits, inputs])
    words.flags.writeable = False
    return Forest(words, trees.n_features, len(inputs))


def predict_trees(forest: Forest, rows: Floats) -> Floats:
    """Return the raw score of each row.

    Parameters
    ----------
    forest : Forest
    rows : float64[n, n_features]
        Category codes as numbers; null is NaN.

    Returns
    -------
    float64[n]

    Raises
    ------
    CorruptError
        When the rows have too few columns.

    Examples
    --------
    >>> from tidewheel.kernel.models.trees import Tree, build_trees
    >>> stump = Tree([0], [0.5], [MISSING_NAN], [~0], [~1], [-1.0, 1.0])
    >>> predict_trees(lay_out(build_trees([stump], 1)), np.array([[0.5], [0.6], [np.nan]])).tolist()
    [-1.0, 1.0, 1.0]
    """
    _check_width(forest, rows)
    out = np.empty(len(rows))
    _run(forest.words, np.ascontiguousarray(rows, np.float64), out)
    return out


def score_row(forest: Forest, row: Floats) -> float:
    """Return the raw score of one contiguous row, shape (1, columns): as `predict_trees`, sooner."""
    _check_width(forest, row)
    return float(_run_one(forest.words, row))


def _check_width(forest: Forest, rows: Floats) -> None:
    if rows.shape[1] < forest.n_features:
        raise CorruptError(f"the ensemble needs {forest.n_features} columns, found {rows.shape[1]}")


@entry
def _lay(roots: Array, nodes: Array, leaves: Array, inputs_of: Array, laid: Array, starts: Array) -> Word:
    """Place each tree's nodes from the top down, children side by side; return how many words of nodes were placed."""
    laid[0, 0], laid[0, 1] = as_word(-0.0), 0  # what fills the last group up: to add it changes no sum
    end = at = 1
    for tree in range(len(roots)):
        starts[tree] = end
        laid[end, 1] = roots[tree]
        end += 1
        while at < end:
            node = laid[at, 1]
            if node < 0:
                laid[at, 0], laid[at, 1] = leaves[~node], at
            else:
                if end + 2 > len(laid):
                    return -1
                flags = nodes[node, N_FEATURE]
                word = inputs_of[node] << 32 | end
                if flags & CATEGORICAL:
                    word |= IS_CATEGORICAL
                    if flags & MISSING_NAN and flags & DEFAULT_LEFT:
                        word |= NULL_LEFT
                laid[at, 0], laid[at, 1] = nodes[node, N_THRESHOLD], word
                laid[end, 1], laid[end + 1, 1] = nodes[node, N_LEFT], nodes[node, N_RIGHT]
                end += 2
            at += 1
    return end


@inner
def _fill(forest: Array, rows: Array, start: int, inputs: Array) -> None:
    """Put what the nodes compare into `inputs`: a row's values, with what is missing where the nodes send it."""
    single = forest[F_SINGLE] & 1 != 0
    inputs[0] = -np.inf
    for i in range(1, forest[F_INPUTS]):
        word = forest[forest[F_INPUTS_AT] + i]
        value = rows[start + (word >> 8)]
        if single:
            value = float(np.float32(value))
        inputs[i] = value if word & CATEGORICAL else _compared(value, word)


@inner
def _compared(value: float, flags: int) -> Word:
    """Return what a number is compared as: less than all where missing goes left, no number where it goes right."""
    missing = value != value
    if missing and flags & MISSING_NAN == 0:
        value, missing = 0.0, False
    if missing or (flags & MISSING_ZERO and -ZERO <= value <= ZERO):
        return -np.inf if flags & DEFAULT_LEFT else np.nan
    return value


@inner
def _is_of(forest: Array, chosen: int, word: int, value: float) -> Word:
    """Look a category code up in a node's bit set."""
    if value != value:
        return word & NULL_LEFT != 0
    if not -1.0 < value < 2147483648.0:
        return False
    code = int(value)
    if (code >> 6) >= (chosen & _LEFT):
        return False
    return ((forest[forest[F_BITS_AT] + (chosen >> 32) + (code >> 6)] >> (code & 63)) & 1) != 0


@inner
def _next_by_number(forest: Array, inputs: Array, node: int) -> Word:
    """Return the child that a node of a threshold, or a leaf, sends the row to."""
    at = forest[F_NODES_AT] + 2 * node
    word = forest[at + 1]
    return (word & _LEFT) + (0 if inputs[(word >> 32) & _INPUT] <= as_float(forest[at]) else 1)


@inner
def _next(forest: Array, inputs: Array, node: int) -> Word:
    """Return the child that any node sends the row to."""
    at = forest[F_NODES_AT] + 2 * node
    word = forest[at + 1]
    if word >= 0:
        return _next_by_number(forest, inputs, node)
    return (word & _LEFT) + (0 if _is_of(forest, forest[at], word, inputs[(word >> 32) & _INPUT]) else 1)


@inner
def _total(nodes: Word) -> Word:
    a, b, c, d, e, f, g, h = nodes
    return (a + b + c + d) + (e + f + g + h)


def _walker(following: Callable[[Array, Array, Word], Word]) -> Callable[[Array, Array], Word]:
    """Return what adds the leaves' values up, in the order of the trees, going from node to node by `following`."""

    @inner
    def step(forest: Array, inputs: Array, nodes: Word) -> Word:
        """Go one level down in each of eight trees."""
        a, b, c, d, e, f, g, h = nodes
        return (
            following(forest, inputs, a), following(forest, inputs, b),
            following(forest, inputs, c), following(forest, inputs, d),
            following(forest, inputs, e), following(forest, inputs, f),
            following(forest, inputs, g), following(forest, inputs, h),
        )  # fmt: skip

    @inner
    def walk(forest: Array, inputs: Array) -> Word:
        single = forest[F_SINGLE] & 2 != 0
        total = as_float(forest[F_BASE])
        for group in range(forest[F_GROUPS]):
            at = F_HEAD + SIDE_BY_SIDE * group
            nodes = (
                forest[at], forest[at + 1], forest[at + 2], forest[at + 3],
                forest[at + 4], forest[at + 5], forest[at + 6], forest[at + 7],
            )  # fmt: skip
            came = -1
            while came != _total(nodes):  # a step leads to a later node, or stays where it is
                for _ in range(STEPS):
                    nodes = step(forest, inputs, nodes)
                came = _total(nodes)
                nodes = step(forest, inputs, nodes)
            for leaf in nodes:
                total += as_float(forest[forest[F_NODES_AT] + 2 * leaf])
                if single:  # the sum of two float32 in float64, rounded, is their float32 sum
                    total = float(np.float32(total))
        return total

    return walk


_walk, _walk_by_number = _walker(_next), _walker(_next_by_number)


@inner
def _sum(forest: Array, rows: Array, start: int, inputs: Array) -> Word:
    """Return the ensemble's sum for the row that begins at `start`."""
    _fill(forest, rows, start, inputs)
    # To ask each node whether it has a set would halve the speed of those ensembles that have none.
    total = _walk(forest, inputs) if forest[F_SETS] else _walk_by_number(forest, inputs)
    return total / as_float(forest[F_DIVISOR])


@entry
def _run(words: Array, rows: Array, out: Array) -> None:
    inputs = np.empty(words[F_INPUTS])
    for i in range(len(rows)):
        out[i] = _sum(pointer(words), pointer(rows), i * rows.shape[1], pointer(inputs))
    keep(inputs)


@brief
def _run_one(words: Array, row: Array) -> Word:
    inputs = np.empty(words[F_INPUTS])
    total = _sum(pointer(words), pointer(row), 0, pointer(inputs))
    keep(inputs)
    return total
