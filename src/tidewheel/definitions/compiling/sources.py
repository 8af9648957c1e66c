"""From a row class to its frozen form: annotations become typed columns."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from datetime import datetime

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.events.defaults import with_default
from tidewheel.definitions.events.rows import (
    Entity,
    Event,
    Meaning,
    Personal,
    Ref,
    Row,
    RowMeta,
    Vector,
    annotations_of,
    default_of,
    own_annotations,
)
from tidewheel.definitions.features.attributes import is_own_name
from tidewheel.definitions.language.declared import place_of
from tidewheel.definitions.language.durations import Duration, parse_duration
from tidewheel.definitions.language.places import Problems
from tidewheel.errors import DefinitionError

_PLAIN: dict[object, ir.Kind] = {float: "float", int: "int", bool: "bool", datetime: "time"}
_KINDS = (
    "float, int, bool, datetime, tw.Id, tw.Ref[...], tw.Category, tw.Key, tw.Text, "
    "Annotated[tw.Vector, 64], each perhaps '| None'"
)
LARGEST_VECTOR = 4096


def source_of(cls: type[Row], names: Mapping[str, object], problems: Problems) -> ir.Source:
    """Return the frozen form of an event or entity class; mistakes go to `problems`.

    Parameters
    ----------
    cls : type
        The class.
    names : mapping
        Where names are looked up that the class's module does not have (classes made in a function).
    problems : Problems
        Collects what is wrong with single columns.
    """
    columns = []
    for name, (parent, annotation) in annotations_of(cls).items():
        with problems.at(place_of(cls, name)):
            _check_name(cls, name)
            columns.append(_column(name, resolve(annotation, parent, names), parent, names))
    _check_values(cls, problems)
    keep, ttl, revisable = 0, 0, 0
    with problems.at(place_of(cls)):
        _check_ids(cls, columns)
        if issubclass(cls, Event) and cls._keep is not None:
            keep = parse_duration(cls._keep)
        if issubclass(cls, Entity) and cls._ttl is not None:
            ttl = parse_duration(cls._ttl)
        if issubclass(cls, Event) and cls._revisable is not None:
            revisable = _revisable(cls._revisable, columns)
    return ir.Source(
        name=cls.__name__,
        columns=tuple(columns),
        entity=issubclass(cls, Entity),
        doc=(cls.__doc__ or "").strip(),
        file=cls._file,
        line=cls._line,
        keep=keep,
        owner=cls._owned_by,
        ttl=ttl,
        revisable=revisable,
    )


def resolve(annotation: object, cls: type, names: Mapping[str, object]) -> object:
    """Return what an annotation means, evaluating it in its module when it is a string."""
    if not isinstance(annotation, str):
        return annotation
    scope = {**names, **getattr(cls, "_globals", {}), **getattr(cls, "_locals", {})}
    try:
        meaning = eval(annotation, scope)
        return eval(meaning, scope) if isinstance(meaning, str) else meaning
    except DefinitionError as error:  # its place is the evaluation's, not the column's
        raise DefinitionError(error.message, remedy=error.remedy) from None
    except Exception as error:
        raise DefinitionError(
            f"the annotation '{annotation}' can't be read ({error})", remedy=f"a column is {_KINDS}"
        ) from None


def _column(name: str, annotation: object, cls: type[Row], names: Mapping[str, object]) -> ir.Column:
    annotation, personal = _without_mark(annotation)
    column = with_default(_plain_column(name, annotation, cls, names), default_of(cls, name), personal=personal)
    if personal and column.kind == "id" and not issubclass(cls, Entity):
        raise DefinitionError("an event's id holds rows together and can't be personal", remedy="make it a tw.Key")
    return msgspec.structs.replace(column, personal=personal) if personal else column


def _without_mark(annotation: object) -> tuple[object, bool]:
    """Split ``Annotated[X, tw.personal]``, also inside ``... | None``, into (X, True)."""
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *extras = typing.get_args(annotation)
        rest = [extra for extra in extras if not isinstance(extra, Personal)]
        return (typing.Annotated[(inner, *rest)] if rest else inner), len(rest) < len(extras)
    plain, nullable = _without_none(annotation)
    if nullable:
        inner, personal = _without_mark(plain)
        return (typing.Optional[inner] if personal else annotation), personal  # noqa: UP045 (a value, not a type)
    return annotation, False


def _plain_column(name: str, annotation: object, cls: type, names: Mapping[str, object]) -> ir.Column:
    inner, nullable = _without_none(annotation)
    target = target_class(annotation, cls, names)
    if target is not None:
        return ir.Column(name, "ref", target.__name__, nullable or len(typing.get_args(inner)) > 1)
    if typing.get_origin(inner) is typing.Annotated:
        meanings = [extra for extra in typing.get_args(inner)[1:] if isinstance(extra, Meaning)]
        if typing.get_args(inner)[0] is Vector:
            return ir.Column(name, "vector", None, nullable, size=_size(typing.get_args(inner)[1:]))
        if meanings:
            if meanings[0] == "id" and nullable:
                raise DefinitionError("an id can't be null", remedy="write tw.Id")
            return ir.Column(name, typing.cast("ir.Kind", str(meanings[0])), None, nullable)
    if isinstance(inner, type) and issubclass(inner, Row):
        raise DefinitionError(f"a column can't be a {inner.__name__}", remedy=f"write tw.Ref[{inner.__name__}]")
    if inner is Vector:
        raise DefinitionError("a vector of what size?", remedy="write Annotated[tw.Vector, 64]")
    if inner is str:
        raise DefinitionError(
            "a plain str says nothing", remedy="write tw.Category, tw.Key, tw.Text, tw.Id or tw.Ref[...]"
        )
    kind = next((kind for type_, kind in _PLAIN.items() if inner is type_), None)  # what is written may have no hash
    if kind is None:
        raise DefinitionError(f"a column can't be of type {_type_text(inner)}", remedy=f"take {_KINDS}")
    return ir.Column(name, kind, None, nullable)


def _size(extras: tuple[object, ...]) -> int:
    """Return the size of a vector from what stands beside it in ``Annotated``."""
    sizes = [extra for extra in extras if isinstance(extra, int) and not isinstance(extra, bool)]
    if len(sizes) != 1 or not 2 <= sizes[0] <= LARGEST_VECTOR:
        raise DefinitionError(
            f"a vector of {sizes or 'no'} numbers",
            remedy=f"write one size from 2 to {LARGEST_VECTOR}: Annotated[tw.Vector, 64]",
        )
    return sizes[0]


def _without_none(annotation: object) -> tuple[object, bool]:
    """Split ``X | None`` into (X, True)."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        rest = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return annotation, False


def target_class(annotation: object, cls: type, names: Mapping[str, object]) -> type[Row] | None:
    """Return the row class that a resolved annotation refers to, if it is a reference."""
    inner, _ = _without_none(annotation)
    if typing.get_origin(inner) is not Ref:
        return None
    target = typing.get_args(inner)[0]
    if isinstance(target, str):
        target = resolve(target, cls, names)
    if isinstance(target, type) and issubclass(target, Row):
        return target
    raise DefinitionError(f"a reference can't point at {_type_text(target)}", remedy="name an event or an entity")


def _type_text(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _check_name(cls: type[Row], name: str) -> None:
    if name == "at":
        raise DefinitionError("'at' is taken: every row has its instant", remedy="remove it, or rename the column")
    if is_own_name(name):
        raise DefinitionError("names that begin with 'tw_' are tidewheel's own", remedy="rename the column")
    if hasattr(type, name):
        raise DefinitionError(f"the name '{name}' is Python's own on a class", remedy="rename the column")


def _check_values(cls: type[Row], problems: Problems) -> None:
    """Refuse public attributes that are no columns: nobody would read them."""
    for name, value in vars(cls).items():
        if name.startswith("_") or isinstance(value, types.FunctionType | property | classmethod | staticmethod):
            continue
        with problems.at(place_of(cls, name)):
            raise DefinitionError(f"nobody reads '{name}'", remedy=f"annotate it ({name}: float) or remove it")
    for parent in cls.__mro__:
        names = [] if isinstance(parent, RowMeta) else [name for name in own_annotations(parent) if name[0] != "_"]
        if names:
            with problems.at(place_of(cls)):
                raise DefinitionError(
                    f"nobody reads '{names[0]}' of {parent.__name__}, which is no event and no entity",
                    remedy=f"write class {parent.__name__}(tw.{'Entity' if issubclass(cls, Entity) else 'Event'})",
                )


def _check_ids(cls: type[Row], columns: list[ir.Column]) -> None:
    ids = [column.name for column in columns if column.kind == "id"]
    if len(ids) > 1:
        raise DefinitionError(f"two ids: {', '.join(ids)}", remedy="keep one tw.Id; a second may be a tw.Key")
    if issubclass(cls, Entity) and not ids:
        raise DefinitionError("an entity needs an id", remedy="add 'id: tw.Id'")


def _revisable(within: Duration, columns: list[ir.Column]) -> int:
    if not any(column.kind == "id" for column in columns):
        raise DefinitionError("an event that may be corrected needs an id", remedy="add 'id: tw.Id'")
    if not any(column.name == ir.REVISION and column.kind == "int" for column in columns):
        raise DefinitionError(
            "an event that may be corrected says which revision it is", remedy="add 'revision: int | None'"
        )
    return parse_duration(within)


def refs_marked(source: ir.Source, sources: Mapping[str, ir.Source]) -> ir.Source:
    """Return a source whose references to entities with a personal id are personal too: they hold that id."""

    def is_personal(column: ir.Column) -> bool:
        target = sources.get(column.target or "")
        return target is not None and any(other.personal and other.kind == "id" for other in target.columns)

    marked = [msgspec.structs.replace(it, personal=True) if is_personal(it) else it for it in source.columns]
    return msgspec.structs.replace(source, columns=tuple(marked))


def check_targets(sources: Mapping[str, ir.Source], classes: Mapping[str, type], problems: Problems) -> None:
    """Check that each reference points at a row that has an id."""
    for name, source in sources.items():
        for column in source.columns:
            if column.target is None:
                continue
            with problems.at(place_of(classes[name], column.name)):
                if sources[column.target].id_column is None:
                    raise DefinitionError(
                        f"{column.target} is referred to but has no id", remedy=f"add 'id: tw.Id' to {column.target}"
                    )
