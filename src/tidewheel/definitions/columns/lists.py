"""Several columns that one aggregate gives: its most frequent values, its newest ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Self, TypeVar, overload

from tidewheel.definitions.columns.columns import Column, Several
from tidewheel.definitions.language.places import mistake

T = TypeVar("T")


class ColumnList(Several, Generic[T]):
    """Several columns under one name: ``favourites[0]`` is the first of them.

    As an attribute ``favourites`` of a group or view they are the columns ``favourites_1``, ``favourites_2``, ...
    On an instance (what ``ws.read`` returns) the attribute is a tuple of their values.
    """

    def __init__(self, columns: Sequence[Column[T]]) -> None:
        super().__init__({str(place): column for place, column in enumerate(columns, 1)})
        self._columns = tuple(columns)
        self._owner: type | None = None
        self._name = ""

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> tuple[T | None, ...]: ...
    def __get__(self, instance: object | None, owner: type) -> object:
        """Return the list itself on a class; its columns' values on an instance."""
        if instance is None:
            return self
        return tuple(vars(instance)[name] for name in self._names(self._name))

    def __getitem__(self, place: int) -> Column[T]:
        """Return one of the columns, counted from 0."""
        try:
            return self._columns[place]
        except IndexError:
            raise mistake(
                f"{self!r} has no column [{place}]",
                f"they are [0] to [{len(self) - 1}]; ask for more where it is declared",
            ) from None

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[Column[T]]:
        return iter(self._columns)

    def __repr__(self) -> str:
        owner = f"{self._owner.__name__}.{self._name}" if self._owner else "not named yet"
        return f"<{len(self)} columns {owner}>"

    def _names(self, name: str) -> list[str]:
        """Return the columns' names where the list is called `name`."""
        return [f"{name}_{place}" for place in self._parts]

    def _own(self, owner: type, name: str) -> None:
        """Tell the columns which class and name they belong to."""
        self._owner, self._name = owner, name
        for column, own in zip(self._columns, self._names(name), strict=True):
            if column._owner is None:
                column._owner, column._name = owner, own
