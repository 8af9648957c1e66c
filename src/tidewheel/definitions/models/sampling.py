"""``tw.sample``: which train rows are learned from, and with what weight. Test rows are never sampled.

Whether a row is kept is told by a hash of its id and the seed, not by a draw: it does not depend on other rows,
on their order, or on the machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.features.options import KeyLike
from tidewheel.definitions.language.places import mistake
from tidewheel.definitions.language.quantities import whole

__all__ = ["at_most", "balanced", "class_weights", "keep", "stratified", "weights"]


@dataclass(frozen=True, eq=False)
class Sampling:
    """Made by the functions of ``tw.sample``."""

    kind: Literal["keep", "stratified", "balanced", "class_weights", "weights", "at_most"]
    shares: tuple[tuple[str, float], ...] = ()
    share: float = 1.0
    by: Any = None
    rows: int = 0
    value: Any = None
    seed: int = 0


def keep(*, negatives: float = 1.0, positives: float = 1.0, seed: int = 0) -> Sampling:
    """Keep a share of the rows of a class. What the model says of a row stays right for all rows.

    The odds that a model learns from such rows are off by a known factor. So its scores are calibrated, by held-out
    rows that are weighed by what they stand for.

    Examples
    --------
    >>> keep(negatives=0.1).shares
    (('0', 0.1), ('1', 1.0))
    """
    return Sampling(
        "keep",
        (("0", _share("negatives", negatives)), ("1", _share("positives", positives))),
        seed=whole("seed", seed, 0),
    )


def stratified(by: KeyLike, *, share: float | Mapping[str, float] = 1.0, rows: int = 0, seed: int = 0) -> Sampling:
    """Keep a share, or at most a number, of the rows of each value of a column; a kept row stands for those left out.

    Parameters
    ----------
    by : entity or column
        Of the view's event: ``Payment.country``.
    share : float or mapping of str to float
        Of each value, or by value; values not named are kept whole.
    rows : int
        Of each value at most so many; 0 for any number.
    seed : int
    """
    named = share if isinstance(share, Mapping) else {}
    shares = tuple(sorted((str(value), _share(f"share[{value!r}]", part)) for value, part in named.items()))
    others = 1.0 if isinstance(share, Mapping) else _share("share", share)
    if rows:
        whole("rows", rows)
    elif others == 1.0 and all(part == 1.0 for _, part in shares):
        raise mistake("this keeps every row", "write share=0.1, share={'SE': 0.1} or rows=10_000")
    return Sampling("stratified", shares, others, by, rows, seed=whole("seed", seed, 0))


def balanced() -> Sampling:
    """Weigh the two classes alike: a row of a class of n among N rows weighs N / 2n."""
    return Sampling("balanced")


def class_weights(*, negatives: float = 1.0, positives: float = 1.0) -> Sampling:
    """Multiply the weight of the rows of a class. What the model says of a row stays right, as with `keep`."""
    return Sampling(
        "class_weights", (("0", _positive("negatives", negatives)), ("1", _positive("positives", positives)))
    )


def weights(value: str | float | Column[Any]) -> Sampling:
    """Multiply each row's weight by a column of the view (by its name) or an expression over the view's row.

    Examples
    --------
    >>> weights("amount").value
    'amount'
    """
    if isinstance(value, bool) or not isinstance(value, str | Column):
        raise mistake(f"weights({value!r}) names no column", "write tw.sample.weights(Payment.amount)")
    return Sampling("weights", value=value)


def at_most(rows: int, *, seed: int = 0) -> Sampling:
    """Keep at most so many rows: those with the lowest hashes, a fair sample of all."""
    return Sampling("at_most", rows=whole("rows", rows), seed=whole("seed", seed, 0))


def _share(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value <= 1.0:
        raise mistake(f"{name}={value!r} is no share of rows to keep", "write a number above 0, at most 1")
    return float(value)


def _positive(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise mistake(f"{name}={value!r} is no weight", "write a number above 0")
    return float(value)
