"""Compiles a model's split and its sampling: whose row it is, which rows are learned from, with what weight."""

from __future__ import annotations

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, PathColumn
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.each_scope import EachScope, view_scope
from tidewheel.definitions.compiling.expressions import lower, text_of
from tidewheel.definitions.compiling.paths import KeyPart, path_to
from tidewheel.definitions.compiling.row_scope import RowScope
from tidewheel.definitions.events.rows import Row
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.models.models import Model
from tidewheel.definitions.models.sampling import Sampling
from tidewheel.definitions.models.splitting import Splitting
from tidewheel.errors import DefinitionError

WEIGHT = "_weight"
"""The one column of the view that weights are read by."""


def compile_split(context: Context, cls: type[Model], view: ir.View, horizon: int) -> ir.Split:
    """Return the frozen form of a model's split; its gap is as long as it takes to know a row's label."""
    split = cls.split
    if not isinstance(split, Splitting):
        raise DefinitionError(f"{split!r} is no split", remedy="write split = tw.temporal(test='30d')")
    if split.kind == "group" and split.by is None:
        raise DefinitionError("a split by which group?", remedy=f"write tw.split.by_group({view.on}.card)")
    by = () if split.by is None else _own_column(context, view, split.by)
    if split.kind in ("group", "random"):
        return ir.Split(0, 0, split.kind, split.share, by, seed=split.seed)
    if split.test is None or (split.kind == "sliding" and split.train is None):
        raise DefinitionError("the split says not how long its test or train rows reach", remedy="write test='30d'")
    gap = horizon if split.gap is None else parse_duration(split.gap)
    if gap < horizon:
        raise DefinitionError(
            "the gap is shorter than the label's horizon: training labels would reach into the test",
            remedy="leave gap= out, or make it longer",
        )
    train = 0 if split.train is None else parse_duration(split.train)
    return ir.Split(parse_duration(split.test), gap, split.kind, by=by, folds=split.folds, train=train)


def compile_sample(
    context: Context, cls: type[Model], view: ir.View, classifies: bool
) -> tuple[tuple[ir.Sample, ...], ir.View | None]:
    """Return the frozen steps of a model's sampling, and the view of one column that weights are read by."""
    given = cls.sample if isinstance(cls.sample, list | tuple) else [] if cls.sample is None else [cls.sample]
    steps, weights = [], None
    for step in given:
        if not isinstance(step, Sampling):
            raise DefinitionError(f"{step!r} is no sampling", remedy="write sample = tw.sample.keep(negatives=0.1)")
        if step.kind in ("keep", "balanced", "class_weights") and not classifies:
            raise DefinitionError(
                f"tw.sample.{step.kind} speaks of classes, and the label is a number",
                remedy="make the label a condition, or use tw.sample.stratified",
            )
        if step.kind == "stratified" and step.by is None:
            raise DefinitionError("stratified by what?", remedy=f"write tw.sample.stratified({view.on}.country, ...)")
        column = _check_named(view, step.value) if isinstance(step.value, str) else ""
        if isinstance(step.value, Column):
            if weights is not None:
                raise DefinitionError("weights are given by two expressions", remedy="multiply them: a * b")
            weights = _weight_view(context, cls, view, step.value)
        by = () if step.by is None else _own_column(context, view, step.by)
        steps.append(ir.Sample(step.kind, step.shares, step.share, by, step.rows, column, step.seed))
    return tuple(steps), weights


def _own_column(context: Context, view: ir.View, by: object) -> ir.Path:
    """Return the column of the view's event that a key names."""
    on = context.sources[view.on]
    if isinstance(by, type) and issubclass(by, Row):
        path = path_to(context.sources, on, KeyPart(by.__name__), f"name the column: {on.name}.…")
    elif isinstance(by, PathColumn) and by._root.__name__ == on.name:
        found = lower(by, lambda column: context.event_column(on, column)).expr
        path = found.path if isinstance(found, ir.Col) else ()
    else:
        raise DefinitionError(f"{by!r} is no column of {on.name}", remedy=f"name an entity, or a column of {on.name}")
    if len(path) != 1:
        raise DefinitionError(f"{'.'.join(path)} is not on {on.name} itself", remedy=f"name a column of {on.name}")
    column = on.column(path[0])
    if column is None or column.kind in ("float", "time", "vector"):
        raise DefinitionError(f"{on.name}.{path[0]} makes no groups", remedy="name a reference, a key or a category")
    return path


def _check_named(view: ir.View, name: str) -> str:
    column = next((column for column in view.columns if column.name == name), None)
    if column is None:
        raise DefinitionError(
            f"weights('{name}') names no column of {view.name}",
            remedy=likely(name, [column.name for column in view.columns]),
        )
    if column.text:
        raise DefinitionError(f"{view.name}.{name} is text, and can't weigh rows", remedy="name a number")
    return name


def _weight_view(context: Context, cls: type[Model], view: ir.View, value: Column[object]) -> ir.View:
    scope = view_scope(context, cls.view)
    typed = lower(value, scope.column)
    if typed.type not in ("number", "bool"):
        raise DefinitionError(f"a weight can't be {typed.type}: {text_of(typed.expr)}", remedy="name a number")
    return one_column(f"{cls.__name__}.weights", view, scope, ir.ViewColumn(WEIGHT, typed.expr))


def one_column(name: str, view: ir.View, scope: RowScope, column: ir.ViewColumn) -> ir.View:
    """Return a view of one more column of the rows of a model's view."""
    lookups = tuple(sorted(scope.lookups.values(), key=lambda lookup: lookup.alias))
    each = scope.each if isinstance(scope, EachScope) else None
    return ir.View(name, view.on, lookups, (column,), each=each)
