"""Which rows an aggregate spans in time and how they weigh: window, hop, delay, cap, half-life, checked together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

from tidewheel.definitions.language.durations import hop_of, parse_duration, spare_hop
from tidewheel.errors import DefinitionError

CAP = 1000
"""At how many instants an exact window keeps rows unless it says otherwise."""
MOST = 100_000
_SETS = frozenset({"quantile", "top_k", "last_n"})


class Span(NamedTuple):
    """Microseconds; a window of 0 is the whole life of the entity, a cap of 0 one that is not exact."""

    window: int = 0
    hop: int = 0
    delay: int = 0
    half_life: int = 0
    cap: int = 0
    past_cap: bool = False


def span_of(op: str, options: Mapping[str, object]) -> Span:
    """Return what an aggregate's options say of time.

    Raises
    ------
    DefinitionError
        When they don't fit each other.

    Examples
    --------
    >>> span_of("count", {"window": "1h", "delay": "10min"})
    Span(window=3600000000, hop=300000000, delay=600000000, half_life=0, cap=0, past_cap=False)
    """
    window, hop, delay, half_life = (
        parse_duration(cast("str", options[name])) if options.get(name) is not None else None
        for name in ("window", "hop", "delay", "half_life")
    )
    cap, past_cap = _cap(op, options), options.get("past_cap", False) is True
    if window is not None and cap:
        if op == "distinct":  # each value's newest instant is kept in any case; exact_to caps how many
            return Span(window, 1)
        return Span(window, spare_hop(window, hop), delay or 0, 0, cap, past_cap)
    if window is not None:
        return Span(window, hop_of(window, hop), delay or 0, half_life or 0)
    if hop or delay or cap:
        raise DefinitionError("hop=, delay= and exact= belong to a window", remedy="give one, e.g. '28d'")
    if op == "rate":
        raise DefinitionError(
            "tw.rate() needs a window", remedy="give one, e.g. '1h'; over a whole life divide count by time_since_first"
        )
    return Span(half_life=half_life or 0)


def _cap(op: str, options: Mapping[str, object]) -> int:
    """Return at how many instants rows are kept one by one; 0 without ``exact=True``."""
    cap = options.get("cap", CAP)
    if options.get("exact", False) is not True:
        if {"cap", "past_cap"} & set(options) or options.get("exact", False) is not False:
            raise DefinitionError("cap= and past_cap= go with exact=True", remedy="exact=True, cap=1000")
        return 0
    if not isinstance(cap, int) or isinstance(cap, bool) or not 1 <= cap <= MOST:
        raise DefinitionError(f"cap={cap!r} is no whole number from 1 to {MOST}")
    if op in _SETS:
        raise DefinitionError(f"tw.{op}() has no exact window", remedy="give hop= for a finer tail")
    if "half_life" in options:
        raise DefinitionError("a decayed window needs no exact tail: it hardly weighs", remedy="give hop= instead")
    if op == "distinct" and {"cap", "past_cap", "delay", "hop"} & set(options):
        raise DefinitionError(
            "tw.distinct() with exact=True takes no cap=, past_cap=, hop= or delay=",
            remedy="exact_to= caps how many values it keeps; with delay= give hop=",
        )
    return cap
