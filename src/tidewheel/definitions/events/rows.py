"""Events and entities: what a row holds, and the paths that go on from it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeAlias, TypeVar, dataclass_transform, overload

from tidewheel.definitions.columns.columns import Column, PathColumn
from tidewheel.definitions.language.declared import Declared
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.language.places import likely, mistake
from tidewheel.errors import DefinitionError, SchemaError


class Meaning(str):
    """What a string column means."""


class Personal:
    """What marks a column as personal; there is one, `personal`."""

    def __repr__(self) -> str:
        return "tw.personal"


personal = Personal()
"""Marks a column as personal: ``email: Annotated[tw.Text, tw.personal]``.

Its values are masked in logs, errors, quarantine listings, ``why`` and reports, and are blanked in every row that
belongs to an entity that is forgotten (``tidewheel forget``).

Examples
--------
>>> import tidewheel as tw
>>> class Customer(tw.Entity):
...     id: tw.Id
...     email: Annotated[tw.Text, tw.personal]
"""

Id: TypeAlias = Annotated[str, Meaning("id")]
"""The row's own identity."""
Key: TypeAlias = Annotated[str, Meaning("key")]
"""A string to group by that is no declared entity."""
Category: TypeAlias = Annotated[str, Meaning("category")]
"""One of some values; reaches a learner as a category."""
Text: TypeAlias = Annotated[str, Meaning("text")]
"""Free text."""

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vector: TypeAlias = Sequence[float] | npt.NDArray[np.floating[Any]]
else:

    class Vector:
        """A vector of numbers, its size said beside it: ``embedding: Annotated[tw.Vector, 64]``."""


if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultingTypeVar

    R_co = DefaultingTypeVar("R_co", bound="Row", covariant=True)
    N = DefaultingTypeVar("N", default=str)
else:
    R_co, N = TypeVar("R_co"), TypeVar("N")


class Ref(Generic[R_co, N]):
    """A reference to an entity or to another event, by its id.

    On the class it is the class it refers to, so paths go on (``Chargeback.transaction.amount``);
    on an instance it is the id. ``Ref[Plane, None]`` may be missing (``Ref[Plane] | None`` is the
    same to tidewheel; the first form also tells a type checker that an instance holds an id or None).
    """

    @overload
    def __get__(self, instance: None, owner: type) -> type[R_co]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> str | N: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        """Tell type checkers what a reference is; columns are never stored as a ``Ref``."""
        raise NotImplementedError

    def __set__(self, instance: object, value: str | N) -> None:
        """Tell type checkers what a reference takes."""
        raise NotImplementedError

    if not TYPE_CHECKING:

        def __class_getitem__(cls, item: object) -> GenericAlias:
            """Keep the target as written; it is looked up when all classes are known."""
            return GenericAlias(cls, item)


class At:
    """When a row happened: a column on the class; on an instance int64 microseconds UTC, None for "now"."""

    @overload
    def __get__(self, instance: None, owner: type) -> Column[float]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> int | None: ...
    def __get__(self, instance: object | None, owner: type) -> Column[float] | int | None:
        """Return the time column, or the instance's instant."""
        return PathColumn(owner, ("at",)) if instance is None else vars(instance)["at"]

    def __set__(self, instance: Row, value: datetime | int | None) -> None:
        """Set the instant; a datetime without a zone is refused."""
        instance.__dict__["at"] = microseconds(value) if isinstance(value, datetime) else value


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Return a datetime with a zone as microseconds since 1970 UTC.

    Examples
    --------
    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if moment.tzinfo is None:
        raise SchemaError(f"the time {moment.isoformat()} has no zone", remedy="give it one, e.g. tzinfo=UTC")
    difference = moment - _EPOCH
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds


class _NoColumn(DefinitionError, AttributeError):
    """An unknown column; an AttributeError as well, so that ``hasattr`` keeps its meaning."""


class RowMeta(Declared):
    """Makes ``Transaction.amount`` a column on the class."""

    def __eq__(cls, other: object) -> Any:  # noqa: N805
        """Identity; typed for paths, where ``Chargeback.transaction == "t1"`` is a condition."""
        return cls is other

    __hash__ = type.__hash__

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> PathColumn:  # noqa: N805
            """Return the column called `name`."""
            if not name.startswith("_"):
                known = annotations_of(cls)
                if name in known:
                    return PathColumn(cls, (name,))
                error = mistake(f"{cls.__name__} has no column '{name}'", likely(name, [*known, "at"]))
                raise _NoColumn(error.message, where=error.where, remedy=error.remedy)
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")


def own_annotations(cls: type) -> Mapping[str, object]:
    """Return a class's own annotations without failing on names that are not defined yet."""
    if sys.version_info >= (3, 14):
        import annotationlib

        found: Mapping[str, object] = annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
        return found
    own: Mapping[str, object] = vars(cls).get("__annotations__", {})
    return own


def annotations_of(cls: type) -> dict[str, tuple[type, object]]:
    """Return the columns of a row class as {name: (declaring class, annotation)}, parents' first."""
    known: dict[str, tuple[type, object]] | None = vars(cls).get("_columns")
    if known is not None:
        return known
    known = {
        name: (parent, annotation)
        for parent in reversed(cls.__mro__)
        if isinstance(parent, RowMeta) and parent is not Row and Row not in parent.__bases__
        for name, annotation in own_annotations(parent).items()
        if not name.startswith("_")
    }
    type.__setattr__(cls, "_columns", known)
    return known


def default_of(cls: type[Row], name: str) -> object:
    """Return the default that a column is declared with; None for none."""
    parent, _ = annotations_of(cls)[name]
    return vars(parent)["_defaults"].get(name)


def _taken_off(cls: type) -> dict[str, object]:
    """Take the columns' defaults off a class, where each column's own name is a path from now on; return them."""
    found = {name: vars(cls)[name] for name in own_annotations(cls) if name in vars(cls) and not name.startswith("_")}
    for name in found:
        type.__delattr__(cls, name)
    return found


@dataclass_transform(kw_only_default=True, eq_default=True)
class Row(metaclass=RowMeta):
    """What events and entities share: typed columns, given by keyword, and the instant ``at``."""

    def __init_subclass__(cls, *, owner: str = "") -> None:
        type.__setattr__(cls, "_owned_by", owner or cls._owned_by)
        type.__setattr__(cls, "_defaults", _taken_off(cls) if Row not in cls.__bases__ else {})

    def __init__(self, **values: Any) -> None:
        columns = annotations_of(type(self))
        held = self.__dict__
        for name, (parent, _) in columns.items():
            value = values.pop(name, None)
            held[name] = vars(parent)["_defaults"].get(name) if value is None else value
        at = values.pop("at", None)
        held["at"] = microseconds(at) if isinstance(at, datetime) else at
        if values:
            name = next(iter(values))
            raise SchemaError(f"{type(self).__name__} has no column '{name}'", remedy=likely(name, [*columns, "at"]))

    def __eq__(self, other: object) -> bool:
        """Two rows are equal when they are of one type and hold the same."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # rows can be changed

    def __repr__(self) -> str:
        held = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items() if value is not None)
        return f"{type(self).__name__}({held})"


class Event(Row):
    """Something that happened. A subclass annotates its columns.

    Every event has an instant ``at``, by default the moment it is given in: a datetime with a zone, or
    int64 microseconds UTC. Columns are ``float``, ``int``, ``bool``, ``datetime``, ``tw.Id``, ``tw.Ref[...]``,
    ``tw.Category``, ``tw.Key`` or ``tw.Text``; ``| None`` makes one nullable. With a default, as in
    ``channel: tw.Category = "shop"``, a row that comes without a value has that one, also if it came before the
    column was declared.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Payment(tw.Event):
    ...     id: tw.Id
    ...     amount: float
    >>> Payment(id="p1", amount=12.5)
    Payment(id='p1', amount=12.5)

    ``class Payment(tw.Event, keep="730d")`` lets the lake drop rows that arrived longer ago; ``owner=`` says who
    answers for a declaration. ``revisable="7d"`` lets a row be corrected within seven days of its arrival, by one
    of the same id and a higher ``revision: int | None``. A column of ``Annotated[..., tw.personal]`` is masked
    wherever values are shown.
    """

    at: At = At()
    _keep: Duration | None = None
    _revisable: Duration | None = None

    def __init_subclass__(
        cls, *, keep: Duration | None = None, revisable: Duration | None = None, owner: str = ""
    ) -> None:
        super().__init_subclass__(owner=owner)
        cls._keep = cls._keep if keep is None else keep
        cls._revisable = cls._revisable if revisable is None else revisable


class Entity(Row):
    """A thing that events refer to, with what is known about it: one ``tw.Id`` and attributes.

    A row given later replaces the earlier one from its instant on; a view reads an attribute
    (``Transaction.card.issued_in``) as of the event. With ``ttl=`` a row holds no longer than that,
    inclusive: older ones are read as null.

    Attributes
    ----------
    tw_age : column
        Read in a view (``Transaction.card.tw_age``): seconds since the row's instant, null when there is no
        row; also of a row that has expired.
    tw_status : column
        ``"present"``, ``"expired"`` or ``"missing"``.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Card(tw.Entity, ttl="90d"):
    ...     id: tw.Id
    ...     limit: float
    >>> class Payment(tw.Event):
    ...     card: tw.Ref[Card]
    ...     amount: float
    >>> class Row(tw.View, on=Payment):
    ...     over = Payment.amount / Payment.card.limit
    ...     stale = Payment.card.tw_status != "present"
    """

    at: At = At()
    tw_age: ClassVar[Column[float]]
    tw_status: ClassVar[Column[str]]
    _ttl: ClassVar[Duration | None] = None

    def __init_subclass__(cls, *, ttl: Duration | None = None, owner: str = "") -> None:
        super().__init_subclass__(owner=owner)
        cls._ttl = cls._ttl if ttl is None else ttl


def values_of(row: Row) -> dict[str, Any]:
    """Return a row's columns, without its instant, a datetime as microseconds.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Payment(tw.Event):
    ...     amount: float
    >>> values_of(Payment(amount=12.5, at=7))
    {'amount': 12.5}
    """
    return {
        name: microseconds(value) if isinstance(value, datetime) else value
        for name, value in row.__dict__.items()
        if name != "at"
    }


def instant_of(row: Row) -> int | None:
    """Return a row's instant in microseconds, or None for "when it is given in"."""
    at: int | None = row.__dict__["at"]
    return at
