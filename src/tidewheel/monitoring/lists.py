"""What a report says of lists: how well they were ordered, what came at each place, which items stood in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import Interval, interval, metric, wilson
from tidewheel.monitoring.report import Place, Spread
from tidewheel.outcomes import Lists

LISTWISE = ("ndcg(k=10)", "mean_average_precision", "mean_reciprocal_rank", "hit_rate")
"""Measured of each ranking service, besides what its model declares."""
MOST_PLACES = 50
BIAS = (
    "What stands higher is looked at more, whatever it is: outcomes fall with the place even where the order says "
    "nothing, and the order that was served is favoured by what came of it. So compare versions over the same time and "
    "split (A/B), not with lists that nobody was shown."
)
"""What reports say beside their figures of lists."""
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Chosen = npt.NDArray[np.bool_]


def of_lists(lists: Lists, rows: Ints) -> Chosen:
    """Tell which items stood in the lists of some decisions."""
    chosen = np.zeros(lists.joined.decisions.num_rows, np.bool_)
    chosen[rows] = True
    return chosen[lists.list]


def listwise(lists: Lists, chosen: Chosen, names: Sequence[str], resamples: int) -> dict[str, Interval]:
    """Return metrics of the order in which items were served; lists are what is drawn for their intervals.

    One that is undefined on these lists is left out.
    """
    known = chosen & ~np.isnan(lists.label)
    found: dict[str, Interval] = {}
    if not known.any():
        return found
    label, score, group = lists.label[known], -lists.rank[known].astype(np.float64), lists.list[known]
    for name in names:
        try:
            found[name] = interval(metric(name), label, score, group=group, resamples=resamples)
        except MetricError:
            continue
    return found


def by_place(lists: Lists, chosen: Chosen) -> list[Place]:
    """Return what came of the items at each place, as the mean of their labels with its interval."""
    known = chosen & ~np.isnan(lists.label) & (lists.rank <= MOST_PLACES)
    found = []
    for place in np.unique(lists.rank[known]).tolist():
        label = lists.label[known & (lists.rank == place)]
        found.append(Place(place, label.size, _mean(label)))
    return found


def _mean(label: Floats) -> Interval:
    """Return a mean with its 95% interval: Wilson's for a share, else by the normal approximation; NaN for one row."""
    mean = float(label.mean())
    if np.isin(label, (0.0, 1.0)).all():
        return Interval(mean, *wilson(float(label.sum()), label.size), 0.95, 0)
    half = 1.96 * float(label.std(ddof=1)) / label.size**0.5 if label.size > 1 else float("nan")
    return Interval(mean, mean - half, mean + half, 0.95, 0)


def spread(lists: Lists, chosen: Chosen) -> Spread | None:
    """Return which items stood in the lists; None where none did."""
    if not chosen.any():
        return None
    codes = lists.item.dictionary_encode().indices.to_numpy(zero_copy_only=False)[chosen]
    share = np.unique(codes, return_counts=True)[1] / codes.size
    effective = float(np.exp(-(share * np.log(share)).sum()))
    return Spread(
        share.size, min(1.0, share.size / max(1, lists.known)), effective / share.size, _unlike(lists, chosen)
    )


def _unlike(lists: Lists, chosen: Chosen) -> float | None:
    """Return the mean over lists of the distance between two of their items."""
    if lists.vectors is None:
        return None
    rows = chosen & ~np.isnan(lists.vectors[:, 0])
    _, of_list = np.unique(lists.list[rows], return_inverse=True)
    counts = np.bincount(of_list)
    sums = np.zeros((counts.size, lists.vectors.shape[1]))
    np.add.at(sums, of_list, lists.vectors[rows])
    several = counts > 1
    n = counts[several]
    # The square of a sum of n unit vectors is n and twice the sum of all their cosines.
    alike = ((sums[several] ** 2).sum(1) - n) / (n * (n - 1))
    return float(1.0 - alike.mean()) if n.size else None
