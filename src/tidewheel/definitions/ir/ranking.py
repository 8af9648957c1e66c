"""The frozen form of ranking: rows of items, grades, candidates, and how a list is cut."""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.batch import Stored
from tidewheel.definitions.ir.frozen import Frozen as _Frozen


class Served(_Frozen, frozen=True):
    """What a column of the event that names an item is when candidates are scored."""

    column: str
    value: bool | int | float | str | None = None
    attribute: str = ""
    """The item's attribute that is taken, instead of a value."""


class Each(_Frozen, frozen=True):
    """A view's rows are items of its event: in training those that were shown, in serving the candidates."""

    source: str
    """The event that names an item that was shown."""
    item: str
    """Its column with the item,"""
    target: str
    """the item's entity,"""
    request: str
    """and its column with the event that it was shown for."""
    served: tuple[Served, ...] = ()

    def named(self, column: str) -> str:
        """Return what a column of `source` is called among a row's own."""
        return f"{self.source}.{column}"

    @property
    def key(self) -> str:
        """What the column with the item is called among a row's own."""
        return self.named(self.item)


class Grade(_Frozen, frozen=True):
    """What an event makes of a row it refers to: by the row's own id, or by the request and the item."""

    source: str
    value: float
    path: tuple[str, ...]
    item: tuple[str, ...] = ()


class Candidates(_Frozen, frozen=True):
    """Where a service's candidates come from."""

    kind: Literal["top_by", "nearest", "text", "function", "listed", "stored"]
    name: str
    """For the decision record: ``top_by(Popularity.plays_1d)``."""
    k: int
    share: float = 1.0
    """Of the deadline: no work on candidates begins after it."""
    columns: tuple[str, ...] = ()
    """Of the service's candidate view: the query, the function's arguments, the listed items."""
    group: str = ""
    """For ``top_by``: the feature's group."""
    feature: str = ""
    """For ``top_by``: the feature; for ``nearest`` and ``text``: the item's attribute."""
    lowest: bool = False
    refresh: int = 30_000_000
    """For ``top_by``, ``nearest`` and ``text``: how old the index may be, microseconds."""
    function: str = ""
    source: str = ""
    """For ``function``: its name, and normalised source that defines it."""
    of_item: bool = False
    """For ``nearest``: the query is an item, whose own vector is taken."""
    service: str = ""
    """For ``stored``: whose lists are kept,"""
    key: str = ""
    """by which column of its event,"""
    stored: Stored | None = None
    """and which of them is read, and how old it may be."""
    live: tuple[Candidates, ...] = ()
    """For ``stored``: the sources that are asked where no list is young enough"""
    after: bool = False
    """or, with this, before it: then the list stands in where they give nothing."""

    def sources(self) -> tuple[Candidates, ...]:
        """Return it with the live ones beside it."""
        return (self, *self.live)


class Rerank(_Frozen, frozen=True):
    """A business rule over the rows of a list; `column` of the item view says which."""

    kind: Literal["drop", "boost", "pin"]
    column: str
    by: float = 0.0
    """For ``boost``: what is added to the score."""
    at: int = 0
    """For ``pin``: the place from 1."""


class Top(_Frozen, frozen=True):
    """How a list is made of scored candidates."""

    k: int
    diversity: float = 1.0
    """The weight of relevance in maximal marginal relevance; 1 is no diversity."""
    vector: str = ""
    """The item's attribute that likeness is taken by."""
    at_most: tuple[tuple[str, int], ...] = ()
    """Columns of the item view, each with how many items of one value there may be."""
    rules: tuple[Rerank, ...] = ()


class Ranking(_Frozen, frozen=True):
    """What a service that ranks has besides."""

    target: str
    """The item's entity."""
    candidates: tuple[Candidates, ...]
    top: Top
    exclude: tuple[str, ...] = ()
    """Columns of the candidate view with items that are left out."""
    columns: tuple[tuple[str, str], ...] = ()
    """Of a service that is not on its model's event: each column read of that one, with its own that stands for it."""
