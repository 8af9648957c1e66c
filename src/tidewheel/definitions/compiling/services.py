"""Compiles ``tw.Service`` classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from types import NoneType
from typing import Any

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, PathColumn
from tidewheel.definitions.compiling.combine import compile_scoring, models_of, own_model, stored_of
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.expressions import lower, text_of
from tidewheel.definitions.compiling.models import Lists, check_attributes
from tidewheel.definitions.compiling.paths import walk
from tidewheel.definitions.compiling.ranking import compile_listing, item_key
from tidewheel.definitions.compiling.row_scope import RowScope, on_source
from tidewheel.definitions.language.declared import place_of
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.language.quantities import is_finite, share_of
from tidewheel.definitions.models.models import Model
from tidewheel.definitions.services.batch import Stored
from tidewheel.definitions.services.ranking import Top
from tidewheel.definitions.services.services import Cache, Fallback, Rule, Service, Thresholds
from tidewheel.errors import DefinitionError


def compile_service(context: Context, cls: type[Service]) -> None:
    """Add the frozen form of a service to the context, its mistakes to the context's problems."""
    if not check_attributes(context, cls, Service, _LISTS):
        return
    parts: dict[str, Any] = {}

    def part(name: str, make: Any, *args: Any) -> None:
        with context.problems.at(place_of(cls, name)):
            parts[name] = make(*args)

    part("", on_source, context, cls, cls._on)
    if not parts:
        return
    on = parts.pop("")
    part("score" if cls.score is not None else "model", compile_scoring, context, cls, on)
    scoring = parts.pop("score", None) or parts.pop("model", None)
    if scoring is None:
        return
    part("decide", _thresholds, cls)
    part("candidates", compile_listing, context, cls, on, scoring)
    actions = tuple(name for name, _ in parts.get("decide", ()))
    part("rules", _rules, context, cls, on, actions)
    part("prevents", _prevents, cls, actions)
    part("explore", _explore, cls)
    part("fallback", _fallback, context, cls, on, actions)
    part("deadline", parse_duration, cls.deadline)
    part("unit", _unit, context, cls, on)
    part("guards", _guards, cls)
    part("cooldown", lambda: 0 if cls.cooldown is None else parse_duration(cls.cooldown))
    part("cache", _cache, context, cls, on)
    part("keep_rows", lambda: share_of("keep_rows", cls.keep_rows))
    if len(parts) < 12:
        return
    context.services[cls] = ir.Service(
        name=cls.__name__,
        on=on.name,
        **dict(zip(("rule_view", "rules"), parts.pop("rules"), strict=True)),
        **parts.pop("candidates"),
        thresholds=parts.pop("decide"),
        **_about(cls),
        **scoring._asdict(),
        **parts,
    )


_LISTS: Lists = {
    "rules": ((), "rules = [tw.rule('burst', condition, then='block')]"),
    "candidates": ((), "candidates = [tw.top_by(Popularity.plays_1d, k=100)]"),
    "prevents": ((str,), "prevents = ['block']"),
    "fallback": ((NoneType,), "fallback = [tw.action('review')]"),
    "guards": ((), "guards = [tw.guard.latency('20ms')]"),
}


def _about(cls: type[Service]) -> dict[str, Any]:
    return {"doc": (cls.__doc__ or "").strip(), "file": cls._file, "line": cls._line}


def _thresholds(cls: type[Service]) -> tuple[tuple[str, float], ...]:
    if cls.decide is None or isinstance(cls.decide, Top):
        return ()
    if not isinstance(cls.decide, Thresholds) or not cls.decide.actions:
        raise DefinitionError(f"{cls.decide!r} names no actions", remedy="write tw.thresholds(allow=0.0, block=0.95)")
    levels = cls.decide.actions
    for name, level in levels:
        if not is_finite(level):
            raise DefinitionError(f"the threshold {name}={level!r} is no number")
    for (low, a), (high, b) in pairwise(levels):
        if not a < b:
            raise DefinitionError(
                f"the thresholds do not rise: {low}={a:g}, then {high}={b:g}", remedy="order them by score"
            )
    return tuple((name, float(level)) for name, level in levels)


def _rules(
    context: Context, cls: type[Service], on: ir.Source, actions: tuple[str, ...]
) -> tuple[ir.View | None, tuple[ir.Rule, ...]]:
    """Return the conditions as a view of their own, and the rules that read it."""
    if not cls.rules:
        return None, ()
    scope = RowScope(context, on)
    columns: list[ir.ViewColumn] = []
    rules: list[ir.Rule] = []
    for rule in cls.rules:
        if not isinstance(rule, Rule):
            raise DefinitionError(f"{rule!r} is no rule", remedy="write tw.rule('burst', condition, then='block')")
        if not isinstance(rule.name, str) or not rule.name:
            raise DefinitionError(f"a rule is called {rule.name!r}", remedy="write tw.rule('burst', condition, ...)")
        if any(rule.name == other.name for other in rules):
            raise DefinitionError(f"two rules are called '{rule.name}'", remedy="rename one")
        if models_of(cls) or actions:
            _check_action(rule.then, actions if models_of(cls) else (), f"the rule '{rule.name}'")
        columns.append(ir.ViewColumn(rule.name, _condition(scope, rule)))
        rules.append(ir.Rule(rule.name, rule.name, rule.then))
    lookups = tuple(sorted(scope.lookups.values(), key=lambda lookup: lookup.alias))
    view = ir.View(f"{cls.__name__}.rules", on.name, lookups, tuple(columns), file=cls._file, line=cls._line)
    return view, tuple(rules)


def _condition(scope: RowScope, rule: Rule) -> ir.Expr:
    if not isinstance(rule.when, Column):
        raise DefinitionError(
            f"the rule '{rule.name}' has {rule.when!r} for a condition",
            remedy="compare a column: CardHistory.payments_10m > 20",
        )
    typed = lower(rule.when, scope.column)
    if typed.type != "bool":
        raise DefinitionError(
            f"the rule '{rule.name}': {text_of(typed.expr)} is no condition", remedy="compare it with something"
        )
    return typed.expr


def _check_action(action: str, actions: Sequence[str], who: str) -> None:
    if not isinstance(action, str) or not action:
        raise DefinitionError(f"{who} names no action")
    if actions and action not in actions:
        raise DefinitionError(
            f"{who} decides '{action}', which the thresholds do not name", remedy=likely(action, actions)
        )


def _all_actions(cls: type[Service], actions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*actions, *(rule.then for rule in cls.rules if isinstance(rule, Rule))]))


def _prevents(cls: type[Service], actions: tuple[str, ...]) -> tuple[str, ...]:
    names = (cls.prevents,) if isinstance(cls.prevents, str) else tuple(cls.prevents)
    for name in names:
        _check_action(name, _all_actions(cls, actions), "prevents")
    if actions and set(actions) <= set(names):
        raise DefinitionError("every action prevents the outcome, so nothing could ever be learnt")
    return names


def _explore(cls: type[Service]) -> float:
    share = share_of("explore", cls.explore)
    if share and not cls.prevents and not isinstance(cls.decide, Top):
        raise DefinitionError(
            "explore lets preventing actions through, but none is named", remedy="add prevents = ['block']"
        )
    return share


def _fallback(context: Context, cls: type[Service], on: ir.Source, actions: tuple[str, ...]) -> tuple[ir.Fallback, ...]:
    floor = ir.Fallback("action", action=actions[0] if actions else "")
    if cls.fallback is None:
        previous = [ir.Fallback("previous", model=model.__name__) for model in models_of(cls)[:1]]
        return (*previous, floor)
    chain = tuple(_link(context, cls, on, actions, link) for link in cls.fallback)
    if not chain or chain[-1].kind != "action":
        raise DefinitionError("a fallback chain ends in a constant", remedy="end it with tw.action('review')")
    if any(link.kind == "action" for link in chain[:-1]):
        raise DefinitionError("nothing is tried after tw.action(...)", remedy="put it last")
    return chain


def _link(context: Context, cls: type[Service], on: ir.Source, actions: tuple[str, ...], link: object) -> ir.Fallback:
    if isinstance(link, Stored):
        if link.model not in models_of(cls):
            raise DefinitionError(
                f"tw.batch.scores({getattr(link.model, '__name__', link.model)}) is not the service's"
            )
        return ir.Fallback("stored", model=link.model.__name__, stored=stored_of(context, cls, on, link))
    if isinstance(link, type) and issubclass(link, Model):
        if link in models_of(cls):
            raise DefinitionError(
                f"{link.__name__} is what the service asks first", remedy=f"tw.previous({link.__name__})"
            )
        return ir.Fallback("model", model=own_model(context, link, on).name)
    if not isinstance(link, Fallback):
        raise DefinitionError(
            f"{link!r} is no fallback",
            remedy="write tw.previous(Model), Smaller, tw.table(by=...), tw.action('review')",
        )
    if link.kind == "action":
        _check_action(link.action, _all_actions(cls, actions), "the fallback")
        return ir.Fallback("action", action=link.action)
    models = models_of(cls)
    if not models:
        raise DefinitionError(f"tw.{link.kind}(...) needs a model")
    if link.kind == "previous":
        if link.model not in models:
            raise DefinitionError(
                f"tw.previous({getattr(link.model, '__name__', link.model)}) is not the service's model"
            )
        return ir.Fallback("previous", model=link.model.__name__)
    if isinstance(cls.decide, Top) and (item := item_key(context, models[0], link.by)):
        return ir.Fallback("table", model=models[0].__name__, by=(item,))
    return ir.Fallback("table", model=models[0].__name__, by=_own_column(context, on, link.by, "tw.table(by=...)"))


def _guards(cls: type[Service]) -> tuple[ir.Guard, ...]:
    for guard in cls.guards:
        if not isinstance(guard, ir.Guard):
            raise DefinitionError(f"{guard!r} is no guard", remedy='write tw.guard.latency("20ms")')
        if not models_of(cls):
            raise DefinitionError("guards watch versions of a model, and the service has none")
    return tuple(cls.guards)


def _unit(context: Context, cls: type[Service], on: ir.Source) -> ir.Path:
    return () if cls.unit is None else _own_column(context, on, cls.unit, "unit")


def _cache(context: Context, cls: type[Service], on: ir.Source) -> ir.Cache | None:
    if cls.cache is None:
        return None
    if not isinstance(cls.cache, Cache):
        raise DefinitionError(f"{cls.cache!r} is no cache", remedy='write tw.cache() or tw.cache("30s", by=...)')
    if isinstance(cls.decide, Top):
        raise DefinitionError(
            "a cache keeps the score of an event, and this service answers with lists",
            remedy="remove cache; tw.batch.candidates(...) keeps whole lists",
        )
    if not models_of(cls):
        raise DefinitionError("a cache keeps a model's scores, and the service has no model")
    if cls.cache.max_age is None and cls.cache.by is None:
        return ir.Cache()
    if cls.cache.max_age is None or cls.cache.by is None:
        raise DefinitionError(
            "a cache is exact, or it has both an age and a column", remedy='write tw.cache() or tw.cache("30s", by=...)'
        )
    by = _own_column(context, on, cls.cache.by, "tw.cache(by=...)")
    return ir.Cache(parse_duration(cls.cache.max_age), by)


def _own_column(context: Context, on: ir.Source, value: object, what: str) -> ir.Path:
    if not isinstance(value, PathColumn) or value._root.__name__ != on.name:
        raise DefinitionError(f"{what} takes a column of {on.name}", remedy=f"write {on.name}.column")
    place = walk(context.sources, on, value._names)
    if len(place.path) > 1:
        raise DefinitionError(f"{what} takes a column of {on.name} itself, not {value._text()}")
    if place.column.kind not in ir.TEXT_KINDS:
        raise DefinitionError(f"{what}: {value._text()} is {place.column.kind}, not a string")
    return place.path
