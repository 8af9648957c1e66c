"""Services that answer with a list: where its candidates come from, and how it is cut from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tidewheel.definitions.columns import Column, Condition, PathColumn
from tidewheel.definitions.durations import Duration
from tidewheel.definitions.places import mistake
from tidewheel.definitions.rows import Entity
from tidewheel.definitions.shares import share_of


@dataclass(frozen=True, eq=False)
class CandidateSource:
    """One source of candidates; made by `top_by`, `nearest` and ``tw.retrieve``."""

    kind: Literal["top_by", "nearest", "text", "function", "listed"]
    value: object
    k: int
    to: object = None
    share: float = 1.0
    refresh: Duration = "30s"
    lowest: bool = False


@dataclass(frozen=True, eq=False)
class Diversity:
    """Made by `mmr`."""

    weight: float
    on: object


@dataclass(frozen=True, eq=False)
class RerankRule:
    """Made by ``tw.rerank``."""

    kind: Literal["drop", "boost", "pin"]
    when: Condition
    by: float = 0.0
    at: int = 0


@dataclass(frozen=True, eq=False)
class Top:
    """Made by `top`."""

    k: int
    diversity: Diversity | None = None
    at_most: Mapping[Any, int] = field(default_factory=dict)
    rules: tuple[RerankRule, ...] = ()


def top_by(
    feature: float | Column[Any] | None,
    *,
    k: int,
    lowest: bool = False,
    share: float | str = 1.0,
    refresh: Duration = "30s",
) -> CandidateSource:
    """Take the items with the highest values of a feature as candidates.

    Each worker keeps the list, made of the items' live states; it is at most `refresh` old when a request comes that
    often, since it is made anew beside the requests once it is older.

    Parameters
    ----------
    feature : feature
        Of a feature set keyed by the item: ``Popularity.plays_1d``. Items without a value are left out.
    k : int
        How many.
    lowest : bool
        Take the lowest values.
    share : float or str
        Of the service's deadline: once so much has passed, this source is not asked any more.
    refresh : duration

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Movie(tw.Entity):
    ...     id: tw.Id
    >>> class Play(tw.Event):
    ...     movie: tw.Ref[Movie]
    >>> class Popularity(tw.Features, by=Movie):
    ...     plays_1d = tw.count(Play, "1d")
    >>> candidates = [tw.top_by(Popularity.plays_1d, k=100)]
    """
    return CandidateSource("top_by", feature, _count("top_by", k), share=_share(share), refresh=refresh, lowest=lowest)


def nearest(
    items: type[Entity] | object,
    *,
    to: object,
    k: int,
    share: float | str = 1.0,
    refresh: Duration = "30s",
) -> CandidateSource:
    """Take the items whose vectors are nearest to one as candidates, by cosine.

    The search is exact: each worker keeps the vectors of all items as one matrix, and a search is one product with it.

    Parameters
    ----------
    items : entity, or its vector attribute
        ``Movie``, where it has one vector, or ``Movie.embedding``.
    to : column
        A vector of the event, of an entity it refers to, or of a feature; or a reference to an item, whose own vector
        is taken and which is no candidate itself.
    k : int
        How many.
    share, refresh
        As of `top_by`: what items' vectors are is read anew at such times.
    """
    return CandidateSource("nearest", items, _count("nearest", k), to, _share(share), refresh)


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
        _count("at_most", most)
    return Top(_count("top", k), diversity, limits, tuple(rules))


def text(
    column: object, *, query: object, k: int, share: float | str = 1.0, refresh: Duration = "30s"
) -> CandidateSource:
    """Take the items whose text answers a query best as candidates, by BM25 (k1 = 1.2, b = 0.75).

    Parameters
    ----------
    column : text attribute of the item
        ``Movie.title``. Words are runs of letters and digits, in lower case.
    query : text column
        ``Search.words``.
    k, share, refresh
        As of ``tw.top_by``.
    """
    return CandidateSource("text", column, _count("text", k), query, _share(share), refresh)


def listed(columns: object, *, share: float | str = 1.0) -> CandidateSource:
    """Take items that a feature or an attribute lists as candidates, in their order.

    Parameters
    ----------
    columns : column or columns
        A ``tw.last_n`` or ``tw.top_k`` feature, a text column, or a sequence of those. A text holds ids with a space
        between them, so that a list made in batch is one attribute of an entity.
    share
        As of ``tw.top_by``.
    """
    return CandidateSource("listed", columns, 0, share=_share(share))


def function(call: object, *args: object, k: int, share: float | str = 1.0) -> CandidateSource:
    """Take the ids that a function of your own gives as candidates.

    Its source travels with the service, as that of ``tw.derived`` does. It is given one value for each of `args` (a
    string, a number, or None), and gives ids, best first; those beyond `k` are left out.
    """
    return CandidateSource("function", call, _count("function", k), args, _share(share))


def drop(when: Condition) -> RerankRule:
    """Leave out the items for which a condition holds."""
    return RerankRule("drop", when)


def boost(when: Condition, *, by: float) -> RerankRule:
    """Add to the scores of the items for which a condition holds."""
    if isinstance(by, bool) or not isinstance(by, int | float) or not abs(by) < float("inf"):
        raise mistake(f"boost by {by!r}?", "give a number")
    return RerankRule("boost", when, by=float(by))


def pin(when: Condition, *, at: int) -> RerankRule:
    """Put the best item for which a condition holds at a place of the list, counted from 1."""
    return RerankRule("pin", when, at=_count("pin", at))


def named_in(value: CandidateSource | Top | RerankRule) -> tuple[object, ...]:
    """Return what a part of a list's declaration names."""
    if isinstance(value, RerankRule):
        return (value.when,)
    if isinstance(value, Top):
        return (value.at_most, value.rules, value.diversity and value.diversity.on)
    return (value.value, value.to)


def columns_of(value: object) -> Sequence[object]:
    """Return what is listed as single columns."""
    if isinstance(value, PathColumn) or not isinstance(value, Iterable) or isinstance(value, Column | str):
        return (value,)
    return [column for part in value for column in columns_of(part)]


def _count(what: str, k: int) -> int:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise mistake(f"{what}: {k!r} is no number of items", "give a whole number from 1 up")
    return k


def _share(share: float | str) -> float:
    return share_of("share", share)
