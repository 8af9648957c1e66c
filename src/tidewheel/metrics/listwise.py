"""How well scores order the items of each list: of a query, a page, a user.

Each function gives one value a group, in order of the groups' first rows, and NaN for a group in which nothing is
relevant; `mean_over_groups` takes their mean. Equal scores keep the order of the rows.
`PER_LIST` prepares the metrics that a model declares by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import checks
from tidewheel.metrics.state import State

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class _Lists(NamedTuple):
    """Rows sorted by group, then by falling score: labels, group numbers, and places in the list from 0."""

    y: Floats
    group: Ints
    place: Ints
    groups: int


def _lists(y: npt.ArrayLike, score: npt.ArrayLike, group: npt.ArrayLike) -> _Lists:
    labels, scores, _ = checks.rows(y, score)
    if labels.min() < 0.0:
        raise MetricError(f"grade {labels.min():g}: a grade is 0 or more")
    numbers = _numbers(group, labels.size)
    order = np.lexsort((-scores, numbers))
    sorted_numbers = numbers[order]
    starts = np.flatnonzero(np.r_[True, sorted_numbers[1:] != sorted_numbers[:-1]])
    place = np.arange(labels.size) - np.repeat(starts, np.diff(np.r_[starts, labels.size]))
    return _Lists(labels[order], sorted_numbers, place, starts.size)


def _numbers(group: npt.ArrayLike, rows: int) -> Ints:
    _, first, codes = np.unique(np.asarray(group), return_index=True, return_inverse=True)
    if codes.shape != (rows,):
        raise MetricError(f"groups of shape {codes.shape} for {rows} rows: one a row is expected")
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[codes]


def _totals(lists: _Lists, values: Floats) -> Floats:
    totals = np.zeros(lists.groups)
    np.add.at(totals, lists.group, values)
    return totals


def _ratio(above: Floats, below: Floats) -> Floats:
    found = np.full(below.size, np.nan)
    np.divide(above, below, out=found, where=below > 0.0)
    return found


def _check_first(k: float, least: int) -> None:
    if k < least or k != int(k):
        wanted = "a whole number of at least 1" if least else "a whole number"
        raise MetricError(f"the first {k:g} items: {wanted} is expected" + ("" if least else ", 0 for all"))


def ndcg(
    y: npt.ArrayLike,
    score: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    k: float = 0,
    gain: Literal["linear", "exponential"] = "linear",
) -> Floats:
    r"""Normalised discounted cumulative gain of each group (Järvelin, Kekäläinen 2002).

    :math:`\sum_i g_i / \log_2(i + 1)` of the first `k` items over that of the best order.

    Parameters
    ----------
    y : array of grades, 0 or more
    score, group : arrays, shape (n,)
    k : int
        How many items count; 0 is all.
    gain : {"linear", "exponential"}
        The grade itself, or ``2**grade - 1`` (Burges et al. 2005).

    Examples
    --------
    >>> ndcg([0, 1, 0], [3.0, 2.0, 1.0], [1, 1, 1]).round(4).tolist()
    [0.6309]
    """
    _check_first(k, 0)
    lists = _lists(y, score, group)
    ideal = _lists(y, np.asarray(y, dtype=np.float64), group)

    def total(of: _Lists) -> Floats:
        grade = of.y if gain == "linear" else np.exp2(of.y) - 1.0
        seen = grade / np.log2(of.place + 2.0) * ((of.place < k) if k else 1.0)
        return _totals(of, seen)

    return _ratio(total(lists), total(ideal))


def average_precisions(y: npt.ArrayLike, score: npt.ArrayLike, group: npt.ArrayLike) -> Floats:
    """Average precision of each group; their mean is MAP. A grade above 0 is relevant.

    Examples
    --------
    >>> average_precisions([0, 1, 1], [3.0, 2.0, 1.0], ["a", "a", "a"]).round(4).tolist()
    [0.5833]
    """
    lists = _lists(y, score, group)
    relevant = (lists.y > 0.0).astype(np.float64)
    found = np.cumsum(relevant)
    before = np.r_[0.0, found][np.flatnonzero(lists.place == 0)][lists.group]
    precision = (found - before) / (lists.place + 1.0)
    return _ratio(_totals(lists, relevant * precision), _totals(lists, relevant))


def reciprocal_ranks(y: npt.ArrayLike, score: npt.ArrayLike, group: npt.ArrayLike) -> Floats:
    """One over the place of each group's first relevant item; their mean is MRR (Voorhees 1999).

    Examples
    --------
    >>> reciprocal_ranks([0, 1, 1, 0], [3.0, 2.0, 9.0, 1.0], [1, 1, 2, 2]).tolist()
    [0.5, 1.0]
    """
    lists = _lists(y, score, group)
    first = np.full(lists.groups, np.inf)
    relevant = lists.y > 0.0
    np.minimum.at(first, lists.group[relevant], lists.place[relevant] + 1.0)
    return np.where(np.isfinite(first), 1.0 / first, np.nan)


def recalls_at(y: npt.ArrayLike, score: npt.ArrayLike, group: npt.ArrayLike, *, k: float) -> Floats:
    """Share of each group's relevant items that stand among its first `k`.

    Examples
    --------
    >>> recalls_at([0, 1, 1], [3.0, 2.0, 1.0], [1, 1, 1], k=2).tolist()
    [0.5]
    """
    _check_first(k, 1)
    lists = _lists(y, score, group)
    relevant = (lists.y > 0.0).astype(np.float64)
    return _ratio(_totals(lists, relevant * (lists.place < k)), _totals(lists, relevant))


def hits_at(y: npt.ArrayLike, score: npt.ArrayLike, group: npt.ArrayLike, *, k: float = 0) -> Floats:
    """Whether anything relevant stands among each group's first `k` (0: anywhere): 1 or 0, never NaN.

    Examples
    --------
    >>> hits_at([0, 1, 0, 0], [3.0, 2.0, 9.0, 1.0], [1, 1, 2, 2]).tolist()
    [1.0, 0.0]
    """
    _check_first(k, 0)
    lists = _lists(y, score, group)
    seen = (lists.place < k) if k else True
    return np.minimum(_totals(lists, ((lists.y > 0.0) & seen).astype(np.float64)), 1.0)


def mean_over_groups(values: npt.ArrayLike) -> float:
    """Return the mean of the groups that have a value.

    Raises
    ------
    MetricError
        None has.

    Examples
    --------
    >>> mean_over_groups([0.5, float("nan"), 1.0])
    0.75
    """
    array = np.asarray(values, dtype=np.float64)
    known = array[~np.isnan(array)]
    if not known.size:
        raise MetricError(f"none of {array.size} groups holds anything relevant", remedy="measure over a longer period")
    return float(known.mean())


def _per_list(values_of: Callable[..., Floats]) -> Callable[..., State]:
    """Return what prepares a mean over lists: each list's value stands at its first row, and no other row counts."""

    def prepare(y: Floats, score: Floats, weight: Floats, group: npt.ArrayLike, *parameters: float) -> State:
        values = values_of(y, score, group, *parameters)
        first = np.sort(np.unique(np.asarray(group), return_index=True)[1])
        known = ~np.isnan(values)
        stands, counts = np.zeros(y.size), np.zeros(y.size)
        stands[first[known]], counts[first[known]] = values[known], weight[first[known]]
        return State((stands, counts))

    return prepare


PER_LIST = {
    "ndcg": _per_list(lambda y, score, group, k: ndcg(y, score, group, k=k)),
    "mean_average_precision": _per_list(average_precisions),
    "mean_reciprocal_rank": _per_list(reciprocal_ranks),
    "hit_rate": _per_list(lambda y, score, group, k: hits_at(y, score, group, k=k)),
    "recall_at_k": _per_list(lambda y, score, group, k: recalls_at(y, score, group, k=k)),
}
"""What prepares each metric of lists, from labels, scores, weights, groups and its parameters."""
