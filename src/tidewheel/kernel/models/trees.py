"""Ensembles of decision trees, flattened into one array of words; `tidewheel.kernel.models.walk` asks them.

General enough for LightGBM's, XGBoost's and CatBoost's models and scikit-learn's ensembles: numerical splits
(``value <= threshold`` goes left), categorical splits (a bit set of codes goes left), three ways to
treat what is missing, sum or average over trees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.kernel._jit import Array, Word, as_float, inner

Words = NDArray[np.int64]
Floats = NDArray[np.float64]

R_TREES, R_ROOTS_AT, R_NODES_AT, R_LEAVES_AT, R_BITS_AT, R_BASE, R_DIVISOR, R_SINGLE, R_FEATURES, R_HEAD = range(10)
# A node: threshold (or where its bit set is), feature and flags, children. A child below 0 is leaf ~child.
N_THRESHOLD, N_FEATURE, N_LEFT, N_RIGHT, N_WORDS = range(5)
CATEGORICAL, DEFAULT_LEFT, MISSING_ZERO, MISSING_NAN = 1, 2, 4, 8
"""Flags of a node, as LightGBM numbers them."""
ZERO = float(np.float32(1e-35))


class Trees(NamedTuple):
    """An ensemble; `walk.lay_out` makes it fit to be asked.

    Attributes
    ----------
    words : int64[:]
        Header, roots, nodes, leaf values, bit sets.
    n_features : int
        Columns that a row must have, at least.
    """

    words: Words
    n_features: int


class Tree(NamedTuple):
    """One tree as plain lists; see `build_trees`.

    Attributes
    ----------
    feature, threshold, flags, left, right : sequence
        Per inner node. A child below 0 is leaf ``~child``. `flags` combines `CATEGORICAL`, `DEFAULT_LEFT`,
        `MISSING_ZERO`, `MISSING_NAN`. With neither missing flag a NaN counts as 0.0.
    value : sequence of float
        Per leaf. A tree of one leaf has no nodes.
    categories : mapping of int to sequence of int
        Per categorical node, the codes that go left. A code of none of them, and NaN, go right (NaN
        goes by DEFAULT_LEFT with MISSING_NAN).
    """

    feature: Sequence[int]
    threshold: Sequence[float]
    flags: Sequence[int]
    left: Sequence[int]
    right: Sequence[int]
    value: Sequence[float]
    categories: Mapping[int, Sequence[int]] = MappingProxyType({})


def build_trees(
    trees: Sequence[Tree],
    n_features: int,
    *,
    base: float = 0.0,
    average: bool = False,
    single: bool = False,
    single_sum: bool = False,
) -> Trees:
    """Flatten an ensemble.

    Parameters
    ----------
    trees : sequence of Tree
    n_features : int
    base : float
        Added before the first tree.
    average : bool
        Divide the sum by the number of trees (forests).
    single : bool
        Round inputs to float32 before they are compared, as scikit-learn does.
    single_sum : bool
        Round the running sum to float32 after each tree, as XGBoost does.

    Examples
    --------
    >>> stump = Tree([0], [0.5], [MISSING_NAN], [~0], [~1], [-1.0, 1.0])
    >>> build_trees([stump], 1).n_features
    1
    """
    roots: list[int] = []
    nodes: list[int] = []
    leaves: list[int] = []
    bits: list[int] = []
    for tree in trees:
        first_node, first_leaf = len(nodes) // N_WORDS, len(leaves)

        def child(to: int, first_node: int = first_node, first_leaf: int = first_leaf) -> int:
            return to + first_node if to >= 0 else ~(~to + first_leaf)

        roots.append(child(0) if len(tree.feature) else child(~0))
        leaves += [_bits(value) for value in tree.value]
        for i in range(len(tree.feature)):
            threshold = _bits(tree.threshold[i])
            if tree.flags[i] & CATEGORICAL:
                chosen = _bit_set(tree.categories[i])
                threshold = len(bits) << 32 | len(chosen)
                bits += chosen
            nodes += [threshold, tree.feature[i] << 8 | tree.flags[i], child(tree.left[i]), child(tree.right[i])]
    sections = [roots, nodes, leaves, bits]
    places = np.cumsum([R_HEAD, *map(len, sections)])[:4].tolist()
    divisor = _bits(float(len(trees)) if average else 1.0)
    head = [len(trees), *places, _bits(base), divisor, single | single_sum << 1, n_features]
    words = np.array([*head, *roots, *nodes, *leaves, *bits], np.int64)
    words.flags.writeable = False
    return Trees(words, n_features)


def _bits(number: float) -> int:
    return int(np.float64(number).view(np.int64))


def _bit_set(codes: Sequence[int]) -> list[int]:
    """Return 64-bit words with the bits of `codes` set."""
    words = np.zeros(1 + max(codes, default=0) // 64, np.uint64)
    for code in codes:
        words[code // 64] |= np.uint64(1) << np.uint64(code % 64)
    return [int(word) for word in words.view(np.int64)]


def sections(words: Words) -> tuple[Words, Words, Words, Words]:
    """Return the parts of ``Trees.words``: roots, nodes (a row each), leaf values as words, bit sets."""
    places = [int(words[at]) for at in (R_ROOTS_AT, R_NODES_AT, R_LEAVES_AT, R_BITS_AT)]
    roots, nodes, leaves, bits = (words[low:high] for low, high in zip(places, [*places[1:], len(words)], strict=True))
    return roots, nodes.reshape(-1, N_WORDS), leaves, bits


@inner
def goes_left(words: Array, at: int, value: float) -> Word:
    """Decide one split as LightGBM does."""
    flags = words[at + N_FEATURE]
    if flags & CATEGORICAL:
        return category_goes_left(words, at, flags, value)
    if value != value:
        if flags & MISSING_NAN:
            return (flags & DEFAULT_LEFT) != 0
        value = 0.0
    if flags & MISSING_ZERO and -ZERO <= value <= ZERO:
        return (flags & DEFAULT_LEFT) != 0
    return value <= as_float(words[at + N_THRESHOLD])


@inner
def category_goes_left(words: Array, at: int, flags: int, value: float) -> Word:
    """Look a category code up in the node's bit set."""
    if value != value:
        return (flags & MISSING_NAN) != 0 and (flags & DEFAULT_LEFT) != 0
    if not -1.0 < value < 2147483648.0:
        return False
    code = int(value)
    chosen = words[at + N_THRESHOLD]
    if (code >> 6) >= (chosen & 0xFFFFFFFF):
        return False
    return ((words[words[R_BITS_AT] + (chosen >> 32) + (code >> 6)] >> (code & 63)) & 1) != 0
