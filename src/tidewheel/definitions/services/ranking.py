"""Services that answer with a list: how it is cut from its candidates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.language.places import mistake
from tidewheel.definitions.language.quantities import share_of, whole
from tidewheel.definitions.services.reranking import RerankRule
from tidewheel.definitions.services.retrieving import CandidateSource


@dataclass(frozen=True, eq=False)
class Diversity:
    """Made by `mmr`."""

    weight: float
    on: object


@dataclass(frozen=True, eq=False)
class Top:
    """Made by `top`."""

    k: int
    diversity: Diversity | None = None
    at_most: Mapping[Any, int] = field(default_factory=dict)
    rules: tuple[RerankRule, ...] = ()


def mmr(weight: float, *, on: object) -> Diversity:
    """Spread a list by maximal marginal relevance (Carbonell and Goldstein, 1998).

    Items are taken one by one: the next is the one with the highest ``weight * score - (1 - weight) * likeness``, where
    scores are scaled to 0 to 1 over the candidates, and likeness is the cosine to the most alike item taken so far.

    Parameters
    ----------
    weight : float
        From 0 (spread alone) to 1 (score alone).
    on : vector attribute of the item
        ``Movie.embedding``. An item without one is like nothing.

    Examples
    --------
    >>> import tidewheel as tw
    >>> from typing import Annotated
    >>> class Movie(tw.Entity):
    ...     id: tw.Id
    ...     embedding: Annotated[tw.Vector, 8]
    >>> decide = tw.top(20, diversity=tw.mmr(0.7, on=Movie.embedding))
    """
    return Diversity(share_of("weight", weight), on)


def top(
    k: int,
    *,
    diversity: Diversity | None = None,
    at_most: Mapping[Any, int] | None = None,
    rules: Iterable[RerankRule] = (),
) -> Top:
    """Answer with the best candidates as a list.

    Candidates stand by their model's score, equal scores by their ids; rules are looked at first (`drop`, then
    `boost`), then the list is filled from the top.

    Parameters
    ----------
    k : int
        At most so many.
    diversity : ``tw.mmr(...)``, optional
    at_most : mapping, optional
        ``{Movie.genre: 4}``: at most so many items of one value; an item without a value is not counted.
    rules : sequence of ``tw.rerank...``
        Business rules over items.

    Examples
    --------
    >>> import tidewheel as tw
    >>> tw.top(20).k
    20
    """
    limits = dict(at_most or {})
    for column, most in limits.items():
        if not isinstance(column, Column):
            raise mistake(f"at_most={column!r} is no column", "write at_most={Movie.genre: 4}")
        whole("at_most", most)
    return Top(whole("k", k), diversity, limits, tuple(rules))


def named_in(value: CandidateSource | Top | RerankRule) -> tuple[object, ...]:
    """Return what a part of a list's declaration names."""
    if isinstance(value, RerankRule):
        return (value.when,)
    if isinstance(value, Top):
        return (value.at_most, value.rules, value.diversity and value.diversity.on)
    return (value.value, value.to, value.ahead.live if value.ahead is not None else ())
