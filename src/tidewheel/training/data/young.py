"""Rows whose horizon is not over when a model could be trained: learned from, each by what it stands for.

Of such a row it is known only whether an outcome has come by now. Let ``F(e)`` be the share of outcomes that come
within ``e`` of their row, ``p`` the chance that one comes at all. At age ``e``, a row has an outcome with chance
``p F(e)``. Rows with one weigh ``1 / F(e)``, rows without ``(1 - p) / (1 - p F(e))``, the chance that none will come:
then both classes have the mass that they will have in the end, ``p`` and ``1 - p``, for whatever ``p`` a row has.

These are the importance weights of Yasui, Morishita, Fujita and Shibata, "A Feedback Shift Correction in Predicting
Conversion Rates under Delayed Feedback" (WWW 2020, FSIW); the chance that none will come is one less what the
expectation step of Chapelle, "Modeling Delayed Feedback in Display Advertising" (KDD 2014), finds. ``F`` is the
empirical distribution among rows whose horizon is over, one for all rows; ``p`` is a logistic regression's, fitted on
those rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidewheel.errors import TrainingError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LEAST = 0.05
"""Rows so young that fewer than this share of outcomes come by their age are left out: that depends on age alone."""
FEWEST = 50
"""Outcomes that it takes to tell how late they come."""


@dataclass(frozen=True)
class Young:
    """Rows between the train side and the test.

    Attributes
    ----------
    rows : int64 array
        Their positions among the labelled rows, rising.
    y : float64 array
        Whether an outcome was known of each when the model could be trained.
    come : float64 array
        The share of outcomes that come by each one's age.
    too_young : int
        Rows that were left out.
    """

    rows: Ints
    y: Floats
    come: Floats
    too_young: int


def young_rows(at: Ints, known_at: Ints, weight: Floats, old: Ints, between: Ints, until: int) -> Young:
    """Return what is known at an instant of rows whose horizon is not over then.

    Parameters
    ----------
    at, known_at : int64 arrays
        When each labelled row happened, and when an outcome of it was first known; the largest number for none.
    weight : float64 array
    old : int64 array
        Positions of rows whose horizon is over: they tell how late outcomes come.
    between : int64 array
        Positions of the others.
    until : int

    Raises
    ------
    TrainingError
        Too few outcomes tell how late they come.

    Examples
    --------
    >>> at, never = np.arange(300), np.iinfo(np.int64).max
    >>> known_at = np.where(at % 2 == 0, at + at % 20, never)  # after 0, 2, ... or 18
    >>> found = young_rows(at, known_at, np.ones(300), np.arange(200), np.array([280, 291]), 290)
    >>> found.rows.tolist(), found.y.tolist(), found.come.tolist()
    ([280], [1.0], [0.5])
    """
    came = old[known_at[old] != np.iinfo(np.int64).max]
    if came.size < FEWEST:
        raise TrainingError(
            f"{came.size} outcomes among {old.size} rows whose horizon is over can't tell how late outcomes come",
            where='immature="reweight"',
            remedy=f"train over a longer period ({FEWEST} are needed), or leave immature= out",
        )
    delay = known_at[came] - at[came]
    order = np.argsort(delay, kind="stable")
    mass = np.concatenate([[0.0], np.cumsum(weight[came][order])])
    come = mass[np.searchsorted(delay[order], until - at[between], side="left")] / mass[-1]
    kept = come >= LEAST
    rows = between[kept]
    return Young(rows, (known_at[rows] < until).astype(np.float64), come[kept], int(np.count_nonzero(~kept)))


def stand_for(y: Floats, come: Floats, chance: Floats) -> Floats:
    """Return what each young row stands for, by the share of outcomes that come by its age and its own chance.

    Examples
    --------
    >>> stand_for(np.array([1.0, 0.0, 0.0]), np.array([0.25, 0.25, 1.0]), np.array([0.5, 0.5, 0.5])).round(3).tolist()
    [4.0, 0.571, 1.0]
    """
    return np.where(y == 1.0, 1.0 / come, (1.0 - chance) / (1.0 - chance * come))
