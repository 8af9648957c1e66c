"""Compiles what a service's score is made of: one model, a combination, or an expression; and chains of models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, Expression, leaves
from tidewheel.definitions.compiling.batch import compile_stored
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.each_scope import EachScope, view_scope
from tidewheel.definitions.compiling.expressions import LEARNED, Typed, call, literal, lower, text_of
from tidewheel.definitions.compiling.row_scope import RowScope
from tidewheel.definitions.language.declared import place_of
from tidewheel.definitions.models.models import Model, ScoreColumn
from tidewheel.definitions.services.batch import Stored
from tidewheel.definitions.services.combine import Combination
from tidewheel.definitions.services.ranking import Top
from tidewheel.definitions.services.services import Service, Thresholds
from tidewheel.definitions.views.views import View
from tidewheel.errors import DefinitionError


class Scoring(NamedTuple):
    """A service's score, compiled: the leading model, and how more than one are combined."""

    model: str = ""
    combine: ir.Combine | None = None
    score_view: ir.View | None = None
    stored: ir.Stored | None = None


def models_of(cls: type[Service]) -> tuple[type[Model], ...]:
    """Return the models that a service names, in the order in which they are asked."""
    if isinstance(cls.model, Combination):
        return cls.model.models
    if isinstance(cls.model, Stored):
        return (cls.model.model,)
    if cls.model is not None:
        return (cls.model,)
    found = (leaf._model for leaf in leaves(cls.score) if isinstance(leaf, ScoreColumn))
    return tuple(dict.fromkeys(found))


def compile_scoring(context: Context, cls: type[Service], on: ir.Source) -> Scoring:
    """Return how a service comes to its score.

    Raises
    ------
    DefinitionError
        The models are none, are for another event, or tell different things where one is to stand for the other.
    """
    if cls.score is not None and cls.model is not None:
        raise DefinitionError("model = and score = both say what the score is", remedy="remove one of the two")
    if cls.score is None and not isinstance(cls.model, Combination):
        return _one(context, cls, on) if cls.model is not None else _rules_alone(cls)
    ranks = isinstance(cls.decide, Top)
    if cls.score is not None:
        return _expression(context, cls, on, cls.score, ranks=ranks)
    assert isinstance(cls.model, Combination)
    given = cls.model
    _check_kind(given, ranks=ranks)
    models = [_member(context, model, on, ranks=ranks) for model in given.models]
    names = tuple(model.name for model in models)
    if given.kind == "stack":
        _check_stack(context, given)
    elif not given.top:  # where one model only chooses what the next looks at, they may tell different things
        _check_labels(models)
    shares = tuple(given.shares[model] for model in given.models) if given.shares else ()
    combine = ir.Combine(given.kind, names, given.weights, given.at, given.unsure, shares, top=given.top)
    return Scoring(names[-1] if given.kind == "stack" or given.top else names[0], combine)


def _rules_alone(cls: type[Service]) -> Scoring:
    if not isinstance(cls.decide, Thresholds) or len(cls.decide.actions) != 1 or not cls.rules:
        raise DefinitionError(
            "a service without a model decides by rules, and by one action when none holds",
            remedy="add model =, or rules = [...] and decide = tw.thresholds(allow=0.0)",
        )
    return Scoring()


def _one(context: Context, cls: type[Service], on: ir.Source) -> Scoring:
    (model,) = models_of(cls)
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise DefinitionError(f"{model!r} is no model class", remedy="write model = Fraud")
    stored = stored_of(context, cls, on, cls.model) if isinstance(cls.model, Stored) else None
    return Scoring(own_model(context, model, on, ranks=isinstance(cls.decide, Top)).name, stored=stored)


def stored_of(context: Context, cls: type[Service], on: ir.Source, given: Stored) -> ir.Stored:
    """Return what a service reads of scores computed ahead: of events or, where it answers lists, of their items.

    Raises
    ------
    DefinitionError
        As `compile_stored`; or a list would be ordered by scores of several versions.
    """
    each = context.views[given.model.view].each if isinstance(cls.decide, Top) else None
    if each is None:
        return compile_stored(context, on, given)
    if given.any_version:
        raise DefinitionError(
            "scores of two versions do not order one list", remedy="leave out any_version=, or name the list's version"
        )
    of_item = isinstance(given.by, type) and given.by.__name__ == each.target
    return compile_stored(context, on, given, item=each.target, alone=of_item)


def own_model(context: Context, model: type[Model], on: ir.Source, *, ranks: bool = False) -> ir.Model:
    """Return the frozen form of a model that a service for `on` may ask; one that ranks may be a surface (see there).

    Raises
    ------
    DefinitionError
        It is for another event.
    """
    frozen = context.models[model]
    view = context.views[model.view]
    if view.on != on.name and not (ranks and view.each is not None):
        raise DefinitionError(
            f"the service is for {on.name}, its model's view for {view.on} ({frozen.name})",
            remedy=f"write on={view.on}",
        )
    return frozen


def _member(context: Context, model: type[Model], on: ir.Source, *, ranks: bool) -> ir.Model:
    """Return the frozen form of one of several models: each gives an event one score or, of a list, each item."""
    frozen = own_model(context, model, on, ranks=ranks)
    if context.views[model.view].each is not None and not ranks:
        raise DefinitionError(
            f"{frozen.name} scores items of a {on.name}", remedy="order a list by it: decide = tw.top(20)"
        )
    return frozen


def _check_kind(given: Combination, *, ranks: bool) -> None:
    """Refuse what is for single rows in a list, and the other way round."""
    if given.kind == "cascade" and bool(given.top) != ranks:
        what, remedy = ("a list", "top=50") if ranks else ("a single score", "unsure=(0.3, 0.7)")
        raise DefinitionError(
            f"the cascade of {what} says which rows are worth the next model in another way",
            remedy=f"write tw.combine.cascade(..., {remedy})",
        )


def _check_labels(models: list[ir.Model]) -> None:
    """Refuse to let scores stand for each other that tell different things."""
    first = models[0]
    for model in models[1:]:
        if _meaning(first.label) != _meaning(model.label):
            raise DefinitionError(
                f"{first.name} and {model.name} tell different things: their labels differ",
                remedy=f"combine such scores by an expression: score = {first.name}.score * {model.name}.score",
            )


def _meaning(label: ir.Label) -> tuple[object, ...]:
    return label.kind, label.source, label.path, label.value, label.grades


def _check_stack(context: Context, given: Combination) -> None:
    *members, by = (model.__name__ for model in given.models)
    view = context.views[given.models[-1].view]
    read = set(scores_in(view))
    for missing in (name for name in members if name not in read):
        raise DefinitionError(
            f"the view of {by} has no column with the score of {missing}",
            remedy=f"add one to {view.name}: {missing.lower()} = {missing}.score",
        )
    for other in sorted(read - set(members)):
        raise DefinitionError(
            f"{view.name} reads the score of {other}, which is no member of the stack", remedy=f"add {other}"
        )


def _expression(context: Context, cls: type[Service], on: ir.Source, score: object, *, ranks: bool) -> Scoring:
    if not isinstance(score, Column):
        raise DefinitionError(f"score = {score!r} is no expression", remedy="write score = CTR.score * Ad.bid")
    models = models_of(cls)
    if not models:
        raise DefinitionError("the score is made of no model's score", remedy="name one: CTR.score")
    names = tuple(_member(context, model, on, ranks=ranks).name for model in models)
    # In a list it reads what its models' rows can.
    own = _OwnColumns(view_scope(context, models[0].view) if ranks else RowScope(context, on))
    typed = own.lower(score)
    if typed.type != "number":
        raise DefinitionError(f"a score is a number, but {text_of(typed.expr)} is {typed.type}")
    view = None
    if own.columns:
        lookups = tuple(sorted(own.scope.lookups.values(), key=lambda lookup: lookup.alias))
        columns = tuple(own.columns.values())
        seen = context.views[models[0].view].on if ranks else on.name
        each = own.scope.each if isinstance(own.scope, EachScope) else None
        view = ir.View(f"{cls.__name__}.score", seen, lookups, columns, file=cls._file, line=cls._line, each=each)
    return Scoring(names[0], ir.Combine("expression", names, expr=typed.expr), view)


class _OwnColumns:
    """Takes a score expression apart: what has no model's score in it becomes a column of the service's own view."""

    def __init__(self, scope: RowScope) -> None:
        self.scope = scope
        self.columns: dict[str, ir.ViewColumn] = {}

    def lower(self, node: object) -> Typed:
        if isinstance(node, ScoreColumn):
            return Typed(ir.Score(node._model.__name__), "number")
        if not isinstance(node, Column):
            return literal(node)
        if isinstance(node, Expression) and any(isinstance(leaf, ScoreColumn) for leaf in leaves(node)):
            if node._op in LEARNED:
                raise DefinitionError(f"{node._op}() learns its constants in training, and a service is not trained")
            return call(node._op, [self.lower(arg) for arg in node._args])
        typed = lower(node, self.scope.column)
        if typed.type == "vector":
            raise DefinitionError(f"a score takes numbers, but {text_of(typed.expr)} is a vector")
        name = text_of(typed.expr)
        self.columns[name] = ir.ViewColumn(name, typed.expr, typed.type == "text")
        return Typed(ir.Computed(name), typed.type)


def scores_in(view: ir.View) -> Iterator[str]:
    """Yield the models whose scores are columns of a view."""
    return (column.value.model for column in view.columns if isinstance(column.value, ir.Score))


def check_chains(context: Context, views: dict[str, type[View]]) -> None:
    """Refuse scores of models for other events as columns of a view, and models that need each other's."""
    by_name = {model.name: model for model in context.models.values()}
    frozen = {view.name: view for view in context.views.values()}
    needs = {model.name: list(scores_in(frozen[model.view])) for model in by_name.values()}
    for cls in views.values():
        with context.problems.at(place_of(cls)):
            view = context.views[cls]
            for name in scores_in(view):
                inner = frozen[by_name[name].view]
                _check_items(name, inner, view)
                if inner.on != view.on:
                    raise DefinitionError(
                        f"{name} scores rows of {inner.on}, and this view's are of {view.on}",
                        remedy="a chain's models see one event",
                    )
                trail = _back_to(name, needs, (name,))
                if trail:
                    raise DefinitionError(
                        f"models that need each other: {' -> '.join(trail)}", remedy="break the circle"
                    )


def _check_items(name: str, inner: ir.View, view: ir.View) -> None:
    """Refuse a score of an item as a column of an event, of an event as one of an item, and of another item."""
    if inner.each is None and view.each is None:
        return
    if inner.each is None or view.each is None:
        what, other = ("an event", "an item of it") if inner.each is None else ("an item", "the event")
        raise DefinitionError(
            f"{name}.score is of {what}, and not of {other}", remedy="give both views each=, or neither of them"
        )
    own, its = ((each.source, each.item, each.request) for each in (view.each, inner.each))
    if own != its:
        raise DefinitionError(
            f"{name} scores items of {its[0]}, and this view's are of {own[0]}", remedy="give both views the same each="
        )
    served = {one.column: one for one in view.each.served}
    for one in inner.each.served:
        if served.get(one.column, one) != one:
            raise DefinitionError(
                f"{own[0]}.{one.column} is served to {name} as something else", remedy="serve it as one thing to both"
            )


def _back_to(first: str, needs: dict[str, list[str]], trail: tuple[str, ...]) -> tuple[str, ...]:
    """Return a way from the last of a trail to `first`, or nothing."""
    for name in needs[trail[-1]]:
        if name == first:
            return (*trail, name)
        found = () if name in trail else _back_to(first, needs, (*trail, name))
        if found:
            return found
    return ()
