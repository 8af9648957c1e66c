"""Feature groups: what is known about an entity from its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidewheel.definitions.columns.columns import Column, FeatureOf
from tidewheel.definitions.columns.lists import ColumnList
from tidewheel.definitions.features.options import Keys
from tidewheel.definitions.language.declared import Declared, declared_names
from tidewheel.definitions.language.places import likely, mistake
from tidewheel.errors import DefinitionError


class _NoFeature(DefinitionError, AttributeError):
    """An unknown feature; an AttributeError as well, so that ``hasattr`` keeps its meaning."""


class OwnsColumns(Declared):
    """Tells each column which class and name it belongs to, so that others can refer to it."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> None:  # noqa: N805
        super().__init__(name, bases, namespace)
        for attribute, value in namespace.items():
            if isinstance(value, Column) and value._owner is None:
                value._owner, value._name = cls, attribute
            elif isinstance(value, ColumnList) and value._owner is None:
                value._own(cls, attribute)

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> object:  # noqa: N805
            """Say which feature was likely meant."""
            if name.startswith("_"):
                raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")
            raise no_feature(cls, name)


class Features(metaclass=OwnsColumns):
    """Aggregates and expressions over them, for one key. Computed once; the same in training and serving.

    ``by=`` is an entity, a column, or a tuple of those. The key of each aggregate is found along
    the references of its events: the shortest path that leads there; where two are equally short, say
    which with ``by=`` on the aggregate.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Card(tw.Entity):
    ...     id: tw.Id
    >>> class Payment(tw.Event):
    ...     card: tw.Ref[Card]
    ...     amount: float
    >>> class Lately(tw.Features, by=Card):
    ...     payments = tw.count(Payment, "1d")
    ...     spent = tw.sum(Payment.amount, "1d")
    ...     mean = spent / payments
    """

    _by: Keys = None

    def __init_subclass__(cls, *, by: Keys = None, owner: str = "") -> None:
        cls._by = by
        cls._owned_by = owner or cls._owned_by

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __eq__(self, other: object) -> bool:
        """Two readings are equal when they are of one group and hold the same values."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # readings can be changed

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


def features_of(group: type[Features]) -> dict[str, object]:
    """Return a group's public attributes, in order of declaration."""
    return declared_names(group, Features)


def no_feature(group: type, name: str) -> DefinitionError:
    """Return the error for a feature that a group does not have."""
    kind = "feature" if issubclass(group, Features) else "column"
    known = declared_names(group, Features) if issubclass(group, Features) else vars(group)
    error = mistake(f"{group.__name__} has no {kind} '{name}'", likely(name, [n for n in known if n[0] != "_"]))
    return _NoFeature(error.message, where=error.where, remedy=error.remedy)


class Lookup:
    """A group read for a view's row by keys of the user's choice; its attributes are the group's features."""

    def __init__(self, group: type[Features], keys: tuple[object, ...]) -> None:
        self._group = group
        self._keys = keys

    def __getattr__(self, name: str) -> FeatureOf | ColumnList[Any]:
        """Return the feature called `name`, read through this lookup."""
        if name.startswith("_"):
            raise AttributeError(name)
        feature = features_of(self._group).get(name)
        if isinstance(feature, ColumnList):
            return ColumnList([FeatureOf(self, own) for own in feature._names(name)])
        if not isinstance(feature, Column):
            raise no_feature(self._group, name)
        return FeatureOf(self, name)
