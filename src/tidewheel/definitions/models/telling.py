"""What a model's declaration says of its rows, in words."""

from __future__ import annotations

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.expressions import text_of
from tidewheel.definitions.language.durations import format_duration
from tidewheel.definitions.models.labels import sources_of


def rows_told(model: ir.Model) -> str:
    """Say which rows a model is meant for, and how it takes young ones; "" where it takes all that are mature.

    Examples
    --------
    >>> bought, clicked = (ir.Label("happened", name, ("ad",), 60_000_000) for name in ("Order", "Click"))
    >>> rows_told(ir.Model("CVR", "AdView", bought, ir.Split(1, 1), "", where=clicked))
    'where Click within 1min'
    """
    young = f"rows younger than {format_duration(model.label.within)} weigh what they stand for"
    return "; ".join(filter(None, [_where_told(model.where), young * (model.label.immature == "reweight")]))


def _where_told(where: ir.Label | ir.View | None) -> str:
    if where is None:
        return ""
    if isinstance(where, ir.View):
        condition = where.columns[0].value
        return f"where {text_of(condition).removeprefix('(').removesuffix(')')}"
    said = " or ".join(sources_of(where)) if where.value is None else f"{where.source}: {text_of(where.value)}"
    return f"where {said} within {format_duration(where.within)}"
