"""Exact Shapley values of tree ensembles: how much each column moved one row's raw score.

The path-dependent TreeSHAP of Lundberg et al. ("From local explanations to global understanding with explainable AI for
trees", Nature Machine Intelligence 2020): what is not known goes down both branches, in proportion to the train rows
that did. Written leaf by leaf: a leaf's value is shared among the distinct columns on its path, each with the share
of rows that would pass its splits unknown (`zero`) and whether the row passes them (one or nothing). The values are
those of LightGBM's ``predict(pred_contrib=True)``, XGBoost's ``predict(pred_contribs=True)`` and, of
symmetric trees, CatBoost's ``ShapValues``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import CorruptError
from tidewheel.kernel._jit import Array, entry, inner
from tidewheel.kernel.models.trees import (
    N_FEATURE,
    N_LEFT,
    N_RIGHT,
    N_WORDS,
    R_BASE,
    R_DIVISOR,
    R_LEAVES_AT,
    R_NODES_AT,
    R_ROOTS_AT,
    R_SINGLE,
    R_TREES,
    Trees,
    goes_left,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Paths(NamedTuple):
    """The way to each leaf of an ensemble; made by `build_paths`.

    Attributes
    ----------
    trees : Trees
    element_start : int64[leaves + 1]
        Where the distinct columns of each leaf's path begin.
    feature, zero : int64[:], float64[:]
        Per distinct column of a path: which, and the share of train rows that pass its splits.
    step_start : int64[leaves + 1]
        Where the splits of each leaf's path begin.
    node, left, element : int64[:]
        Per split: its node, whether the path goes left, and which distinct column of the path it looks at.
    value : float64[leaves]
    expected : float
        Mean raw score of the train rows: what the values start from.
    deepest : int
        Most distinct columns on a path.
    """

    trees: Trees
    element_start: Ints
    feature: Ints
    zero: Floats
    step_start: Ints
    node: Ints
    left: Ints
    element: Ints
    value: Floats
    expected: float
    deepest: int


def build_paths(trees: Trees, cover: Floats) -> Paths:
    """Return the paths of an ensemble.

    Parameters
    ----------
    trees : Trees
    cover : float64 array
        Train rows that reached each leaf (or the weight that its library shares values by), in the order of the
        flattened trees.

    Raises
    ------
    CorruptError
        There is not one cover a leaf.
    """
    words = trees.words.tolist()
    leaves_at = words[R_LEAVES_AT]
    walked = [list(_walk(words, root)) for root in words[words[R_ROOTS_AT] : words[R_ROOTS_AT] + words[R_TREES]]]
    parts = [part for tree in walked for part in tree]
    if len(cover) != len(parts):
        raise CorruptError(f"{len(cover)} covers for {len(parts)} leaves")
    values = trees.words[leaves_at : leaves_at + len(parts)].view(np.float64)
    divisor = float(np.int64(words[R_DIVISOR]).view(np.float64))
    expected = float(np.int64(words[R_BASE]).view(np.float64))
    for tree in walked:
        leaves = [part.leaf for part in tree]
        whole = float(cover[leaves].sum())
        expected += float(values[leaves] @ cover[leaves]) / whole if whole else 0.0
    elements = _elements(parts, cover)
    return Paths(
        trees=trees,
        element_start=_starts([len(element.feature) for element in elements]),
        feature=np.array([f for element in elements for f in element.feature], np.int64),
        zero=np.array([z for element in elements for z in element.zero], np.float64),
        step_start=_starts([len(part.node) for part in parts]),
        node=np.array([n for part in parts for n in part.node], np.int64),
        left=np.array([step for part in parts for step in part.left], np.int64),
        element=np.array([place for element in elements for place in element.of_step], np.int64),
        value=values[[part.leaf for part in parts]] / divisor,
        expected=expected / divisor,
        deepest=max((len(element.feature) for element in elements), default=0),
    )


class _Path(NamedTuple):
    """A leaf, and each split before it: its node, its column, whether the way goes left."""

    leaf: int
    node: tuple[int, ...] = ()
    feature: tuple[int, ...] = ()
    left: tuple[int, ...] = ()


class _Elements(NamedTuple):
    """The distinct columns of a path, the share of rows that pass their splits, and which one each split looks at."""

    feature: list[int]
    zero: list[float]
    of_step: list[int]


def _walk(words: list[int], root: int) -> Iterator[_Path]:
    """Yield the path to each leaf of a tree, depth first."""
    todo = [(root, _Path(0))]
    while todo:
        node, path = todo.pop()
        if node < 0:
            yield path._replace(leaf=~node)
            continue
        at = words[R_NODES_AT] + N_WORDS * node
        nodes, features = (*path.node, node), (*path.feature, words[at + N_FEATURE] >> 8)
        todo += [
            (words[at + N_LEFT], _Path(0, nodes, features, (*path.left, 1))),
            (words[at + N_RIGHT], _Path(0, nodes, features, (*path.left, 0))),
        ]


def _elements(parts: list[_Path], cover: Floats) -> list[_Elements]:
    """Return each path's distinct columns; one met again is one element with the product of the shares."""
    reached: dict[int, float] = defaultdict(float)
    for part in parts:
        for node in part.node:
            reached[node] += float(cover[part.leaf])
    found = []
    for part in parts:
        shares: dict[int, float] = {}
        below = [*(reached[node] for node in part.node[1:]), float(cover[part.leaf])]
        for feature, node, rows in zip(part.feature, part.node, below, strict=False):
            share = rows / reached[node] if reached[node] else 0.0
            shares[feature] = shares.get(feature, 1.0) * share
        places = {feature: place for place, feature in enumerate(shares)}
        found.append(_Elements(list(shares), list(shares.values()), [places[feature] for feature in part.feature]))
    return found


def _starts(sizes: list[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def shap_values(paths: Paths, rows: Floats) -> Floats:
    """Return how much each column moved the raw score of each row, and last the mean that they start from.

    A row's values add up to its raw score.

    Parameters
    ----------
    paths : Paths
    rows : float64[n, columns]

    Returns
    -------
    float64[n, columns + 1]

    Examples
    --------
    >>> from tidewheel.kernel.models.trees import MISSING_NAN, Tree, build_trees
    >>> stump = build_trees([Tree([0], [0.5], [MISSING_NAN], [~0], [~1], [-1.0, 1.0])], 2)
    >>> paths = build_paths(stump, np.array([3.0, 1.0]))
    >>> shap_values(paths, np.array([[0.0, 9.0], [1.0, 9.0]])).tolist()
    [[-0.5, 0.0, -0.5], [1.5, 0.0, -0.5]]
    """
    if rows.shape[1] < paths.trees.n_features:
        raise CorruptError(f"the ensemble needs {paths.trees.n_features} columns, found {rows.shape[1]}")
    out = np.zeros((len(rows), rows.shape[1] + 1))
    out[:, -1] = paths.expected
    _shap(
        paths.trees.words, paths.element_start, paths.feature, paths.zero, paths.step_start, paths.node, paths.left,
        paths.element, paths.value, paths.deepest, np.ascontiguousarray(rows, np.float64), out,
    )  # fmt: skip
    return out


@entry
def _shap(
    words: Array, element_start: Array, feature: Array, zero: Array, step_start: Array, node: Array, left: Array,
    element: Array, value: Array, deepest: int, rows: Array, out: Array,
) -> None:  # fmt: skip
    single = words[R_SINGLE] != 0
    nodes = (words[R_LEAVES_AT] - words[R_NODES_AT]) // N_WORDS
    goes = np.empty(nodes, np.int64)
    one = np.empty(deepest + 1)
    weight = np.empty(deepest + 2)
    for i in range(len(rows)):
        for k in range(nodes):
            at = words[R_NODES_AT] + N_WORDS * k
            seen = rows[i, words[at + N_FEATURE] >> 8]
            if single:
                seen = float(np.float32(seen))
            goes[k] = 1 if goes_left(words, at, seen) else 0
        for leaf in range(len(value)):
            first, size = element_start[leaf], element_start[leaf + 1] - element_start[leaf]
            for e in range(size):
                one[e] = 1.0
            for step in range(step_start[leaf], step_start[leaf + 1]):
                if goes[node[step]] != left[step]:
                    one[element[step]] = 0.0
            weight[0] = 1.0
            for e in range(size):
                _extend(weight, e + 1, zero[first + e], one[e])
            for e in range(size):
                share = _unwound(weight, size, zero[first + e], one[e])
                out[i, feature[first + e]] += share * (one[e] - zero[first + e]) * value[leaf]


@inner
def _extend(weight: Array, size: int, zero: float, one: float) -> None:
    """Let one more column into the subsets: `weight[k]` is that of the subsets that know `k` of them."""
    weight[size] = 0.0
    for k in range(size - 1, -1, -1):
        weight[k + 1] += one * weight[k] * (k + 1) / (size + 1)
        weight[k] = zero * weight[k] * (size - k) / (size + 1)


@inner
def _unwound(weight: Array, size: int, zero: float, one: float) -> float:
    """Return the sum of the weights as they would be without one of the columns."""
    total, ahead = 0.0, weight[size]
    for k in range(size - 1, -1, -1):
        if one != 0.0:
            taken = ahead * (size + 1) / ((k + 1) * one)
            total += taken
            ahead = weight[k] - taken * zero * (size - k) / (size + 1)
        elif zero != 0.0:
            total += weight[k] / zero * (size + 1) / (size - k)
    return total
