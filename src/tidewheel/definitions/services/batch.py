"""``tw.batch``: scores that ``tidewheel score --by ... --online`` computed ahead, in a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidewheel.definitions.features.options import KeyLike
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.models.models import Model

__all__ = ["Stored", "scores"]


@dataclass(frozen=True, eq=False)
class Stored:
    """Made by `scores`."""

    model: type[Model]
    by: KeyLike
    max_age: Duration
    otherwise: Literal["live", "fallback"] = "live"
    any_version: bool = False
    alert: float | str = 0.1


def scores(
    model: type[Model],
    *,
    by: KeyLike,
    max_age: Duration,
    otherwise: Literal["live", "fallback"] = "live",
    any_version: bool = False,
    alert: float | str = 0.1,
) -> Stored:
    """Take a model's score that a batch run computed for an entity, while it is no older than `max_age`.

    As a service's ``model =`` it goes before the model itself; as a link of ``fallback =`` it stands in for it.

    Parameters
    ----------
    model : model class
    by : entity or column
        What the run kept scores by: ``tidewheel score Visit --with Churn --by User --online``.
    max_age : duration
        Since the instant that the score was computed for, inclusive.
    otherwise : {"live", "fallback"}
        Without such a score: have the model compute one now, or go to the fallback chain.
    any_version : bool
        Also scores of another version than the one that is deployed.
    alert : float or str
        An alert is raised while a greater share of decisions than this finds no score that is young enough.

    Examples
    --------
    ``model = tw.batch.scores(Churn, by=User, max_age="1d")``
    """
    return Stored(model, by, max_age, otherwise, any_version, alert)
