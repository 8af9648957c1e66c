"""Compiles ``tw.Features`` classes."""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Aggregated, Column, Derived, Expression, PathColumn, Several, leaves
from tidewheel.definitions.columns.lists import ColumnList
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.expressions import Type, Typed, lower, paths_of, refuse_vectors, text_of
from tidewheel.definitions.compiling.paths import KeyPart, at_most_one_event, given_path, key_part, path_to, walk
from tidewheel.definitions.compiling.requests import includes_request
from tidewheel.definitions.compiling.spans import span_of
from tidewheel.definitions.events.defaults import defaults_read
from tidewheel.definitions.events.rows import Row
from tidewheel.definitions.features.features import Features, Lookup, features_of
from tidewheel.definitions.language.declared import place_of
from tidewheel.definitions.language.quantities import is_finite
from tidewheel.errors import DefinitionError

_ROWS = frozenset({"count", "rate", "time_since_first", "time_since_last"})
_ANY = frozenset({"number", "bool", "text", "time"})
_TAKES: dict[str, frozenset[str]] = {
    "sum": frozenset({"number", "bool"}),
    "mean": frozenset({"number", "bool"}),
    "var": frozenset({"number", "bool"}),
    "std": frozenset({"number", "bool"}),
    "min": frozenset({"number", "bool", "time"}),
    "max": frozenset({"number", "bool", "time"}),
    "first": _ANY | {"vector"},
    "last": _ANY | {"vector"},
    "distinct": _ANY,
    "quantile": frozenset({"number", "bool"}),
    "top_k": _ANY,
    "last_n": _ANY,
}
_KEEPS_TYPE = frozenset({"min", "max", "first", "last", "top_k", "last_n"})


def compile_group(context: Context, cls: type[Features]) -> None:
    """Add the frozen form of a group to the context, its mistakes to the context's problems."""
    where = place_of(cls)
    parts: tuple[KeyPart, ...] = ()
    with context.problems.at(where):
        parts = _parts(context, cls)
    if not parts:
        return
    columns = []
    for name, value in features_of(cls).items():
        with context.problems.at(place_of(cls, name)):
            columns.extend(_columns(context, cls, parts, name, value))
    if not features_of(cls):
        with context.problems.at(where):
            raise DefinitionError(
                "a group without features", remedy="add one, e.g. payments_1d = tw.count(Payment, '1d')"
            )
    context.parts[cls] = parts
    context.groups[cls] = ir.Group(
        name=cls.__name__,
        by=tuple(part.text for part in parts),
        features=tuple(columns),
        doc=(cls.__doc__ or "").strip(),
        file=cls._file,
        line=cls._line,
        owner=cls._owned_by,
    )


def _parts(context: Context, cls: type[Features]) -> tuple[KeyPart, ...]:
    if Features not in cls.__bases__:
        raise DefinitionError("a group can't extend another", remedy="list both in the view")
    by = cls._by if isinstance(cls._by, tuple) else (cls._by,)
    if cls._by is None or not by:
        raise DefinitionError("a group needs a key", remedy=f"write class {cls.__name__}(tw.Features, by=Card)")
    return tuple(key_part(context.sources, key) for key in by)


def _columns(
    context: Context, cls: type[Features], parts: tuple[KeyPart, ...], name: str, value: object
) -> list[ir.FeatureColumn]:
    if not isinstance(value, ColumnList):
        return [_feature(context, cls, parts, name, value)]
    names = value._names(name)
    taken = sorted(features_of(cls).keys() & set(names))
    if taken:
        raise DefinitionError(f"'{taken[0]}' is a feature of its own, and one of {value!r}", remedy="rename one")
    return [_feature(context, cls, parts, own, column) for own, column in zip(names, value, strict=True)]


def _feature(
    context: Context, cls: type[Features], parts: tuple[KeyPart, ...], name: str, value: object
) -> ir.FeatureColumn:
    if isinstance(value, Aggregated):
        if value._owner is not cls:
            raise DefinitionError(
                f"{value!r} belongs to another group", remedy="declare it here, or look that group up"
            )
        aggregate, type = compile_aggregate(context, parts, value)
        context.feature_types[cls, name] = type
        if type == "vector" and isinstance(aggregate.value, ir.Col):
            column = walk(context.sources, context.sources[aggregate.source], aggregate.value.path).column
            context.feature_sizes[cls, name] = column.size
        return ir.FeatureColumn(name, aggregate, aggregate.text)
    if isinstance(value, Expression):
        typed = lower(value, lambda node: _sibling(context, cls, value, node))
        context.feature_types[cls, name] = typed.type
        return ir.FeatureColumn(name, typed.expr, typed.type == "text")
    raise DefinitionError(*_not_a_feature(name, value))


def _not_a_feature(name: str, value: object) -> tuple[str]:
    if isinstance(value, PathColumn):
        return (f"{value._text()} is a column of an event, not of a key: aggregate it, e.g. tw.last({value._text()})",)
    if isinstance(value, Derived | Several):
        return (
            "a derived function belongs in a view"
            if isinstance(value, Derived)
            else "several columns belong in a view",
        )
    if isinstance(value, Lookup) or (isinstance(value, type) and issubclass(value, Features)):
        return ("a lookup belongs in a view",)
    return (f"nobody reads '{name}': a group holds aggregates and expressions over them",)


def _sibling(context: Context, cls: type[Features], whole: Column[object], node: Column[object]) -> Typed | None:
    """Answer for a feature of the same group."""
    if node is whole:
        return None
    if node._owner is cls:
        size = context.feature_sizes.get((cls, node._name), 0)
        return Typed(ir.Feature("", node._name), context.feature_types.get((cls, node._name), "number"), size)
    if isinstance(node, Expression) and node._owner is None:
        return None
    if isinstance(node, Aggregated) and node._owner is None:
        raise DefinitionError("an aggregate inside an expression", remedy="give it a name of its own in the class")
    raise DefinitionError(
        f"{node!r} is no feature of {cls.__name__}",
        remedy="an expression here sees this group's features; views see all",
    )


def compile_aggregate(context: Context, parts: tuple[KeyPart, ...], node: Aggregated) -> tuple[ir.Aggregate, Type]:
    """Return the frozen form of an aggregate keyed by some parts, and the type of its values."""
    source = source_of_aggregate(context, node)
    options = node._options
    value = where = None
    type: Type = "number"
    if node._op not in _ROWS:
        typed = lower(node._value, lambda column: context.event_column(source, column))
        if typed.type not in _TAKES[node._op]:
            raise DefinitionError(f"tw.{node._op}() can't take {text_of(typed.expr)}, which is {typed.type}")
        refuse_vectors(typed.expr)
        value = typed.expr
        type = typed.type if node._op in _KEEPS_TYPE else "number"
    if options.get("where") is not None:
        where = condition(context, source, options["where"])
    keys = _keys(context, source, parts, options.get("by"))
    paths = [*keys, *paths_of(value), *paths_of(where)]
    ends = _ends(context, source, paths)
    span = span_of(node._op, options)
    aggregate = ir.Aggregate(
        op=node._op,
        source=source.name,
        keys=keys,
        value=value,
        where=where,
        window=span.window,
        hop=span.hop,
        delay=span.delay,
        default=_default(options.get("default"), type),
        exact_to=_exact_to(options.get("exact_to", 0), node._op),
        text=type in ("text", "vector"),
        half_life=span.half_life,
        n=cast("int", options.get("n", 0)),
        place=cast("int", options.get("place", 0)),
        q=cast("float", options.get("q", 0.0)),
        cap=span.cap,
        past_cap=span.past_cap,
        revisable=any(end.revisable for end in ends),
        defaults=defaults_read(context.sources, source, paths),
    )
    return replace(aggregate, include_request=includes_request(aggregate, options, paths)), type


def condition(context: Context, source: ir.Source, value: object) -> ir.Expr:
    """Return the frozen form of a condition over one source's rows."""
    if isinstance(value, bool) or not isinstance(value, Column):
        raise DefinitionError(
            f"{value!r} is no condition on columns",
            remedy="compare a column: Transaction.amount > 500, tw.transform.is_null(...)",
        )
    typed = lower(value, lambda column: context.event_column(source, column))
    if typed.type != "bool":
        raise DefinitionError(f"{text_of(typed.expr)} is no condition", remedy="compare it with something")
    refuse_vectors(typed.expr)
    return typed.expr


def source_of_aggregate(context: Context, node: Aggregated) -> ir.Source:
    """Return the one source an aggregate reads."""
    value = node._value
    if node._op in _ROWS:
        if not (isinstance(value, type) and issubclass(value, Row)):
            raise DefinitionError(
                f"tw.{node._op}() takes an event class, not {value!r}",
                remedy="count rows, with where= for some of them",
            )
        return context.source_of(value)
    if isinstance(value, type) and issubclass(value, Row):
        raise DefinitionError(f"tw.{node._op}() takes a column, not the whole {value.__name__}")
    roots = {leaf._root.__name__ for leaf in leaves(value) if isinstance(leaf, PathColumn)}
    if len(roots) != 1:
        found = f"columns of {' and '.join(sorted(roots))}" if roots else repr(value)
        raise DefinitionError(f"tw.{node._op}() needs columns of one event, but has {found}")
    return context.sources[roots.pop()]


def _keys(context: Context, source: ir.Source, parts: tuple[KeyPart, ...], by: object) -> tuple[ir.Path, ...]:
    if by is None:
        paths = [path_to(context.sources, source, part, "by={}") for part in parts]
    else:
        given = by if isinstance(by, tuple) else (by,)
        if len(given) != len(parts):
            raise DefinitionError(
                f"by= names {len(given)} keys, the group has {len(parts)}: {', '.join(part.text for part in parts)}"
            )
        paths = [
            given_path(context.sources, source, part, key, "by={}") for part, key in zip(parts, given, strict=True)
        ]
    return tuple(at_most_one_event(context.sources, source, path).path for path in paths)


def _ends(context: Context, source: ir.Source, paths: list[ir.Path]) -> list[ir.Source]:
    """Return what an aggregate reads rows of: its source and, where it goes through a reference, the target."""
    refs = sorted({path[0] for path in paths if len(path) > 1})
    if len(refs) > 1:
        raise DefinitionError(
            f"one aggregate goes through two references: {', '.join(f'{source.name}.{ref}' for ref in refs)}",
            remedy="go through one; carry the other column on the event itself",
        )
    columns = [column for ref in refs if (column := source.column(ref))]
    return [source, *(context.sources[str(column.target)] for column in columns)]


def _default(value: object, type: Type) -> float | str | None:
    if value is None or (isinstance(value, str) and type == "text"):
        return value
    if is_finite(value) and type not in ("text", "vector"):
        return float(value)
    raise DefinitionError(f"default={value!r} does not fit a feature of type {type}")


def _exact_to(value: object, op: str) -> int:
    if op not in ("distinct", "quantile", "top_k"):
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 16 <= value <= 65_536:
        raise DefinitionError(f"exact_to={value!r} is no whole number from 16 to 65536")
    return value
