"""What each feature should be, computed in the plainest way from lists of events. Shares no code with the product."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import feature_formulas as formulas
from msgspec.structs import replace
from tests import sketch_oracle

from tidewheel.definitions import ir
from tidewheel.kernel import hash_text

FOLDED = ("distinct", "var", "std", "rate", "quantile", "top_k", "last_n")
"""Aggregates into which the row asked for goes as any event would; the others add it to what is there."""


@dataclass
class Happening:
    """One event as it came: nothing but Python values."""

    type: str
    id: str
    at: int
    arrived: int
    offset: int
    columns: dict[str, object] = field(default_factory=dict)


@dataclass
class Effective:
    """An event as an aggregate sees it: with its target, at the position where both are there."""

    own: Happening
    target: Happening | None
    arrived: int
    offset: int

    def get(self, path):
        row = self.own if len(path) == 1 else self.target
        return row.at if path[-1] == "at" else row.columns.get(path[-1])


def evaluate(expr, get):
    if isinstance(expr, ir.Const):
        return expr.value
    if not isinstance(expr, ir.Call):
        return get(expr)
    args = [evaluate(arg, get) for arg in expr.args]
    if expr.op == "is_null":
        return args[0] is None
    if any(arg is None for arg in args):
        return None
    a, b = float(args[0]), float(args[1])
    if expr.op == "div":
        result = math.inf if b == 0 else a / b
        return result if math.isfinite(result) else None
    return {"gt": a > b, "add": a + b}[expr.op]


def effective(events: list[Happening], aggregate: ir.Aggregate, refs: dict) -> list[Effective]:
    """The events that count in an aggregate, in fold order; one whose target never comes does not."""
    by_id = {}
    for event in events:
        by_id.setdefault((event.type, event.id), event)
    paths = list(aggregate.keys)
    for expr in (aggregate.value, aggregate.where):
        paths += _paths(expr)
    hop = next((path[0] for path in paths if len(path) > 1), None)
    found = []
    for event in events:
        if event.type != aggregate.source:
            continue
        if hop is None:
            found.append(Effective(event, None, event.arrived, event.offset))
            continue
        target = by_id.get((refs[event.type, hop], event.columns.get(hop)))
        if target is not None:
            found.append(Effective(event, target, max(event.arrived, target.arrived), max(event.offset, target.offset)))
    return sorted(found, key=lambda e: (e.offset, e.own.offset))


def _paths(expr):
    if isinstance(expr, ir.Col):
        return [expr.path]
    if isinstance(expr, ir.Call):
        return [path for arg in expr.args for path in _paths(arg)]
    return []


def aggregate_value(aggregate: ir.Aggregate, seen: list[Effective], instant: int, row: Happening | None = None):
    """The value of an aggregate over the events it sees, at an instant; `row` is the one asked for."""
    if (
        aggregate.include_request
        and row is not None
        and all(row.columns[path[0]] is not None for path in aggregate.keys)
    ):
        return with_request(aggregate, seen, instant, row)
    values = []
    for event in seen:
        if aggregate.where is not None and evaluate(aggregate.where, lambda c, e=event: e.get(c.path)) not in (
            True,
            1.0,
        ):
            continue
        value = 1 if aggregate.value is None else evaluate(aggregate.value, lambda c, e=event: e.get(c.path))
        if value is not None:
            values.append((event, value))
    if aggregate.cap:
        gone = formulas.lost(aggregate, [event for event, _ in values], seen, instant)
        if aggregate.past_cap:
            return gone
        if not gone:
            aggregate = replace(aggregate, hop=1)
    values = [pair for pair in values if _in_window(aggregate, pair[0].own.at, instant)]
    result = _finish(aggregate, values, instant)
    if (result is None or not values) and aggregate.default is not None:
        return aggregate.default
    return result


def with_request(aggregate, seen, instant, row):
    """The row asked for counts as one more, after all others; sums add it last."""
    if aggregate.op in FOLDED:
        own = Effective(replace_at(row, instant), None, instant, 1 << 62)
        return aggregate_value(replace(aggregate, include_request=False), [*seen, own], instant)
    plain = replace(aggregate, include_request=False, default=None)
    past = aggregate_value(plain, seen, instant)
    holds = aggregate.where is None or evaluate(aggregate.where, lambda c: row.columns[c.path[0]]) in (True, 1.0)
    value = 1 if aggregate.value is None else evaluate(aggregate.value, lambda c: row.columns[c.path[0]])
    if holds and value is not None:
        op = aggregate.op
        if op.startswith("time_since"):
            return 0.0 if past is None or op == "time_since_last" else past
        if op in ("first", "last"):
            return value if past is None or op == "last" else past
        if op == "mean":
            total = aggregate_value(replace(plain, op="sum"), seen, instant)
            return ((total or 0.0) + value) / (_values(plain, seen, instant) + 1)
        if op in ("min", "max"):
            return value if past is None else {"min": min, "max": max}[op](past, value)
        return value if past is None else past + value
    if (past is None or (aggregate.op == "count" and past == 0)) and aggregate.default is not None:
        return aggregate.default
    return past


def replace_at(row: Happening, instant: int) -> Happening:
    return Happening(row.type, row.id, instant, instant, 1 << 62, row.columns)


def _values(aggregate, seen, instant):
    """How many values there are, as they weigh."""
    rows = [event for event in seen if evaluate(aggregate.value, lambda c, e=event: e.get(c.path)) is not None]
    return aggregate_value(replace(aggregate, op="count", value=None), rows, instant)


def _in_window(aggregate: ir.Aggregate, at: int, instant: int) -> bool:
    if aggregate.window == 0:
        return True
    tile = at // aggregate.hop
    if tile < (instant - aggregate.delay - aggregate.window) // aggregate.hop:
        return False
    return not aggregate.delay or tile < (instant - aggregate.delay) // aggregate.hop


def _finish(aggregate, values, instant):
    op = aggregate.op
    if aggregate.half_life and values:
        return formulas.decayed(aggregate, values, instant)
    if op == "count":
        return len(values)
    if op == "distinct":
        return len({value for _, value in values})
    if op == "rate":
        return formulas.rate(aggregate, values, instant) if values else 0.0
    if op in ("quantile", "top_k", "last_n"):
        return _sketched(aggregate, values)
    if not values:
        return None
    if op in ("sum", "mean"):
        total = formulas.total(aggregate, values)
        return total if op == "sum" else total / len(values)
    if op in ("min", "max"):
        return (min if op == "min" else max)(value for _, value in values)
    if op in ("var", "std"):
        return (formulas.variance if op == "var" else formulas.deviation)(aggregate, values)
    if op.startswith("time_since"):
        pick = max if op == "time_since_last" else min
        return (instant - pick(event.own.at for event, _ in values)) / 1e6
    ordered = sorted(values, key=lambda pair: (pair[0].own.at, pair[0].offset))
    if op == "last":
        return ordered[-1][1]
    return ordered[0][1]


def _sketched(aggregate, values):
    hop = aggregate.hop or 1 << 62
    seen = [sketch_oracle.Seen(e.own.at // hop, e.own.at, e.offset, value) for e, value in values]
    if aggregate.op == "quantile":
        return sketch_oracle.quantile(seen, aggregate.q, aggregate.exact_to)
    if aggregate.op == "last_n":
        found = sketch_oracle.last_n(seen, aggregate.n)
    else:
        order = hash_text if aggregate.text else float
        found = sketch_oracle.top_k(seen, aggregate.n, aggregate.exact_to, order)
    return found[aggregate.place - 1] if len(found) >= aggregate.place else None


def attributes_row(entity: ir.Source, events, key, visible) -> dict[str, object]:
    """An entity's columns as its newest visible row has them, nulls included."""
    rows = [Effective(e, None, e.arrived, e.offset) for e in events if e.type == entity.name]
    rows = [row for row in rows if key is not None and row.own.columns["id"] == key and visible(row)]
    newest = max(rows, key=lambda row: (row.own.at, row.offset), default=None)
    return {column.name: newest and newest.own.columns.get(column.name) for column in entity.columns}


def group_row(group: ir.Group, events, refs, key: tuple, instant: int, visible, row_asked=None):
    """All features of a group for one entity; `visible(effective event)` says what the read sees."""
    row: dict[str, object] = {}
    for feature in group.features:
        if isinstance(feature.value, ir.Aggregate):
            aggregate = feature.value
            seen = [
                event
                for event in effective(events, aggregate, refs)
                if None not in key and tuple(event.get(path) for path in aggregate.keys) == key and visible(event)
            ]
            row[feature.name] = aggregate_value(aggregate, seen, instant, row_asked)
    for feature in group.features:
        if not isinstance(feature.value, ir.Aggregate):
            row[feature.name] = evaluate(feature.value, lambda f: row[f.name])
    return row
