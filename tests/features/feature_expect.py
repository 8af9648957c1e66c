"""What each row of the shop's view should be, by the oracle."""

from __future__ import annotations

import struct

from feature_oracle import Effective, Happening, attributes_row, evaluate, group_row
from feature_shop import GRAPH, VIEW
from feature_world import REFS

from tidewheel.definitions import attribute_group, ir

GROUPS = {group.name: group for group in GRAPH.groups}
SOURCES = {source.name: source for source in GRAPH.sources}
USER_ATTRIBUTES = attribute_group(SOURCES["User"])


def view_row(
    events: list[Happening], row: Happening, instant: int, visible=None, view=VIEW, groups=GROUPS
) -> dict[str, object]:
    """The view's row for one event; `visible(group, effective event)` defaults to a historical read."""

    def default(group: ir.Group, event: Effective) -> bool:
        return event.own.at <= instant if group.attributes else event.arrived < instant

    sees = visible or default
    looked_up = {}
    for lookup in view.lookups:
        key = tuple(row.columns.get(path[0]) for path in lookup.keys)
        group = groups[lookup.group]
        looked_up[lookup.alias] = group_row(group, events, REFS, key, instant, lambda e, g=group: sees(g, e), row)
    looked_up["User"] = attributes_row(
        SOURCES["User"], events, row.columns.get("user"), lambda e: sees(USER_ATTRIBUTES, e)
    )
    found: dict[str, object] = {}

    def leaf(expr):
        if isinstance(expr, ir.Feature):
            return looked_up[expr.alias][expr.name]
        if isinstance(expr, ir.Computed):
            return found[expr.name]
        return looked_up["User"][expr.path[1]] if len(expr.path) > 1 else row.columns.get(expr.path[0])

    for column in view.columns:
        if isinstance(column.value, ir.Derived):
            found[column.name] = DERIVED[column.value.name](*(evaluate(arg, leaf) for arg in column.value.args))
        else:
            found[column.name] = evaluate(column.value, leaf)
    return found


DERIVED = {
    "changed": lambda kind, last: kind != last,
    "label": lambda changed, kind, tier: kind if changed else tier,
}


def check_row(found: dict[str, object], expected: dict[str, object]) -> None:
    for name, value in expected.items():
        got = found[name]
        if isinstance(value, bool):
            value = float(value)
        if value is None or isinstance(value, str):
            assert got == value, (name, got, value)
        else:
            assert got is not None, (name, value)
            # To the bit, but for a zero's sign, which a sketch's tables and Python's sums drop.
            assert struct.pack("d", got + 0.0) == struct.pack("d", float(value) + 0.0), (name, got, value)
