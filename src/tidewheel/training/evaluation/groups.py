"""Rates by group at a threshold: what fairness gates judge and reports draw.

Measures by their usual names: equal ``selected`` is demographic parity, equal ``true_positive_rate`` equal opportunity
(Hardt, Price, Srebro 2016), equal ``precision`` predictive parity. They can't all hold where base rates differ
(Chouldechova 2017), so a gate names the one that matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.metrics.rates import Share, share_of
from tidewheel.registry.runs.evaluation import Fairness, Group
from tidewheel.training.evaluation.material import Material

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MEASURES = ("selected", "true_positive_rate", "false_positive_rate", "precision", "mean_score", "positives")


def decision_threshold(thresholds: Mapping[str, float]) -> float:
    """Return the score at which a service first does something: the end of its lowest action; 0.5 without any.

    Examples
    --------
    >>> decision_threshold({"allow": 0.0, "review": 0.6, "block": 0.95})
    0.6
    """
    levels = sorted(thresholds.values())
    return levels[1] if len(levels) > 1 else levels[0] if levels and levels[0] > 0.0 else 0.5


def fairness(material: Material, column: str, threshold: float | None = None, least: int = 100) -> Fairness:
    """Return the groups of a column and how far apart they are.

    Parameters
    ----------
    material : Material
    column : str
        Of the view.
    threshold : float, optional
        Rows with this score or more are selected.
    least : int
        Groups of fewer rows are told, and not compared.
    """
    cut = decision_threshold(material.thresholds) if threshold is None else threshold
    groups = [group(material, value, rows, cut, least) for value, rows in parts(material, column)]
    ratio, gap = {}, {}
    for measure in MEASURES:
        seen = [getattr(group, measure) for group in groups if not group.small]
        known = [value for value in seen if value is not None]
        if len(known) > 1:
            ratio[measure] = min(known) / max(known) if max(known) > 0.0 else 1.0
            gap[measure] = max(known) - min(known)
    return Fairness(column=column, threshold=cut, groups=groups, ratio=ratio, difference=gap)


def parts(material: Material, column: str) -> Iterator[tuple[str, Flags]]:
    """Yield each group of a column: its value in words, and which rows it has."""
    codes, values = material.cells(column)
    for place, value in enumerate(values):
        rows = codes == place
        if rows.any():
            yield value, rows


def counted(measure: str, y: Floats, score: Floats, threshold: float) -> tuple[Floats, Flags]:
    """Return what a measure is the mean of, and among which rows.

    Examples
    --------
    >>> of, among = counted("precision", np.array([0.0, 1.0]), np.array([0.9, 0.1]), 0.5)
    >>> of.tolist(), among.tolist()
    ([0.0, 1.0], [True, False])
    """
    taken, positive, everyone = score >= threshold, y == 1.0, np.ones(y.size, np.bool_)
    of = {"mean_score": score, "precision": positive, "positives": positive}.get(measure, taken)
    among = {"true_positive_rate": positive, "false_positive_rate": ~positive, "precision": taken}
    return of.astype(np.float64), among.get(measure, everyone)


def share(material: Material, measure: str, rows: Flags, threshold: float) -> Share | None:
    """Return a measure of some rows by their weights, with what it is worth; None where it is of nobody."""
    of, among = counted(measure, material.y, material.score, threshold)
    rows = rows & among
    if not rows.any():
        return None
    return share_of(of[rows], None if material.blocks is None else material.blocks[rows], material.weight[rows])


def group(material: Material, value: str, rows: Flags, threshold: float, least: int) -> Group:
    """Return one group's rates, each row counting by its weight."""
    shares = {measure: share(material, measure, rows, threshold) for measure in MEASURES}
    rates: dict[str, Any] = {name: None if found is None else found.value for name, found in shares.items()}
    selected = shares["selected"]
    assert selected is not None  # a group has rows
    low, high = selected.ends(0.975)
    size = int(rows.sum())
    return Group(value=value, rows=size, selected_low=low, selected_high=high, small=size < least, **rates)
