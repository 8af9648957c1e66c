"""Compiles what a ``tw.Model`` says of its evaluation: slices, blocks, gates."""

from __future__ import annotations

from typing import Any

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, PathColumn
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.data import compile_split
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.models.models import Model
from tidewheel.errors import DefinitionError

_OF_METRIC = ("at_least", "at_most", "beats_champion", "no_slice_worse")


def compile_slices(cls: type[Model], view: ir.View) -> tuple[str, ...]:
    """Return the view's columns by name that a model wants looked at value by value."""
    given = [cls.slices] if isinstance(cls.slices, str | Column) else list(cls.slices)
    return tuple(_view_column(cls, view, item) for item in given)


def _view_column(cls: type[Model], view: ir.View, item: Any) -> str:
    known = [column.name for column in view.columns]
    name = item if isinstance(item, str) else _name_in(cls.view, item)
    if name not in known:
        told = item if isinstance(item, str) else getattr(item, "_name", "") or repr(item)
        raise DefinitionError(
            f"'{told}' is no column of {view.name} to slice by",
            remedy=likely(str(told), known) or f"write slices = [{view.name}.{known[0]}]",
        )
    return name


def _name_in(view: type, item: Any) -> str:
    """Return the name of a column in a view, one level deep into groups: ``country``, ``card.mean_7d``."""
    for name in dir(view):
        if name.startswith("_"):
            continue
        value = getattr(view, name)
        if value is item:
            return name
        if isinstance(value, type):
            inner = next((part for part in vars(value) if getattr(value, part, None) is item), "")
            if inner:
                return f"{name}.{inner}"
    return str(getattr(item, "_name", ""))


def compile_blocks(cls: type[Model], view: ir.View) -> str:
    """Return what rows are drawn together by: a column of the view's event, or microseconds."""
    blocks = cls.blocks
    if blocks is None:
        return ""
    if isinstance(blocks, PathColumn):
        if blocks._root.__name__ != view.on or len(blocks._names) != 1:
            raise DefinitionError(
                f"blocks takes a column of {view.on} itself", remedy=f"write blocks = {view.on}.card, or blocks = '1d'"
            )
        return blocks._names[0]
    if isinstance(blocks, Column | type):
        raise DefinitionError(
            f"blocks takes a column of {view.on}, or a duration", remedy=f"write blocks = {view.on}.card, or '1d'"
        )
    return str(parse_duration(blocks))


def compile_lists(
    context: Context, cls: type[Model], view: ir.View, label: ir.Label, where: ir.Label | ir.View | None
) -> tuple[str, ir.Split]:
    """Return the column of the event whose values are lists, and a split that keeps them whole.

    Of a split by time, train rows of a list that is tested on are left out.
    """
    told = [label, where] if isinstance(where, ir.Label) else [label]
    split = compile_split(context, cls, view, max(label.within for label in told))
    if label.immature == "reweight" and (ranks(cls, view) or split.kind in ("group", "random")):
        what = "lists are learned whole" if ranks(cls, view) else "a split by hash has no instant before its test"
        raise DefinitionError(
            f"immature='reweight': {what}", remedy="split by time, rows of their own; or leave it out"
        )
    if not ranks(cls, view):
        if "Ranker" in type(cls.estimator).__name__:
            raise DefinitionError(
                f"{type(cls.estimator).__name__} orders lists, and nothing says which rows are one",
                remedy=f"write group = {view.on}.request, the column that is equal for the rows of a list",
            )
        return "", split
    name = _list_column(context, cls, view)
    if split.kind == "random":
        raise DefinitionError(
            "a random split tears lists apart", remedy=f"write split = tw.split.by_group({view.on}.{name})"
        )
    if cls.calibrate is not None:
        raise DefinitionError("the scores of lists order, and are no probabilities", remedy="remove calibrate")
    return name, split if split.by else msgspec.structs.replace(split, by=(name,))


def ranks(cls: type[Model], view: ir.View) -> bool:
    """Whether a model orders lists: it says of what, or it learns grades of a request's items."""
    if cls.group is not None:
        return True
    return view.each is not None and (cls.label.kind == "grade" or "Ranker" in type(cls.estimator).__name__)


def _list_column(context: Context, cls: type[Model], view: ir.View) -> str:
    """Return the column whose equal values are a list; of a view with a row for each item, the request's id."""
    group, whole = cls.group, context.sources[view.on].id_column or ""
    known = isinstance(group, PathColumn) and len(group._names) == 1
    if view.each is not None and (group is None or (known and group._names[0] == view.each.request)):
        return whole
    if not known or group._root.__name__ != view.on:
        raise DefinitionError(f"group takes a column of {view.on} itself", remedy=f"write group = {view.on}.request")
    return str(group._names[0])


def compile_gates(cls: type[Model], view: ir.View, metrics: tuple[str, ...]) -> tuple[ir.Gate, ...]:
    """Return a model's gates, each of which names a metric and columns that there are."""
    columns = [column.name for column in view.columns]
    timed = ("p99_below", "latency_below", "memory_below")
    for gate in cls.gates:
        if not isinstance(gate, ir.Gate):
            raise DefinitionError(f"{gate!r} is no gate", remedy="write tw.at_least(metric, value), tw.parity(), ...")
        if view.each is not None and gate.kind in timed:
            raise DefinitionError(
                f"the gate {gate.kind} tries single events, and this model is asked for lists",
                remedy="measure the service with `tidewheel bench`",
            )
        if gate.kind in _OF_METRIC and gate.metric not in metrics:
            raise DefinitionError(
                f"the gate {gate.kind} asks for '{gate.metric}', which is not among the metrics"
                if gate.metric
                else f"the gate {gate.kind} names no metric",
                remedy=likely(str(gate.metric), metrics),
            )
        for name in gate.by:
            if name not in columns:
                raise DefinitionError(
                    f"the gate {gate.kind} asks for '{name}', which is no column of {view.name}",
                    remedy=likely(str(name), columns),
                )
    return tuple(cls.gates)
