"""Ticks: events that the scheduler makes, one for each entity, at each due instant."""

from __future__ import annotations

from typing import Any, Literal

from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.events.rows import Entity, Event, Id, Ref, annotations_of
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.language.places import mistake

Missed = Literal["latest", "skip", "all"]


class Tick(Event):
    """A scheduled event for each entity. Views, models and services on it are like those on any event.

    A tick has an ``id`` and a reference to its entity, called like it in lower case: ``Nightly.user``. Annotate it
    (``user: tw.Ref[User]``) to have a type checker know it. Its ``at`` is the due instant. The scheduler of
    ``tidewheel up`` (or ``tidewheel tick``, from a cron of yours) puts it in the log, once for each due instant and
    entity; where services are deployed on it, each decides it.

    Parameters
    ----------
    each : entity class
        One tick for each that is known: that has a row, or that an event refers to.
    every : str
        A duration: ``"1d"`` and ``"7d"`` (on Mondays) are due `at` a time of day in `tz`, shorter ones at their
        multiples since 1970, UTC. Or ``"monthly"`` (on the first), or a cron expression such as ``"0 3 * * mon-fri"``.
    at, tz : str
        ``"02:00"``, ``"Europe/Stockholm"``. A time that a clock change skips is due at the first instant after the
        gap; one that it repeats, the first time.
    where : condition, optional
        Over features and attributes of the entity, as of the due instant.
    missed : {"latest", "skip", "all"}
        Of due instants that came while nothing ran: make up for the latest, for none, or for each.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class User(tw.Entity):
    ...     id: tw.Id
    >>> class Visit(tw.Event):
    ...     user: tw.Ref[User]
    >>> class Activity(tw.Features, by=User):
    ...     visits_28d = tw.count(Visit, "28d")
    >>> class Nightly(tw.Tick, each=User, every="1d", at="02:00", tz="UTC", where=Activity.visits_28d > 0): ...
    """

    _each: type[Entity] | None = None
    _every: str = "1d"
    _time: str = "00:00"
    _tz: str = "UTC"
    _where: Column[Any] | None = None
    _missed: Missed = "latest"

    def __init_subclass__(
        cls,
        *,
        each: type[Entity] | None = None,
        every: str = "1d",
        at: str = "00:00",
        tz: str = "UTC",
        where: Column[Any] | None = None,
        missed: Missed = "latest",
        keep: Duration | None = None,
        owner: str = "",
    ) -> None:
        super().__init_subclass__(keep=keep, owner=owner)
        if not (isinstance(each, type) and issubclass(each, Entity)):
            raise mistake(f"{cls.__name__} ticks for each what?", "write class Nightly(tw.Tick, each=User, ...)")
        cls._each, cls._every, cls._time, cls._tz, cls._where, cls._missed = each, every, at, tz, where, missed
        own = annotations_of(cls)
        if not own:
            own = {each.__name__.lower(): (cls, Ref[each])}  # type: ignore[valid-type]  # a class of the caller's
        type.__setattr__(cls, "_columns", {"id": (cls, Id), **own})
