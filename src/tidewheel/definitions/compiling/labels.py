"""Compiles a ``tw.Model``'s label: which events tell it, and how they refer to a row."""

from __future__ import annotations

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Aggregated, Column, PathColumn, leaves
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.expressions import lower, paths_of, refuse_vectors, text_of
from tidewheel.definitions.compiling.later import compile_later
from tidewheel.definitions.compiling.paths import KeyPart, given_path, path_to, paths_to
from tidewheel.definitions.events.rows import Event
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.definitions.language.quantities import is_finite
from tidewheel.definitions.models.labels import Label, values_of
from tidewheel.definitions.models.models import Model
from tidewheel.errors import DefinitionError


def compile_label(context: Context, cls: type[Model], view: ir.View) -> tuple[ir.Label, bool]:
    """Return the label, and whether it tells classes apart."""
    label = getattr(cls, "label", None)
    if not isinstance(label, Label):
        raise DefinitionError("a model needs a label", remedy="write label = tw.happened(Chargeback, within='30d')")
    return lower_label(context, label, view)


def lower_label(context: Context, label: Label, view: ir.View) -> tuple[ir.Label, bool]:
    """Return the frozen form of what is asked of later events, and whether it tells classes apart."""
    within = parse_duration(label.within)
    if label.kind == "grade":
        return _graded(context, view, label, within), False
    if any(isinstance(leaf, Aggregated) for leaf in leaves(label.value)):
        return compile_later(context, view, label, within)
    source, value, classifies = _label_value(context, label)
    path, item = _label_paths(context, source, view, label.by)
    made = ir.Label(label.kind, source.name, path, within, value, _otherwise(label, classifies), item)
    return msgspec.structs.replace(made, immature=label.immature), classifies


def _graded(context: Context, view: ir.View, label: Label, within: int) -> ir.Label:
    grades = []
    for event, value in values_of(label).items():
        if not (isinstance(event, type) and issubclass(event, Event)):
            raise DefinitionError(f"tw.grade() takes event classes, not {event!r}")
        source = context.source_of(event)
        grades.append(ir.Grade(source.name, float(value), *_label_paths(context, source, view, None)))
    return ir.Label("grade", grades[0].source, grades[0].path, within, item=grades[0].item, grades=tuple(grades))


def _label_paths(context: Context, source: ir.Source, view: ir.View, by: object) -> tuple[ir.Path, ir.Path]:
    """Return the paths from an outcome to its row and, where it names the request and not the row, to the item."""
    if view.each is None:
        return _label_path(context, source, view.on, by), ()
    _check_teller(source, view.each.source)
    if by is not None or paths_to(context.sources, source, KeyPart(view.each.source)):
        return _label_path(context, source, view.each.source, by), ()
    item = path_to(context.sources, source, KeyPart(view.each.target), "keep one of the two")
    return _label_path(context, source, view.on, None), _own(source, item, view.each.target)


def _label_value(context: Context, label: Label) -> tuple[ir.Source, ir.Expr | None, bool]:
    if label.kind == "happened":
        if not (isinstance(label.value, type) and issubclass(label.value, Event)):
            raise DefinitionError(f"tw.happened() takes an event class, not {label.value!r}")
        return context.source_of(label.value), None, True
    roots = {leaf._root.__name__ for leaf in leaves(label.value) if isinstance(leaf, PathColumn)}
    if not isinstance(label.value, Column) or len(roots) != 1:
        raise DefinitionError(
            "tw.outcome() takes a column or condition of one event", remedy="write tw.outcome(Arrival.delay > 15, ...)"
        )
    source = context.sources[roots.pop()]
    typed = lower(label.value, lambda column: context.event_column(source, column))
    if typed.type not in ("number", "bool"):
        raise DefinitionError(f"a label can't be {typed.type}: {text_of(typed.expr)}", remedy="compare it with a value")
    refuse_vectors(typed.expr)
    for path in _long_paths(typed.expr):
        raise DefinitionError(f"a label reads its own event's columns, not {source.name}.{'.'.join(path)}")
    return source, typed.expr, typed.type == "bool"


def _long_paths(expr: ir.Expr) -> list[ir.Path]:
    return [path for path in paths_of(expr) if len(path) > 1]


def _label_path(context: Context, source: ir.Source, row: str, by: object) -> ir.Path:
    """Return the path from an outcome to the event that it tells of."""
    on = context.sources[row]
    _check_teller(source, row)
    if on.id_column is None:
        raise DefinitionError(
            f"{on.name} has no id that {source.name} could refer to", remedy=f"add 'id: tw.Id' to {on.name}"
        )
    part = KeyPart(on.name)
    if by is not None:
        return _own(source, given_path(context.sources, source, part, by, "write by={}"), row)
    return _own(source, path_to(context.sources, source, part, "write by={}"), row)


def _check_teller(source: ir.Source, row: str) -> None:
    if source.name == row:
        raise DefinitionError(f"{row} is the row itself: it can't tell what became of it", remedy="take a later event")
    if source.entity:
        raise DefinitionError(f"{source.name} is an entity; a label is told by an event")


def _own(source: ir.Source, path: ir.Path, row: str) -> ir.Path:
    if len(path) != 1:
        raise DefinitionError(
            f"{source.name} refers to {row} only through another event", remedy="add a reference of its own"
        )
    return path


def _otherwise(label: Label, classifies: bool) -> float | None:
    value = label.otherwise
    if value is None:
        return None
    if not is_finite(value) or (classifies and value not in (0, 1)):
        raise DefinitionError(
            f"otherwise={value!r} is no label", remedy="write 0 or 1" if classifies else "write a number"
        )
    return float(value)
