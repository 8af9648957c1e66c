"""``tw.batch``: scores and lists that were computed ahead, in a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tidewheel.definitions.features.options import KeyLike
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.language.places import mistake
from tidewheel.definitions.language.quantities import share_of
from tidewheel.definitions.models.models import Model
from tidewheel.definitions.services.retrieving import Ahead, CandidateSource

if TYPE_CHECKING:
    from tidewheel.definitions.services.services import Service

__all__ = ["Stored", "candidates", "scores"]


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
        What the run kept scores by: ``tidewheel score Visit --with Churn --by User --online``. Of a model that orders
        lists each item has one by it; the item's entity stands for a score whoever asks.
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


def candidates(
    service: type[Service],
    *,
    by: KeyLike,
    max_age: Duration,
    otherwise: Sequence[CandidateSource] = (),
    instead_of: Sequence[CandidateSource] = (),
    share: float | str = 1.0,
    alert: float | str = 0.1,
) -> CandidateSource:
    """Take the list that another service gave for an entity as candidates, while it is no older than `max_age`.

    The other one is often a service on a tick, which makes a list for each entity at night. A job of ``tidewheel up``
    keeps each entity's newest list where serving reads it.

    Parameters
    ----------
    service : service class
        It answers lists of the same items.
    by : entity or column
        Whose list it is: an entity that both services' events refer to, or the column of this one's that does.
    max_age : duration
        Since the instant that the list was made for, inclusive.
    otherwise : sequence of sources
        Asked where there is no list that is young enough.
    instead_of : sequence of sources
        Asked first; the list stands in where all of them fail, are out of time or give nothing.
    share : float or str
        Of the service's deadline: once so much has passed, this source is not asked any more.
    alert : float or str
        An alert is raised while a greater share of the decisions that looked than this finds no such list.

    Examples
    --------
    ``candidates = [tw.batch.candidates(Overnight, by=User, max_age="1d", otherwise=[tw.top_by(Plays.count, k=100)])]``
    """
    if otherwise and instead_of:
        raise mistake("a list goes before live sources or stands in for them", "give otherwise= or instead_of=")
    ahead = Ahead(max_age, (*otherwise, *instead_of), after=bool(instead_of), alert=alert)
    return CandidateSource("stored", service, 0, by, share_of("share", share), ahead=ahead)
