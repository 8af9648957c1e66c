"""Compiles what a ``tw.Service`` says of a list: candidates, what is left out, how it is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, NamedTuple, cast

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, PathColumn
from tidewheel.definitions.compiling.batch import key_of
from tidewheel.definitions.compiling.capture import capture
from tidewheel.definitions.compiling.combine import Scoring, models_of, scores_in
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.each_scope import EachScope
from tidewheel.definitions.compiling.expressions import Typed, elements, lower, text_of
from tidewheel.definitions.compiling.paths import walk
from tidewheel.definitions.compiling.row_scope import RowScope, on_source
from tidewheel.definitions.compiling.surfaces import Surface
from tidewheel.definitions.events.rows import Entity
from tidewheel.definitions.features.attributes import attribute_group
from tidewheel.definitions.features.features import Features
from tidewheel.definitions.ir.ranking import Candidates, Rerank, Served, Top
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.definitions.language.quantities import share_of
from tidewheel.definitions.models.models import Model
from tidewheel.definitions.services.ranking import Top as DeclaredTop
from tidewheel.definitions.services.reranking import RerankRule
from tidewheel.definitions.services.retrieving import CandidateSource, columns_of
from tidewheel.definitions.services.services import Service
from tidewheel.errors import DefinitionError


class Listing(NamedTuple):
    """What a service that ranks has besides: all None for one that does not."""

    ranking: ir.Ranking | None = None
    candidate_view: ir.View | None = None
    item_view: ir.View | None = None


def compile_listing(context: Context, cls: type[Service], on: ir.Source, scoring: Scoring) -> dict[str, Any]:
    """Return what a service says of its list, by the fields of ``ir.Service``.

    Parameters
    ----------
    context : Context
    cls : type
    on : ir.Source
    scoring : Scoring
        How candidates are scored.

    Raises
    ------
    DefinitionError
    """
    top = cls.decide
    if not isinstance(top, DeclaredTop):
        if cls.candidates or cls.exclude:
            raise DefinitionError("candidates are for a list", remedy="write decide = tw.top(20)")
        return Listing()._asdict()
    if not cls.candidates:
        raise DefinitionError("tw.top() has nothing to choose from", remedy="add candidates = [tw.top_by(...)]")
    models = models_of(cls)
    if not models or any(model.view._each is None for model in models):
        raise DefinitionError(
            "a list is ordered by models whose views have a row for each item",
            remedy=f"write class RowView(tw.View, on={on.name}, each=Shown.movie)",
        )
    own = [] if scoring.score_view is None else [scoring.score_view]
    _check_rows([*(context.views[model.view] for model in models), *own])
    if scoring.combine is not None and scoring.combine.top and scoring.combine.top[-1] < top.k:
        raise DefinitionError(
            f"the cascade's last model scores {scoring.combine.top[-1]} candidates, too few for a list of {top.k}",
            remedy=f"write top={10 * top.k}",
        )
    return _Compiler(context, cls, on, scoring.score_view).compile(top)._asdict()


def _check_rows(views: list[ir.View]) -> None:
    """Refuse models whose rows are of other items, or that one column is served to as different things."""
    rows = {(view.on, *_rows_of(view)) for view in views}
    if len(rows) > 1:
        told = " and ".join(sorted(f"{on}, each={source}.{item}" for on, source, item, _ in rows))
        raise DefinitionError(
            f"one list's models score rows of different things: {told}",
            remedy="give their views the same on= and each=",
        )
    served: dict[str, Served] = {}
    for column in (column for view in views if view.each is not None for column in view.each.served):
        if served.setdefault(column.column, column) != column:
            name = f"{views[0].each and views[0].each.source}.{column.column}"
            raise DefinitionError(
                f"{name} is served to the list's models as two different things", remedy="serve it as one to both"
            )


def _rows_of(view: ir.View) -> tuple[str, str, str]:
    each = view.each
    assert each is not None
    return each.source, each.item, each.request


def _with_inner(context: Context, views: list[ir.View]) -> list[ir.View]:
    """Return views with those of the models whose scores they have as columns."""
    found, by_name = list(views), {view.name: view for view in context.views.values()}
    for view in found:
        read = set(scores_in(view))
        inner = [by_name[model.view] for model in context.models.values() if model.name in read]
        found += [one for one in inner if one not in found]
    return found


def item_key(context: Context, model: type[Model], value: object) -> str:
    """Return what a list's rows call their item, where ``Shown.movie`` names it; "" where that names something else."""
    each = context.views[model.view].each
    if each is None or not isinstance(value, PathColumn) or value._root.__name__ != each.source:
        return ""
    return each.key if value._names == (each.item,) else ""


class _Compiler:
    def __init__(self, context: Context, cls: type[Service], on: ir.Source, score: ir.View | None) -> None:
        self.context, self.cls, self._score = context, cls, score
        models = models_of(cls)
        views = [context.views[model.view] for model in models]
        own, self.seen = cast("type", cls._on), cast("type", models[0].view._on)
        self.surface = None if views[0].on == on.name else Surface(context, on, own, _with_inner(context, views))
        self.asked = self.surface or RowScope(context, on)
        self.items = EachScope(context, context.source_of(self.seen), self.seen, models[0].view._each)
        self.target = context.sources[self.items.each.target]
        self._asked: list[ir.ViewColumn] = []
        self._shown: list[ir.ViewColumn] = []

    def compile(self, top: DeclaredTop) -> Listing:
        """Return the frozen list, and what is read for it."""
        sources = tuple(self._source(str(place), source) for place, source in enumerate(self.cls.candidates))
        exclude = tuple(self._text(f"exclude.{i}", column) for i, column in enumerate(columns_of(self.cls.exclude)))
        at_most = tuple(
            (self._item(f"at_most.{i}", column), most) for i, (column, most) in enumerate(top.at_most.items())
        )
        rules = tuple(self._rule(f"rule.{i}", rule) for i, rule in enumerate(top.rules))
        weight, vector = (top.diversity.weight, self._vector(top.diversity.on)) if top.diversity else (1.0, "")
        items = self._view("items", self.items, self._shown, self.items.each)
        columns = () if self.surface is None else self.surface.columns(items, self._score)
        cut = Top(top.k, weight, vector, at_most, rules)
        ranking = ir.Ranking(self.target.name, sources, cut, exclude, columns)
        return Listing(ranking, self._view("candidates", self.asked, self._asked, None), items)

    def _view(self, name: str, scope: RowScope, columns: list[ir.ViewColumn], each: ir.Each | None) -> ir.View | None:
        if not columns:
            return None
        lookups = tuple(sorted(scope.lookups.values(), key=lambda lookup: lookup.alias))
        return ir.View(
            f"{self.cls.__name__}.{name}",
            self.asked.on.name if each is None else self.seen.__name__,
            lookups,
            tuple(columns),
            file=self.cls._file,
            line=self.cls._line,
            each=each,
        )

    def _source(self, place: str, source: object) -> Candidates:
        if not isinstance(source, CandidateSource):
            raise DefinitionError(
                f"{source!r} gives no candidates", remedy="write tw.top_by(Popularity.plays_1d, k=100)"
            )
        made = Candidates(source.kind, "", source.k, source.share, refresh=parse_duration(source.refresh))
        given = self._how(source.kind)(place, source)
        return msgspec.structs.replace(made, **given)

    def _how(self, kind: str) -> Callable[[str, CandidateSource], dict[str, Any]]:
        return {
            "top_by": self._top_by, "nearest": self._nearest, "text": self._text_search,
            "listed": self._listed, "function": self._function, "stored": self._stored,
        }[kind]  # fmt: skip

    def _top_by(self, _place: str, source: CandidateSource) -> dict[str, Any]:
        value = source.value
        owner = value._owner if isinstance(value, Column) else None
        if not (isinstance(owner, type) and issubclass(owner, Features)):
            raise DefinitionError("tw.top_by() takes a feature", remedy="write tw.top_by(Popularity.plays_1d, k=100)")
        group, name = self.context.groups[owner], cast("Column[Any]", value)._name
        if group.by != (self.target.name,):
            raise DefinitionError(
                f"{group.name} is keyed by {', '.join(group.by)}, and candidates are of {self.target.name}"
            )
        if self.context.feature_types[owner, name] not in ("number", "bool", "time"):
            raise DefinitionError(f"{group.name}.{name} is no number to go by")
        text = f"top_by({group.name}.{name})"
        return {"name": text, "group": group.name, "feature": name, "lowest": source.lowest}

    def _nearest(self, place: str, source: CandidateSource) -> dict[str, Any]:
        feature = self._vector(source.value)
        to, name = source.to, f"nearest({self.target.name}.{feature})"
        if isinstance(to, PathColumn):
            to = to if self.surface is None else self.surface.plain(to)
            found = walk(self.context.sources, self.asked.on, to._names) if to._root is self.cls._on else None
            if found is not None and found.column.target == self.target.name:
                return {"name": name, "feature": feature, "columns": (self._text(place, to),), "of_item": True}
        typed = lower(to, self.asked.column)
        size = next(column.size for column in self.target.columns if column.name == feature)
        if typed.type != "vector" or typed.size != size:
            raise DefinitionError(
                f"tw.nearest(to=...) takes a vector of {size} numbers, or a reference to a {self.target.name}"
            )
        parts = [self._add(self._asked, f"{place}.{i}", part, text=False) for i, part in enumerate(elements(typed))]
        return {"name": name, "feature": feature, "columns": tuple(parts)}

    def _text_search(self, place: str, source: CandidateSource) -> dict[str, Any]:
        feature = self._attribute(source.value, ("text", "category", "key"), "a text")
        name = f"text({self.target.name}.{feature})"
        return {"name": name, "feature": feature, "columns": (self._text(place, source.to),)}

    def _listed(self, place: str, source: CandidateSource) -> dict[str, Any]:
        columns = columns_of(source.value)
        names = [self._text(f"{place}.{i}", column) for i, column in enumerate(columns)]
        told = getattr(source.value, "_name", "") or getattr(columns[0], "_name", "")
        return {"name": f"listed({told})", "columns": tuple(names)}

    def _function(self, place: str, source: CandidateSource) -> dict[str, Any]:
        call = source.value
        if not isinstance(call, FunctionType):
            raise DefinitionError("tw.retrieve.function() takes a plain function")
        args = cast("Iterable[object]", source.to)
        names = [
            self._add_typed(self._asked, f"{place}.{i}", lower(arg, self.asked.column)) for i, arg in enumerate(args)
        ]
        own = capture(call, self.context.root)
        return {"name": f"function({call.__name__})", "columns": tuple(names), "function": call.__name__, "source": own}

    def _stored(self, place: str, source: CandidateSource) -> dict[str, Any]:
        ahead, other = source.ahead, source.value
        if ahead is None or not (isinstance(other, type) and issubclass(other, Service)):
            raise DefinitionError(f"{other!r} is no service", remedy="write tw.batch.candidates(Overnight, by=User)")
        if any(isinstance(one, CandidateSource) and one.kind == "stored" for one in ahead.live):
            raise DefinitionError(
                "the sources beside a list made ahead are live ones", remedy="name both in candidates"
            )
        views = [self.context.views[model.view] for model in models_of(other)]
        if not isinstance(other.decide, DeclaredTop) or {view.each and view.each.target for view in views} != {
            self.target.name
        }:
            raise DefinitionError(f"{other.__name__} answers no lists of {self.target.name}")
        by = (
            source.to
            if self.surface is None or not isinstance(source.to, PathColumn)
            else self.surface.plain(source.to)
        )
        path, entity = key_of(self.context, self.asked.on, by)
        asked = on_source(self.context, other, other._on)
        keys = [column.name for column in asked.columns if entity in (column.target, column.name)]
        if len(keys) != 1:
            raise DefinitionError(
                f"{len(keys)} columns of {asked.name} say whose list of {other.__name__} it is, by {entity}",
                remedy=f"give {asked.name} one reference to {entity}",
            )
        max_age, alert = parse_duration(ahead.max_age), share_of("alert", ahead.alert)
        return {
            "name": f"stored({other.__name__})",
            "service": other.__name__,
            "key": keys[0],
            "stored": ir.Stored(path, entity, max_age, alert=alert),
            "live": tuple(self._source(f"{place}-{n}", live) for n, live in enumerate(ahead.live)),
            "after": ahead.after,
        }

    def _rule(self, name: str, rule: object) -> Rerank:
        if not isinstance(rule, RerankRule):
            raise DefinitionError(f"{rule!r} is no rule over items", remedy="write tw.rerank.drop(Movie.adult)")
        typed = lower(rule.when, self.items.column)
        if typed.type != "bool":
            raise DefinitionError(f"{text_of(typed.expr)} is no condition", remedy="compare it with something")
        return Rerank(rule.kind, self._add_typed(self._shown, name, typed), rule.by, rule.at)

    def _item(self, name: str, column: object) -> str:
        return self._add_typed(self._shown, name, lower(column, self.items.column))

    def _text(self, name: str, column: object) -> str:
        typed = lower(column, self.asked.column)
        if typed.type != "text":
            raise DefinitionError(f"{text_of(typed.expr)} holds no ids or words: it is a {typed.type}")
        return self._add_typed(self._asked, name, typed)

    def _add_typed(self, columns: list[ir.ViewColumn], name: str, typed: Typed) -> str:
        if typed.type == "vector":
            raise DefinitionError(f"{text_of(typed.expr)} is a vector", remedy="name a number or a text")
        return self._add(columns, name, typed.expr, typed.type == "text")

    def _add(self, columns: list[ir.ViewColumn], name: str, value: ir.Expr, text: bool) -> str:
        columns.append(ir.ViewColumn(name, value, text))
        return name

    def _vector(self, value: object) -> str:
        """Return the item's vector attribute that is named, or the only one it has."""
        if isinstance(value, type) and issubclass(value, Entity) and value.__name__ == self.target.name:
            found = [column.name for column in self.target.columns if column.kind == "vector"]
            if len(found) == 1:
                self._keep_attributes()
                return found[0]
            raise DefinitionError(
                f"{self.target.name} has {len(found)} vectors", remedy=f"name one: {self.target.name}.embedding"
            )
        return self._attribute(value, ("vector",), "a vector")

    def _attribute(self, value: object, kinds: tuple[str, ...], what: str) -> str:
        named = isinstance(value, PathColumn) and value._root.__name__ == self.target.name and len(value._names) == 1
        column = self.target.column(value._names[0]) if isinstance(value, PathColumn) and named else None
        if column is None or column.kind not in kinds:
            raise DefinitionError(f"{value!r} is not {what} of {self.target.name}")
        self._keep_attributes()
        return column.name

    def _keep_attributes(self) -> None:
        """See to it that the stream folds the items' attributes, though no view may read one."""
        self.context.attributes.setdefault(self.target.name, attribute_group(self.target))
