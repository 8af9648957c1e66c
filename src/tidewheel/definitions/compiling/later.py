"""Compiles labels that are an aggregate over what happens to a row's entity after it."""

from __future__ import annotations

from typing import cast

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Aggregated, Column, leaves
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.expressions import Typed, lower, paths_of, text_of
from tidewheel.definitions.compiling.groups import compile_aggregate, source_of_aggregate
from tidewheel.definitions.compiling.paths import KeyPart, key_part, path_to, paths_to
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.definitions.models.labels import Label
from tidewheel.errors import DefinitionError

OPS = ("count", "sum", "mean", "min", "max", "distinct")
_OPTIONS = frozenset({"where", "by", "window"})


def compile_later(context: Context, view: ir.View, label: Label, within: int) -> tuple[ir.Label, bool]:
    """Return the label, and whether it tells classes apart.

    Raises
    ------
    DefinitionError
        There are two aggregates, one that a label can't be, or no one entity that row and events share.
    """
    node, *others = {id(leaf): leaf for leaf in leaves(label.value) if isinstance(leaf, Aggregated)}.values()
    _check(label, node, others, within)
    if view.each is not None:
        raise DefinitionError("a view with a row for each item is labelled by events that name the item")
    on = context.sources[view.on]
    source = source_of_aggregate(context, node)
    if source.entity or source.name == on.name:
        raise DefinitionError(f"{source.name} can't tell what became of {on.name}", remedy="take a later event")
    part = _entity(context, on, source, label.by)
    aggregate, _ = compile_aggregate(context, (part,), node)
    key = path_to(context.sources, on, part, "write by={}")
    for path in (key, *aggregate.keys, *paths_of(aggregate.value), *paths_of(aggregate.where)):
        if len(path) != 1:
            raise DefinitionError(f"a label reads columns of its own events, not {'.'.join(path)}")
    typed = lower(cast("Column[object]", label.value), lambda column: _the_aggregate(column, node))
    if typed.type not in ("number", "bool"):
        raise DefinitionError(f"a label can't be {typed.type}: {text_of(typed.expr)}")
    made = ir.Label("aggregate", source.name, aggregate.keys[0], within, typed.expr, aggregate=aggregate, key=key)
    return made, typed.type == "bool"


def _check(label: Label, node: Aggregated, others: list[Aggregated], within: int) -> None:
    if others:
        raise DefinitionError("a label of two aggregates", remedy="take one")
    if node._op not in OPS:
        raise DefinitionError(f"a label can't be tw.{node._op}()", remedy=f"take one of {', '.join(OPS)}")
    odd = sorted(name for name, given in node._options.items() if given is not None and name not in _OPTIONS)
    if odd:
        raise DefinitionError(f"a label's aggregate takes where= and by=, not {odd[0]}=")
    window = node._options.get("window")
    if window is not None and parse_duration(window) != within:
        raise DefinitionError(
            f"the aggregate looks at {window}, the label at {label.within}",
            remedy="leave the window out, or make them equal",
        )
    if label.otherwise is not None:
        raise DefinitionError("an aggregate says itself what nothing means", remedy="leave out otherwise=")


def _entity(context: Context, on: ir.Source, source: ir.Source, by: object) -> KeyPart:
    """Return the entity whose later events are meant."""
    if by is not None:
        return key_part(context.sources, by)
    shared = [
        name
        for name in dict.fromkeys(column.target for column in on.columns if column.target)
        if context.sources[name].entity and paths_to(context.sources, source, KeyPart(name))
    ]
    if len(shared) != 1:
        found = ", ".join(shared) or "none"
        raise DefinitionError(
            f"{on.name} and {source.name} refer to {len(shared)} entities in common ({found})",
            remedy="say which: tw.outcome(..., by=User)" if shared else f"give {source.name} a reference of its own",
        )
    return KeyPart(shared[0])


def _the_aggregate(column: object, node: Aggregated) -> Typed | None:
    return Typed(ir.Feature("", "later"), "number") if column is node else None
