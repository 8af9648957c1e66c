"""Which classes a set of declarations reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tidewheel.definitions.columns.columns import Aggregated, Derived, Expression, FeatureOf, PathColumn, Several
from tidewheel.definitions.compiling.sources import resolve, target_class
from tidewheel.definitions.events.expectations import Expectation, Suite
from tidewheel.definitions.events.rows import Entity, Event, Row, annotations_of
from tidewheel.definitions.events.ticks import Tick
from tidewheel.definitions.features.features import Features, Lookup
from tidewheel.definitions.language.declared import Declared, place_of
from tidewheel.definitions.language.places import Problems
from tidewheel.definitions.models.labels import Label
from tidewheel.definitions.models.models import Model, ScoreColumn
from tidewheel.definitions.models.sampling import Sampling
from tidewheel.definitions.models.splitting import Splitting
from tidewheel.definitions.services.batch import Stored
from tidewheel.definitions.services.combine import Combination
from tidewheel.definitions.services.ranking import Top, named_in
from tidewheel.definitions.services.reranking import RerankRule
from tidewheel.definitions.services.retrieving import CandidateSource
from tidewheel.definitions.services.services import Fallback, Rule, Service
from tidewheel.definitions.views.each import ServedAs
from tidewheel.definitions.views.views import View
from tidewheel.errors import DefinitionError

BASES: tuple[type, ...] = (Row, Event, Entity, Tick, Suite, Features, View, Model, Service)
KINDS: tuple[type, ...] = (Row, Suite, Features, View, Model, Service)


def declared_in(values: Iterable[object]) -> list[type]:
    """Return the declarations among some values, each once, without the bases."""
    found = [value for value in values if isinstance(value, Declared) and value not in BASES]
    return list(dict.fromkeys(found))


def reach(classes: Iterable[type], problems: Problems) -> dict[type, dict[str, type]]:
    """Return all declarations that `classes` are or name, as {kind: {name: class}}.

    Two of one kind and name, or of a row's and a group's, are a mistake.
    """
    found: dict[type, dict[str, type]] = {kind: {} for kind in KINDS}
    waiting = list(classes)
    names = {cls.__name__: cls for cls in waiting}
    while waiting:
        cls = waiting.pop(0)
        kind = next(kind for kind in KINDS if issubclass(cls, kind))
        known = found[kind].get(cls.__name__)
        if known is cls:
            continue
        with problems.at(place_of(cls)):
            _check_name(cls, known, found)
            found[kind][cls.__name__] = cls
            waiting.extend(_named_by(cls, names, problems))
    return found


def _check_name(cls: type, known: type | None, found: Mapping[type, Mapping[str, type]]) -> None:
    if known is not None:
        raise DefinitionError(f"two declarations are called {cls.__name__}: {place_of(known)} too", remedy="rename one")
    other = Features if issubclass(cls, Row) else Row
    if issubclass(cls, Row | Features) and cls.__name__ in found[other]:
        raise DefinitionError(f"a group and an event or entity are both called {cls.__name__}", remedy="rename one")


def _named_by(cls: type, names: Mapping[str, type], problems: Problems) -> Iterator[type]:
    if issubclass(cls, Row):
        for name, (parent, annotation) in annotations_of(cls).items():
            with problems.at(place_of(cls, name)):
                target = target_class(resolve(annotation, parent, names), parent, names)
                if target is not None:
                    yield target
        if issubclass(cls, Tick):
            yield from _classes_in((cls._each, cls._where))
        return
    for attribute in ("_on", "_by", "_each"):
        yield from _classes_in(getattr(cls, attribute, None))
    for parent in cls.__mro__:
        if isinstance(parent, Declared):
            for name, value in vars(parent).items():
                if not name.startswith("_"):
                    yield from _classes_in(value)


def _classes_in(value: Any) -> Iterator[type]:
    """Yield the declarations that a declared value names, at any depth."""
    if isinstance(value, type):
        if isinstance(value, Declared) and value not in BASES:
            yield value
        return
    for part in _parts_of(value):
        yield from _classes_in(part)


def _parts_of(value: Any) -> Iterable[object]:
    match value:
        case list() | tuple():
            return value
        case dict():
            return (*value, *value.values())
        case ServedAs():
            return (value._column, value._value)
        case PathColumn():
            return (value._root,)
        case ScoreColumn():
            return (value._model,)
        case Combination():
            return value.models
        case FeatureOf():
            return (value._lookup,)
        case Aggregated():
            return (value._value, value._options.get("where"), value._options.get("by"), value._owner)
        case Expression():
            return (*value._args, value._owner)
        case Derived():
            return value._args or ()
        case Several():
            return tuple(value._parts.values())
        case Expectation():
            return value.columns
        case Lookup():
            return (value._group, value._keys)
        case Label():
            return (value.value, value.by)
        case Splitting():
            return (value.by,)
        case Sampling():
            return (value.by, value.value)
        case Rule():
            return (value.when,)
        case Fallback() | Stored():
            return (value.model, value.by)
        case CandidateSource() | Top() | RerankRule():
            return named_in(value)
    return ()
