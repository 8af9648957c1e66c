"""Where the items of a list come from: ``tw.retrieve``, and ``tw.top_by`` and ``tw.nearest``.

Examples
--------
>>> import tidewheel as tw
>>> class Movie(tw.Entity):
...     id: tw.Id
...     title: tw.Text
>>> class Search(tw.Event):
...     id: tw.Id
...     words: tw.Text
>>> tw.retrieve.text(Movie.title, query=Search.words, k=50).kind
'text'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tidewheel.definitions.columns.columns import Column, PathColumn
from tidewheel.definitions.events.rows import Entity
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.language.quantities import share_of, whole

__all__ = ["function", "listed", "nearest", "text", "top_by"]


@dataclass(frozen=True, eq=False)
class Ahead:
    """Of ``tw.batch.candidates``: how old a list may be, and the sources that it goes before or stands in for."""

    max_age: Duration
    live: tuple[CandidateSource, ...] = ()
    after: bool = False
    alert: float | str = 0.1


@dataclass(frozen=True, eq=False)
class CandidateSource:
    """One source of candidates; made by `top_by`, `nearest`, ``tw.retrieve`` and ``tw.batch.candidates``."""

    kind: Literal["top_by", "nearest", "text", "function", "listed", "stored"]
    value: object
    k: int
    to: object = None
    share: float = 1.0
    refresh: Duration = "30s"
    lowest: bool = False
    ahead: Ahead | None = None


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
    return CandidateSource(
        "top_by", feature, whole("k", k), share=share_of("share", share), refresh=refresh, lowest=lowest
    )


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
    return CandidateSource("nearest", items, whole("k", k), to, share_of("share", share), refresh)


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
    return CandidateSource("text", column, whole("k", k), query, share_of("share", share), refresh)


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
    return CandidateSource("listed", columns, 0, share=share_of("share", share))


def function(call: object, *args: object, k: int, share: float | str = 1.0) -> CandidateSource:
    """Take the ids that a function of your own gives as candidates.

    Its source travels with the service, as that of ``tw.derived`` does. It is given one value for each of `args` (a
    string, a number, or None), and gives ids, best first; those beyond `k` are left out.
    """
    return CandidateSource("function", call, whole("k", k), args, share_of("share", share))


def columns_of(value: object) -> Sequence[object]:
    """Return what is listed as single columns."""
    if isinstance(value, PathColumn) or not isinstance(value, Iterable) or isinstance(value, Column | str):
        return (value,)
    return [column for part in value for column in columns_of(part)]
