"""From a row class to its frozen form: annotations become typed columns."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from datetime import datetime

from tidewheel.definitions import ir
from tidewheel.definitions.declared import place_of
from tidewheel.definitions.places import Problems
from tidewheel.definitions.rows import Entity, Meaning, Ref, Row, annotations_of
from tidewheel.errors import DefinitionError

_PLAIN: dict[object, ir.Kind] = {float: "float", int: "int", bool: "bool", datetime: "time"}
_KINDS = "float, int, bool, datetime, tw.Id, tw.Ref[...], tw.Category, tw.Key or tw.Text, each perhaps '| None'"


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
    with problems.at(place_of(cls)):
        _check_ids(cls, columns)
    return ir.Source(
        name=cls.__name__,
        columns=tuple(columns),
        entity=issubclass(cls, Entity),
        doc=(cls.__doc__ or "").strip(),
        file=cls._file,
        line=cls._line,
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


def _column(name: str, annotation: object, cls: type, names: Mapping[str, object]) -> ir.Column:
    inner, nullable = _without_none(annotation)
    target = target_class(annotation, cls, names)
    if target is not None:
        return ir.Column(name, "ref", target.__name__, nullable or len(typing.get_args(inner)) > 1)
    if typing.get_origin(inner) is typing.Annotated:
        meanings = [extra for extra in typing.get_args(inner)[1:] if isinstance(extra, Meaning)]
        if meanings:
            if meanings[0] == "id" and nullable:
                raise DefinitionError("an id can't be null", remedy="write tw.Id")
            return ir.Column(name, typing.cast("ir.Kind", str(meanings[0])), None, nullable)
    if isinstance(inner, type) and issubclass(inner, Row):
        raise DefinitionError(f"a column can't be a {inner.__name__}", remedy=f"write tw.Ref[{inner.__name__}]")
    if inner is str:
        raise DefinitionError(
            "a plain str says nothing", remedy="write tw.Category, tw.Key, tw.Text, tw.Id or tw.Ref[...]"
        )
    if inner not in _PLAIN:
        raise DefinitionError(f"a column can't be of type {_type_text(inner)}", remedy=f"take {_KINDS}")
    return ir.Column(name, _PLAIN[inner], None, nullable)


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
    if hasattr(type, name):
        raise DefinitionError(f"the name '{name}' is Python's own on a class", remedy="rename the column")


def _check_values(cls: type[Row], problems: Problems) -> None:
    """Refuse public attributes that are no columns: nobody would read them."""
    known = annotations_of(cls)
    for name, value in vars(cls).items():
        if name.startswith("_") or isinstance(value, types.FunctionType | property | classmethod | staticmethod):
            continue
        with problems.at(place_of(cls, name)):
            if name in known:
                raise DefinitionError("a column has no default value", remedy="write '| None' if it may be missing")
            raise DefinitionError(f"nobody reads '{name}'", remedy=f"annotate it ({name}: float) or remove it")


def _check_ids(cls: type[Row], columns: list[ir.Column]) -> None:
    ids = [column.name for column in columns if column.kind == "id"]
    if len(ids) > 1:
        raise DefinitionError(f"two ids: {', '.join(ids)}", remedy="keep one tw.Id; a second may be a tw.Key")
    if issubclass(cls, Entity) and not ids:
        raise DefinitionError("an entity needs an id", remedy="add 'id: tw.Id'")


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
