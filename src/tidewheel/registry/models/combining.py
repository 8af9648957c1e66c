"""One score of several models' scores: the same function of them wherever it is computed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.features.planning.nodes import to_node
from tidewheel.kernel import Node, compile_program, evaluate

Floats = npt.NDArray[np.float64]
Scores = Mapping[str, float]
"""By model; those that gave none are missing."""


class Combiner:
    """Makes a service's score of its members' scores.

    Parameters
    ----------
    how : Combine
    own : View, optional
        What a score expression reads beside the scores.

    Examples
    --------
    >>> two = Combiner(ir.Combine("weighted", ("Fraud", "Net"), weights=(0.75, 0.25)))
    >>> two({"Fraud": 0.5, "Net": 1.0}), two({"Fraud": 0.5})
    (0.625, 0.5)
    """

    def __init__(self, how: ir.Combine, own: ir.View | None = None) -> None:
        self._how = how
        if how.expr is not None:
            columns = own.columns if own is not None else ()
            place = {column.name: len(how.members) + number for number, column in enumerate(columns)}
            place |= {f"{model}.score": number for number, model in enumerate(how.members)}
            texts = [False] * len(how.members) + [column.text for column in columns]
            self._program = compile_program([to_node(how.expr, lambda leaf: _input(leaf, place))], texts)

    def __call__(self, scores: Scores, own: Floats | None = None) -> float:
        """Return the score; NaN where too many members gave none.

        Parameters
        ----------
        scores : mapping
            What members gave.
        own : float64 array, optional
            The row of the service's own view, in words.
        """
        how = self._how
        given = [scores.get(model, math.nan) for model in how.members]
        if how.expr is not None:
            row = np.array([given])
            row = row if own is None else np.concatenate([row, own.reshape(1, -1)], axis=1)
            return float(evaluate(self._program, row)[0, 0])
        if how.kind == "stack":
            return given[-1]
        there = [number for number, score in enumerate(given) if score == score]
        if not there:
            return math.nan
        if how.kind == "cascade":
            return given[there[-1]]
        if how.kind == "vote":
            return sum(given[number] >= how.at[number] for number in there) / len(there)
        weight = math.fsum(how.weights[number] for number in there)
        return math.fsum(how.weights[number] * given[number] for number in there) / weight

    def rows(self, scores: Mapping[str, Floats], own: Floats | None = None) -> Floats:
        """Return the scores of many rows, each to the bit what it is alone.

        Parameters
        ----------
        scores : mapping
            An array by model, NaN where it gave none; models that gave none at all may be missing.
        own : float64[n, columns], optional
        """
        how, none = self._how, np.full(len(next(iter(scores.values()))), math.nan)
        given = np.column_stack([scores.get(model, none) for model in how.members])
        there, found = ~np.isnan(given), none
        if how.expr is not None:
            found = evaluate(self._program, given if own is None else np.concatenate([given, own], axis=1))[:, 0]
        elif how.kind == "stack":
            found = given[:, -1]
        elif how.kind == "cascade":
            last = given.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
            found = given[np.arange(len(given)), last]
        elif how.kind == "vote":
            votes = np.where(there, given >= how.at, False).sum(axis=1)
            np.divide(votes, there.sum(axis=1), out=found, where=there.any(axis=1))
        else:
            found = self._means(given, there)
        return found

    def _means(self, given: Floats, there: npt.NDArray[np.bool_]) -> Floats:
        weights = np.where(there, self._how.weights, 0.0)
        pairs = zip(np.where(there, given * weights, 0.0).tolist(), weights.tolist(), strict=True)
        return np.array([math.fsum(parts) / weight if (weight := math.fsum(own)) else math.nan for parts, own in pairs])


def _input(leaf: ir.Expr, place: Mapping[str, int]) -> Node:
    assert isinstance(leaf, ir.Score | ir.Computed)
    return ("input", place[f"{leaf.model}.score" if isinstance(leaf, ir.Score) else leaf.name])


def asked_next(how: ir.Combine, score: float) -> bool:
    """Tell whether a cascade goes on after a score.

    Examples
    --------
    >>> asked_next(ir.Combine("cascade", ("Small", "Large"), unsure=(0.3, 0.7)), 0.7)
    True
    """
    low, high = how.unsure or (-math.inf, math.inf)
    return low <= score <= high


def combined_rows(
    how: ir.Combine, own_view: ir.View | None, scores: Mapping[str, Floats], own: Floats | None
) -> Floats:
    """Return the score of each row, as if every member had been asked in time."""
    combiner = Combiner(how, own_view)
    if how.kind != "cascade":
        return combiner.rows(scores, own)
    asked, left = dict(scores), np.ones(len(next(iter(scores.values()))), np.bool_)
    for model in how.members:
        asked[model] = np.where(left, scores[model], math.nan)
        left &= [asked_next(how, score) for score in scores[model].tolist()]
    return combiner.rows(asked)


def score_columns(view: ir.View) -> dict[int, str]:
    """Return the places of a view's columns that are models' scores, each with its model."""
    values = enumerate(column.value for column in view.columns)
    return {place: value.model for place, value in values if isinstance(value, ir.Score)}
