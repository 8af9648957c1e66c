"""Aggregates that count the row a decision is asked for: what is kept for them is what is kept without it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tidewheel.definitions import ir
from tidewheel.errors import DefinitionError

FOLDED = frozenset({"distinct", "var", "std", "rate", "quantile", "top_k", "last_n"})
"""Read from a copy of the state that the row asked for is folded into; the others take it in by an expression."""


def kept_for(aggregate: ir.Aggregate) -> tuple[ir.Aggregate, ...]:
    """Return the aggregates of past rows that one is made of: itself, unless it counts the row asked for.

    A mean that does is a sum and a count of values; the others need themselves alone.
    """
    if not aggregate.include_request:
        return (aggregate,)
    plain = replace(aggregate, include_request=False, default=None)
    if plain.op != "mean":
        return (plain,)
    assert plain.value is not None
    present: ir.Expr = ir.Call("not", (ir.Call("is_null", (plain.value,)),))
    if plain.where is not None:
        present = ir.Call("and", (plain.where, present))
    return replace(plain, op="sum"), replace(plain, op="count", value=None, where=present)


def includes_request(aggregate: ir.Aggregate, options: Mapping[str, object], paths: list[ir.Path]) -> bool:
    """Tell whether an aggregate counts the row asked for; `paths` are what it reads.

    Raises
    ------
    DefinitionError
        When it can't.
    """
    wanted = options.get("include_request", False)
    if not isinstance(wanted, bool):
        raise DefinitionError(f"include_request={wanted!r} is neither True nor False")
    if not wanted:
        return False
    if aggregate.delay or aggregate.past_cap:
        raise DefinitionError("include_request= goes with neither delay= nor past_cap=: the request is the newest row")
    if any(len(path) > 1 for path in paths):
        raise DefinitionError(
            "include_request= goes by the row's own columns", remedy="carry what it refers to on the event itself"
        )
    return True
