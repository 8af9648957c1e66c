"""Services: how an event is answered with a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, Condition
from tidewheel.definitions.events.rows import Event
from tidewheel.definitions.features.options import KeyLike
from tidewheel.definitions.language.declared import Declared
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.models.models import Model
from tidewheel.definitions.services.batch import Stored
from tidewheel.definitions.services.combine import Combination
from tidewheel.definitions.services.ranking import Top
from tidewheel.definitions.services.retrieving import CandidateSource


@dataclass(frozen=True, eq=False)
class Rule:
    """Made by `rule`."""

    name: str
    when: Condition
    then: str


@dataclass(frozen=True)
class Thresholds:
    """Made by `thresholds`."""

    actions: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Fallback:
    """One link of the chain; made by `previous`, `table` and `action`."""

    kind: str
    model: type[Model] | None = None
    by: KeyLike = None
    action: str = ""


@dataclass(frozen=True, eq=False)
class Cache:
    """Made by `cache`."""

    max_age: Duration | None
    by: KeyLike


class Service(metaclass=Declared):
    """Answers each event of type ``on`` with a decision.

    Attributes
    ----------
    rules : sequence of ``tw.rule(...)``
        Looked at in order before the model; the first that holds decides.
    model : model class, ``tw.combine...`` or ``tw.batch.scores(...)``, optional
        Without one (and without `score`), rules alone decide.
    score : expression, optional
        Instead of `model`: ``CTR.score * CVR.score * Ad.bid``, over models' scores, columns and features.
    decide : ``tw.thresholds(...)`` or ``tw.top(...)``, optional
        Without it the score is the answer. `top` answers with a list of candidates, ordered by a model whose view has a
        row for each item.
    candidates : sequence of ``tw.top_by(...)``, ``tw.nearest(...)`` and ``tw.retrieve...``
        Where the items of a list come from, asked in order; an item that two give counts as the first's.
    exclude : feature or features
        ``History.lately``: items that are no candidates.
    prevents : sequence of str
        Actions after which no outcome can be seen.
    explore : float
        Share of decisions with a preventing action that are let through, with the propensity logged. Of lists: the
        share in which one item changes places with another candidate, or makes way for it.
    fallback : sequence
        What answers when the model can't, in order, ending in ``tw.action(...)``: the version before, other model
        classes, tables. By default the previous version and then the lowest action.
    deadline : duration
        When to fall back.
    unit : column, optional
        What stays on one side of a canary, e.g. ``Transaction.card``; by default each event by itself.
    guards : sequence of ``tw.guard...``
        What a version must keep to while it is rolled out; by default the champion's share of fallbacks, and 1%.
    cooldown : duration
        After something was taken back automatically, nothing is promoted automatically for so long; an hour by default.
    cache : ``tw.cache(...)``, optional
        Keeps scores, for models that are dear.
    keep_rows : float
        Share of ordinary decisions whose record keeps the view's row; all by default. Decisions that a rule or the
        fallback chain made, and explored ones, keep it always.
    """

    rules: ClassVar[Sequence[Rule]] = ()
    model: ClassVar[type[Model] | Combination | Stored | None] = None
    score: ClassVar[Column[Any] | None] = None
    decide: ClassVar[Thresholds | Top | None] = None
    candidates: ClassVar[Sequence[CandidateSource]] = ()
    exclude: ClassVar[Any] = ()
    prevents: ClassVar[Sequence[str]] = ()
    explore: ClassVar[float | str] = 0.0
    fallback: ClassVar[Sequence[Fallback | Stored | type[Model]] | None] = None
    deadline: ClassVar[Duration] = "50ms"
    unit: ClassVar[KeyLike] = None
    guards: ClassVar[Sequence[ir.Guard]] = ()
    cooldown: ClassVar[Duration | None] = None
    cache: ClassVar[Cache | None] = None
    keep_rows: ClassVar[float | str] = 1.0
    _on: type[Event] | None = None

    def __init_subclass__(cls, *, on: type[Event] | None = None) -> None:
        cls._on = on or cls._on


def rule(name: str, when: Condition, *, then: str) -> Rule:
    """Decide `then` when a condition holds, before the model is asked."""
    return Rule(name, when, then)


def thresholds(**actions: float) -> Thresholds:
    """Name every action with the lowest score that leads to it, in rising order; the first takes all below.

    Examples
    --------
    >>> import tidewheel as tw
    >>> decide = tw.thresholds(allow=0.0, review=0.60, block=0.95)
    """
    return Thresholds(tuple(actions.items()))


def previous(model: type[Model]) -> Fallback:
    """Fall back to the version deployed before."""
    return Fallback("previous", model=model)


def table(*, by: KeyLike) -> Fallback:
    """Fall back to the mean score per value of a column, made in training."""
    return Fallback("table", by=by)


def action(name: str) -> Fallback:
    """Fall back to a constant: the end of every chain."""
    return Fallback("action", action=name)


def cache(max_age: Duration | None = None, *, by: KeyLike = None) -> Cache:
    """Keep scores: exactly, by what the model sees; or for a time, by who or what it is about.

    Parameters
    ----------
    max_age : duration, optional
        How old what an entity is scored by may be. Without it, a score is only given again for the very same input.
    by : column, optional
        Goes with `max_age`: whose score it is.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Card(tw.Entity):
    ...     id: tw.Id
    >>> class Payment(tw.Event):
    ...     id: tw.Id
    ...     card: tw.Ref[Card]
    >>> exact, aged = tw.cache(), tw.cache("30s", by=Payment.card)
    """
    return Cache(max_age, by)
