"""``tw.combine``: one score of several models' scores.

Each member is a version of its own in the service's line-up. `shares` says how a decision's time is dealt out among
the members, in the order in which they are asked; evenly, unless it says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from tidewheel.definitions.language.places import mistake
from tidewheel.definitions.language.quantities import number
from tidewheel.definitions.models.models import Model

__all__ = ["Combination", "cascade", "stack", "vote", "weighted"]

Shares = Mapping[type[Model], float] | None
"""Of the deadline, by member; together 1."""


@dataclass(frozen=True, eq=False)
class Combination:
    """Made by `weighted`, `vote`, `stack` and `cascade`."""

    kind: Literal["weighted", "vote", "stack", "cascade"]
    models: tuple[type[Model], ...]
    """The members in the order in which they are asked; of a stack, what combines them comes last."""
    weights: tuple[float, ...] = ()
    at: tuple[float, ...] = ()
    unsure: tuple[float, float] | None = None
    top: tuple[int, ...] = ()
    shares: Mapping[type[Model], float] = field(default_factory=dict)


def weighted(weights: Mapping[type[Model], float], *, shares: Shares = None) -> Combination:
    """Take the weighted mean of the members' scores.

    A member that fails or is late is left out, and the weights of the others are scaled up to 1: the record says so.

    Parameters
    ----------
    weights : mapping of model to float
        Each above 0, together 1.
    shares : mapping of model to float, optional
        The members' parts of the deadline.

    Examples
    --------
    ``model = tw.combine.weighted({Fraud: 0.7, Net: 0.3})``
    """
    given = tuple(number(weight) for weight in weights.values())
    if any(weight <= 0.0 for weight in given) or not math.isclose(math.fsum(given), 1.0, abs_tol=1e-9):
        told = " + ".join(f"{weight:g}" for weight in given)
        raise mistake(f"the weights are not positive or do not sum to 1: {told}", "write {Fraud: 0.7, Net: 0.3}")
    return Combination("weighted", _several(weights), weights=given, shares=_shares(weights, shares))


def vote(
    models: Sequence[type[Model]], *, at: float | Mapping[type[Model], float], shares: Shares = None
) -> Combination:
    """Take the share of the members whose score is `at` or more; one that fails or is late has no vote.

    Parameters
    ----------
    models : sequence of model
    at : float or mapping of model to float
        From which score a member says yes.
    shares : mapping of model to float, optional
        The members' parts of the deadline.

    Examples
    --------
    ``model = tw.combine.vote([Trees, Net, Rules], at=0.5)`` gives 0, 1/3, 2/3 or 1.
    """
    if isinstance(at, Mapping):
        _same(models, at, "at=")
        levels = tuple(number(at[model]) for model in models)
    else:
        levels = (number(at),) * len(models)
    return Combination("vote", _several(models), at=levels, shares=_shares(models, shares))


def stack(models: Sequence[type[Model]], *, by: type[Model], shares: Shares = None) -> Combination:
    """Let a model combine the members' scores: `by`'s view has them as columns, ``fraud = Fraud.score``.

    It learned of rows with all of them: where a member fails or is late, the service's fallback answers.

    Parameters
    ----------
    models : sequence of model
    by : model
        What was learned of their scores.
    shares : mapping of model to float, optional
        The parts of the deadline, of the members and of `by`.

    Examples
    --------
    ``model = tw.combine.stack([Fraud, Net], by=Meta)``
    """
    together = [*models, by]
    return Combination("stack", _several(together), shares=_shares(together, shares))


def cascade(
    *models: type[Model],
    unsure: tuple[float, float] | None = None,
    top: int | Sequence[int] | None = None,
    shares: Shares = None,
) -> Combination:
    """Ask the cheap model first, and the next where it is worth it.

    Of a single row: while the score lies within `unsure`, both ends included. Of a list: for the `top` candidates by
    the score before; the list is made of those. Where no time is left for the next, or it fails, the score there is
    answers: the record says so.

    Parameters
    ----------
    *models : model
        By rising cost.
    unsure : (float, float), optional
        The scores that are worth a dearer look.
    top : int or sequence of int, optional
        How many candidates the next model scores; of more than two models, how many each after the first does.
    shares : mapping of model to float, optional
        The members' parts of the deadline.

    Examples
    --------
    ``model = tw.combine.cascade(Small, Large, unsure=(0.3, 0.7))``, or of a list
    ``model = tw.combine.cascade(Small, Large, top=50)``
    """
    if (unsure is None) == (top is None):
        raise mistake(
            "a cascade says which rows are worth the next model",
            "write unsure=(0.3, 0.7) for a single score, top=50 for a list",
        )
    found = _several(models)
    bounds = None if unsure is None else _interval(unsure)
    sizes = () if top is None else _sizes(top, len(found) - 1)
    return Combination("cascade", found, unsure=bounds, top=sizes, shares=_shares(models, shares))


def _interval(unsure: tuple[float, float]) -> tuple[float, float]:
    low, high = (number(end) for end in unsure)
    if not low < high:
        raise mistake(f"unsure={unsure!r} is no interval", "put the lower score first: unsure=(0.3, 0.7)")
    return low, high


def _sizes(top: int | Sequence[int], n: int) -> tuple[int, ...]:
    sizes = (top,) if isinstance(top, int) else tuple(top)
    if any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in sizes):
        raise mistake(f"top={top!r} is no number of candidates", "write one like 50")
    if len(sizes) != n or any(later > size for size, later in pairwise(sizes)):
        raise mistake(
            f"top={top!r} is not one falling number for each model after the first",
            "write cascade(Small, Large, top=50) or cascade(Small, Middle, Large, top=(200, 50))",
        )
    return sizes


def _several(models: Sequence[type[Model]] | Mapping[type[Model], float]) -> tuple[type[Model], ...]:
    found = tuple(models)
    for model in found:
        if not (isinstance(model, type) and issubclass(model, Model)):
            raise mistake(f"{model!r} is no model class", "name tw.Model classes")
    if len(found) < 2:
        raise mistake("a combination of fewer than two models", "write model = Fraud for one")
    if len(set(found)) < len(found):
        raise mistake("a model is named twice", "name each member once")
    return found


def _shares(models: Sequence[type[Model]] | Mapping[type[Model], float], shares: Shares) -> dict[type[Model], float]:
    if shares is None:
        return {}
    _same(models, shares, "shares=")
    found = {model: number(share) for model, share in shares.items()}
    if any(share <= 0.0 for share in found.values()) or not math.isclose(math.fsum(found.values()), 1.0, abs_tol=1e-9):
        raise mistake(
            "the shares of the deadline are not positive or do not sum to 1", "write {Small: 0.2, Large: 0.8}"
        )
    return found


def _same(
    models: Sequence[type[Model]] | Mapping[type[Model], float], given: Mapping[type[Model], float], what: str
) -> None:
    if set(models) != set(given):
        raise mistake(f"{what} and the members are not the same models", "name each member once in both")
