"""What every declarative class shares: it knows where it stands and lets no name be given twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.definitions.language.places import calling_frame, mistake, place


class Names(dict[str, Any]):
    """A class body's names. A public one is given once: the second would silently replace the first."""

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a name, refusing a public one that is set already."""
        if name in self and not name.startswith("_"):
            raise mistake(
                f"{self.get('__qualname__', 'the class')} declares '{name}' twice", "rename or remove one of the two"
            )
        super().__setitem__(name, value)


class Declared(type):
    """Metaclass of all declarations."""

    _file: str
    _line: int
    _globals: Mapping[str, Any]
    """Where names in its annotations are looked up, late."""
    _locals: Mapping[str, Any]
    """The same, of a class made in a function."""
    _owned_by: str = ""
    """Who answers for it, by ``owner=``; subclasses inherit it."""

    @classmethod
    def __prepare__(mcs, name: str, bases: tuple[type, ...], /, **options: Any) -> Names:  # noqa: N804
        """Return the mapping in which the class body runs."""
        return Names()

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: Mapping[str, Any], **options: Any) -> Any:
        """Make the class and note the file and line it is declared at."""
        cls = super().__new__(mcs, name, bases, dict(namespace), **options)
        frame = calling_frame()
        cls._file, cls._line = frame.f_code.co_filename, frame.f_lineno
        cls._globals = frame.f_globals
        cls._locals = {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)
        return cls

    def __repr__(cls) -> str:
        """Return the class's name as its module writes it: what errors show."""
        return cls.__name__


def place_of(cls: type, attribute: str = "") -> str:
    """Return ``file:line Class.attribute`` of a declaration."""
    file, line = getattr(cls, "_file", "?"), getattr(cls, "_line", 0)
    return place(file, line, cls.__name__, attribute)


def declared_names(cls: type, base: type) -> dict[str, object]:
    """Return the public attributes of a class and its parents below `base`, in order of declaration."""
    names: dict[str, object] = {}
    for parent in reversed(cls.__mro__):
        if parent not in base.__mro__:  # a plain class that is mixed in counts as well
            names.update({name: value for name, value in vars(parent).items() if not name.startswith("_")})
    return names
