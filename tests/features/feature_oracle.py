"""What each feature should be, computed in the plainest way from lists of events. Shares no code with the product."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tidewheel.definitions import ir


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


def aggregate_value(aggregate: ir.Aggregate, seen: list[Effective], instant: int):
    """The value of an aggregate over the events it sees, at an instant."""
    values = []
    for event in seen:
        if not _in_window(aggregate, event.own.at, instant):
            continue
        if aggregate.where is not None and evaluate(aggregate.where, lambda c, e=event: e.get(c.path)) not in (
            True,
            1.0,
        ):
            continue
        value = 1 if aggregate.value is None else evaluate(aggregate.value, lambda c, e=event: e.get(c.path))
        if value is not None:
            values.append((event, value))
    result = _finish(aggregate, values, instant)
    if result is None and aggregate.default is not None:
        return aggregate.default
    return result


def _in_window(aggregate: ir.Aggregate, at: int, instant: int) -> bool:
    if aggregate.window == 0:
        return True
    tile = at // aggregate.hop
    if tile < (instant - aggregate.delay - aggregate.window) // aggregate.hop:
        return False
    return not aggregate.delay or tile < (instant - aggregate.delay) // aggregate.hop


def _finish(aggregate, values, instant):
    op = aggregate.op
    if op == "count":
        return len(values)
    if op == "distinct":
        return len({value for _, value in values})
    if not values:
        return None
    if op in ("sum", "mean"):
        total = _sum(aggregate, values)
        return total if op == "sum" else total / len(values)
    if op in ("min", "max"):
        return (min if op == "min" else max)(value for _, value in values)
    if op == "std":
        if len(values) < 2:
            return None
        mean = math.fsum(v for _, v in values) / len(values)
        return math.sqrt(math.fsum((v - mean) ** 2 for _, v in values) / (len(values) - 1))
    if op == "time_since_last":
        return (instant - max(event.own.at for event, _ in values)) / 1e6
    ordered = sorted(values, key=lambda pair: (pair[0].own.at, pair[0].offset))
    if op == "last":
        return ordered[-1][1]
    return ordered[0][1]


def _sum(aggregate, values):
    """Sum as the rules say: each tile by itself in fold order, then tiles oldest first."""
    tiles: dict[int, float] = {}
    for event, value in values:
        tile = event.own.at // aggregate.hop if aggregate.hop else 0
        tiles[tile] = tiles.get(tile, 0.0) + value
    total = 0.0
    for tile in sorted(tiles):
        total += tiles[tile]
    return total


def group_row(group: ir.Group, events, refs, key: tuple, instant: int, visible):
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
            row[feature.name] = aggregate_value(aggregate, seen, instant)
    for feature in group.features:
        if not isinstance(feature.value, ir.Aggregate):
            row[feature.name] = evaluate(feature.value, lambda f: row[f.name])
    return row
