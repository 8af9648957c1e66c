"""From labelled rows to those that are used: which are trained and tested on, which of them are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.definitions.models.labels import horizon_of
from tidewheel.errors import TrainingError
from tidewheel.outcomes.labels import Labels
from tidewheel.training.data.dataset import DataSet
from tidewheel.training.data.draws import names_of
from tidewheel.training.data.sample import choose, weigh
from tidewheel.training.data.split import Fold, Rows, Sides, folds_of, sides_of
from tidewheel.training.data.young import Young, young_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """The rows a model uses.

    Attributes
    ----------
    used : int64 array
        Positions among the labelled rows, rising.
    sides : Sides
        Positions in `used`.
    folds : list of Fold
        The same.
    stands_for : float64 array
        For each of `used`, one over the probability that it was kept; 1 for test rows, which all are.
    odds : float64 array
        See `sample.Chosen`.
    prior : float
    counts : dict of str to int
        Rows on each side, in the gap, blocked, sampled out.
    y : float64 array
        The label of each of `used`, as known when the model could be trained.
    come : float64 array
        For each of `used`, the share of outcomes that come by the age it had then; 1 where its horizon was over.
    """

    used: Ints
    sides: Sides
    folds: list[Fold]
    stands_for: Floats
    odds: Floats
    prior: float
    counts: dict[str, int]
    y: Floats
    come: Floats


def divided(model: ir.Model, rows: pa.Table, labels: Labels) -> Cut:
    """Split labelled rows as a model says, and sample those that are not tested on.

    Parameters
    ----------
    model : ir.Model
    rows : Table
        Rows of the view's event, with ``_id``, ``_at`` and ``_offset``.
    labels : Labels
        Of some of them.

    Raises
    ------
    TrainingError
        A side of the split is empty, or sampling left nothing.
    """
    known = rows.take(pa.array(labels.rows))
    ids = names_of(known["_id"])
    owner = names_of(known[model.split.by[0]], ids) if model.split.by else ids
    at, order = (np.asarray(known[name].to_numpy(), dtype=np.int64) for name in ("_at", "_offset"))
    seen = Rows(at, order, ids, owner)
    horizon = horizon_of(model)
    sides, folds = sides_of(model.split, horizon, seen), folds_of(model.split, horizon, seen)
    sides, young = _with_young(model, seen, sides, labels)
    y, come = labels.y.copy(), np.ones(at.size)
    y[young.rows], come[young.rows] = young.y, young.come
    learns = np.zeros(at.size, np.bool_)
    for side in (sides.train, *(side for fold in folds for side in (fold.train, fold.test))):
        learns[side] = True
    learned = np.flatnonzero(learns)
    values = {step.by: names_of(known[step.by[0]]) for step in model.sample if step.by}
    chosen = choose(model.sample, y[learned], ids[learned], {by: found[learned] for by, found in values.items()})
    kept = learned[chosen.rows]
    used = np.sort(np.concatenate([kept, sides.test]))
    stands_for, odds = np.ones(used.size), np.ones(used.size)
    places = np.searchsorted(used, kept)
    stands_for[places], odds[places] = chosen.stands_for, chosen.odds
    train = _placed(used, sides.train)
    if not train.size:
        raise TrainingError(f"sampling left none of {sides.train.size} train rows", remedy="keep a larger share")
    counts = {"gap": sides.gap_rows, "blocked": sides.blocked_rows, "sampled out": learned.size - kept.size}
    counts |= {"train": train.size, "test": sides.test.size}
    counts |= {"too young": young.too_young, "reweighted": int(np.count_nonzero(np.isin(used, young.rows)))}
    placed = Sides(train, _placed(used, sides.test), sides.test_from, sides.gap_rows, sides.blocked_rows)
    cuts = [_checked(Fold(_placed(used, fold.train), _placed(used, fold.test)), fold) for fold in folds]
    return Cut(used, placed, cuts, stands_for, odds, chosen.prior, _said(counts), y[used], come[used])


def _with_young(model: ir.Model, seen: Rows, sides: Sides, labels: Labels) -> tuple[Sides, Young]:
    """Add the rows to the train side whose horizon was not over when the model could be trained, if it weighs them.

    That is when the test begins, or earlier where the declared gap is longer than the horizon. What is asked of them is
    what was known then, as if the model had been trained there and used from then on.
    """
    none = np.zeros(0, np.int64)
    if labels.known_at is None:
        return sides, Young(none, np.zeros(0), np.zeros(0), 0)
    horizon = horizon_of(model)
    until = sides.test_from - (max(model.split.gap, horizon) - horizon)
    lead = model.where.within if isinstance(model.where, ir.Label) else 0  # before that, nobody knows whether it counts
    between = (seen.at > until - horizon) & (seen.at < until - lead)
    blocked = between & np.isin(seen.owner, seen.owner[sides.test]) if model.split.by else np.zeros_like(between)
    asked = np.flatnonzero(between & ~blocked)
    young = young_rows(seen.at, labels.known_at, labels.weight, sides.train, asked, until)
    learns = np.zeros(seen.at.size, np.bool_)
    learns[sides.train] = learns[young.rows] = True
    gap = sides.gap_rows - int(np.count_nonzero(between))
    more = int(np.count_nonzero(blocked))
    return Sides(seen.ranked(learns), sides.test, sides.test_from, gap, sides.blocked_rows + more), young


def fit_weights(
    steps: Sequence[ir.Sample], data: DataSet, cut: Cut, columns: Mapping[str, Floats]
) -> tuple[Floats, float]:
    """Return how much a fit learns from each row of a data set, and the prior that goes with it.

    Test rows weigh what they stand for.
    """
    learned = np.ones(data.y.size, dtype=np.bool_)
    learned[cut.sides.test] = False
    rows = np.flatnonzero(learned)
    weight = data.weight.copy()
    own = {name: values[rows] for name, values in columns.items()}
    weight[rows], prior = weigh(steps, data.y[rows], data.weight[rows], cut.odds[rows], own, cut.prior)
    return weight, prior


def _placed(used: Ints, rows: Ints) -> Ints:
    """Return the places in `used` of those rows that are there, in the rows' order."""
    places = np.searchsorted(used, rows)
    there = used[np.minimum(places, used.size - 1)] == rows
    return np.asarray(places[there])


def _checked(fold: Fold, whole: Fold) -> Fold:
    if not fold.train.size or not fold.test.size:
        raise TrainingError(
            f"sampling left {fold.train.size} of {whole.train.size} rows to train a fold on and "
            f"{fold.test.size} of {whole.test.size} to test it on",
            remedy="keep a larger share, or ask for fewer folds",
        )
    return fold


def _said(counts: dict[str, int]) -> dict[str, int]:
    """Leave out what is 0 and was not always told of."""
    return {what: count for what, count in counts.items() if count or what in ("gap", "train", "test")}
