"""Exact Shapley values of tree ensembles: how much each column moved one row's raw score.

The path-dependent TreeSHAP of Lundberg et al. ("From local explanations to global understanding with explainable AI for
trees", Nature Machine Intelligence 2020): what is not known goes down both branches, in proportion to the train rows
that did. Written leaf by leaf: a leaf's value is shared among the distinct columns on its path, each with the share
of rows that would pass its splits unknown (`zero`) and whether the row passes them (one or nothing). The values are
those of LightGBM's ``predict(pred_contrib=True)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import CorruptError
from tidewheel.kernel._jit import Array, entry, inner
from tidewheel.kernel.trees import (
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


def build_paths(trees: Trees, node_cover: Floats, leaf_cover: Floats) -> Paths:
    """Return the paths of an ensemble.

    Parameters
    ----------
    trees : Trees
    node_cover, leaf_cover : float64 arrays
        Train rows that reached each inner node and each leaf, in the order of the flattened trees.

    Raises
    ------
    CorruptError
        There is not one cover a node and a leaf.
    """
    words = trees.words.tolist()
    nodes_at, leaves_at = words[R_NODES_AT], words[R_LEAVES_AT]
    roots = words[words[R_ROOTS_AT] : words[R_ROOTS_AT] + words[R_TREES]]
    leaves = len(leaf_cover)
    if len(node_cover) * N_WORDS != leaves_at - nodes_at:
        raise CorruptError(f"{len(node_cover)} covers for {(leaves_at - nodes_at) // N_WORDS} nodes")
    values = trees.words[leaves_at : leaves_at + leaves].view(np.float64)
    divisor = float(np.int64(words[R_DIVISOR]).view(np.float64))
    parts: list[_Path] = []
    expected = float(np.int64(words[R_BASE]).view(np.float64))
    for root in roots:
        whole = node_cover[root] if root >= 0 else leaf_cover[~root]
        for path in _paths_of(words, nodes_at, root, node_cover, leaf_cover):
            parts.append(path)
            expected += float(values[path.leaf]) * float(leaf_cover[path.leaf]) / float(whole) if whole else 0.0
    return Paths(
        trees=trees,
        element_start=_starts([len(path.feature) for path in parts]),
        feature=np.array([f for path in parts for f in path.feature], np.int64),
        zero=np.array([z for path in parts for z in path.zero], np.float64),
        step_start=_starts([len(path.node) for path in parts]),
        node=np.array([n for path in parts for n in path.node], np.int64),
        left=np.array([step for path in parts for step in path.left], np.int64),
        element=np.array([e for path in parts for e in path.element], np.int64),
        value=np.array([values[path.leaf] for path in parts], np.float64) / divisor,
        expected=expected / divisor,
        deepest=max((len(path.feature) for path in parts), default=0),
    )


class _Path(NamedTuple):
    leaf: int
    feature: list[int]
    zero: list[float]
    node: list[int]
    left: list[int]
    element: list[int]


def _paths_of(words: list[int], nodes_at: int, root: int, node_cover: Floats, leaf_cover: Floats) -> list[_Path]:
    """Walk one tree depth first; a column met again on a path is one element with the product of the shares."""
    found = []
    todo = [(root, _Path(0, [], [], [], [], []))]
    while todo:
        node, path = todo.pop()
        if node < 0:
            found.append(path._replace(leaf=~node))
            continue
        at = nodes_at + N_WORDS * node
        feature = words[at + N_FEATURE] >> 8
        for child, left in ((words[at + N_LEFT], 1), (words[at + N_RIGHT], 0)):
            cover = node_cover[child] if child >= 0 else leaf_cover[~child]
            share = float(cover) / float(node_cover[node]) if node_cover[node] else 0.0
            todo.append((child, _longer(path, node, feature, left, share)))
    return found


def _longer(path: _Path, node: int, feature: int, left: int, share: float) -> _Path:
    features, zero = list(path.feature), list(path.zero)
    if feature in features:
        place = features.index(feature)
        zero[place] *= share
    else:
        place = len(features)
        features.append(feature)
        zero.append(share)
    return _Path(0, features, zero, [*path.node, node], [*path.left, left], [*path.element, place])


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
    >>> from tidewheel.kernel.trees import MISSING_NAN, Tree, build_trees
    >>> stump = build_trees([Tree([0], [0.5], [MISSING_NAN], [~0], [~1], [-1.0, 1.0])], 2)
    >>> paths = build_paths(stump, np.array([4.0]), np.array([3.0, 1.0]))
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
