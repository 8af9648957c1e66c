"""Sampling and weighing of train rows, with what it takes to speak of all rows again.

Two weights are told apart. What a row *stands for* among all rows: its own weight over the probability with which it
was kept. How much a fit *learns from* it: that, times class weights and row weights, but without the correction of
`keep`, whose point is that the classes are closer together. The two differ by a factor between the classes, the
*prior*: the odds that such a fit gives, times the prior, are the odds among all rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import TrainingError
from tidewheel.kernel import hash_text
from tidewheel.training.data.draws import uniforms

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_CHOOSING = frozenset({"keep", "stratified", "at_most"})


@dataclass(frozen=True)
class Chosen:
    """Rows that were kept.

    Attributes
    ----------
    rows : int64 array
        Their positions, rising.
    stands_for : float64 array
        Of each, one over the probability that it was kept.
    odds : float64 array
        Of each, the probability that `keep` kept it: the part of `stands_for` that a fit does without.
    prior : float
        What the odds that a fit gives are multiplied by on behalf of `keep`.
    """

    rows: Ints
    stands_for: Floats
    odds: Floats
    prior: float


def choose(steps: Sequence[ir.Sample], y: Floats, ids: Ints, values: Mapping[ir.Path, Ints]) -> Chosen:
    """Take the steps that keep some rows and leave others.

    Parameters
    ----------
    steps : sequence of ir.Sample
    y : float64 array
    ids : int64 array
        Hash of each row's id, by which it is kept or not.
    values : mapping
        Of each column that a stratified sample names, the hash of each row's value.

    Examples
    --------
    >>> steps = [ir.Sample("keep", (("0", 0.5), ("1", 1.0)))]
    >>> kept = choose(steps, np.zeros(1000), np.arange(1000), {})
    >>> bool(440 < kept.rows.size < 560), kept.stands_for[0], kept.prior
    (True, np.float64(2.0), 0.5)
    """
    rows, kept_with, by_class, prior = np.arange(y.size), np.ones(y.size), np.ones(y.size), 1.0
    for number, step in enumerate(steps):
        if step.kind not in _CHOOSING:
            continue
        draws = uniforms(ids[rows], step.seed, number + 1)
        if step.kind == "keep":
            of_class = dict(step.shares)
            share = np.where(y[rows] == 1.0, of_class["1"], of_class["0"])
            by_class *= share
            prior *= of_class["0"] / of_class["1"]
            stay = draws < share
        elif step.kind == "stratified":
            share, stay = _stratified(step, values[step.by][rows], draws)
        else:
            share, stay = _lowest(draws, step.rows)
        kept_with *= share
        rows, kept_with, by_class = rows[stay], kept_with[stay], by_class[stay]
    return Chosen(rows, 1.0 / kept_with, by_class, prior)


def weigh(
    steps: Sequence[ir.Sample], y: Floats, stands_for: Floats, odds: Floats, columns: Mapping[str, Floats], prior: float
) -> tuple[Floats, float]:
    """Return how much a fit learns from each row, and the prior that goes with it.

    Parameters
    ----------
    steps : sequence of ir.Sample
    y : float64 array
    stands_for : float64 array
        What each row stands for among all rows, its own weight included.
    odds : float64 array
        See `Chosen`.
    columns : mapping of str to float64 array
        The columns that rows are weighed by; "" is the model's own expression.
    prior : float
        Of `choose`.

    Raises
    ------
    TrainingError
        A weight is null, negative or infinite, or all are zero.
    """
    weight = stands_for * odds
    for step in steps:
        if step.kind == "balanced":
            total = [float(weight[y == label].sum()) for label in (0.0, 1.0)]
            factors = [sum(total) / (2.0 * part) if part else 1.0 for part in total]
        elif step.kind == "class_weights":
            factors = [dict(step.shares)["0"], dict(step.shares)["1"]]
        else:
            if step.kind == "weights":
                weight = weight * _checked(columns[step.column], step.column)
            continue
        weight = weight * np.where(y == 1.0, factors[1], factors[0])
        prior *= factors[0] / factors[1]
    if not weight.sum() > 0:
        raise TrainingError("the weights of all train rows are 0", where="sample")
    return weight / weight.mean() if steps else weight, prior


def of_all_rows(weight: Floats, y: Floats, prior: float) -> Floats:
    """Return weights that speak of all rows, up to a common factor, from those a fit learned by.

    Examples
    --------
    >>> of_all_rows(np.ones(2), np.array([0.0, 1.0]), 0.1).tolist()
    [1.0, 0.1]
    """
    return weight if prior == 1.0 else np.where(y == 1.0, weight * prior, weight)


def as_all_rows(stands_for: Floats) -> Ints:
    """Return as many positions as there are rows, each about as often as its weight says: what all rows look like.

    Evenly spaced draws along the weights (systematic sampling); equal weights give every row once.

    Examples
    --------
    >>> as_all_rows(np.array([1.0, 2.0, 1.0, 4.0])).tolist(), as_all_rows(np.ones(3)).tolist()
    ([1, 2, 3, 3], [0, 1, 2])
    """
    n = stands_for.size
    if np.all(stands_for == stands_for[0]):
        return np.arange(n)
    along = np.cumsum(stands_for)
    places = np.searchsorted(along, (np.arange(n) + 0.5) * along[-1] / n, side="right")
    return np.asarray(np.minimum(places, n - 1))


def _stratified(step: ir.Sample, values: Ints, draws: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    names, code = np.unique(values, return_inverse=True)
    of_value = {hash_text(value): share for value, share in step.shares}
    share = np.array([of_value.get(name, step.share) for name in names.tolist()])[code]
    stay = draws < share
    if step.rows:
        for stratum in np.flatnonzero(np.bincount(code[stay], minlength=names.size) > step.rows):
            own = np.flatnonzero(stay & (code == stratum))
            part, lowest = _lowest(draws[own], step.rows)
            share[own] *= part
            stay[own[~lowest]] = False
    return share, stay


def _lowest(draws: Floats, most: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Keep the rows with the lowest draws: more rows lower the bar, and never bring back one that was left out."""
    if draws.size <= most:
        return np.ones(draws.size), np.ones(draws.size, dtype=np.bool_)
    stay = np.zeros(draws.size, dtype=np.bool_)
    stay[np.argsort(draws, kind="stable")[:most]] = True
    return np.full(draws.size, most / draws.size), stay


def _checked(values: Floats, name: str) -> Floats:
    wrong = ~np.isfinite(values) | (values < 0)
    if wrong.any():
        raise TrainingError(
            f"{np.count_nonzero(wrong)} of {values.size} train rows have no weight, a negative or an infinite one",
            where=f"tw.sample.weights({name or '...'})",
            remedy="tw.transform.fill says what a null weighs, tw.transform.clip keeps it above 0",
        )
    return values
