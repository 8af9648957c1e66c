"""What aggregates take by name, and from whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias, TypedDict

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Aggregated, Column, Condition
from tidewheel.definitions.events.rows import Row
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.language.places import likely, mistake

KeyLike: TypeAlias = "type[Row] | str | float | datetime | Column[Any] | None"
Keys: TypeAlias = "KeyLike | tuple[KeyLike, ...]"
Number: TypeAlias = "float | Column[float] | None"


class Options(TypedDict, total=False):
    """What every aggregate takes, by name."""

    where: Condition
    """Only rows for which this holds."""
    delay: Duration
    """End the window this much before the instant, e.g. where labels are known."""
    hop: Duration
    """How fine the window's tail is; by default about a twelfth of the window or less."""
    by: Keys
    """The path to the key, where several lead there; a tuple for a key of several parts."""
    exact: bool
    """Keep rows one by one, so that the window's edges are exact to the microsecond."""
    cap: int
    """With ``exact=True``: keep the rows of at most so many instants, 1,000 unless given. Beyond it the
    window is rounded to its hop, as without ``exact=``."""
    past_cap: bool
    """Instead of the value: how many instants' rows the cap has cost the window. 0 while it is exact."""
    include_request: bool
    """Count the row that a view is read for as well, as the newest: the payment that is being decided."""
    default: float | str
    """Value of an empty window, otherwise 0 for count and distinct and null for the rest."""
    was: str
    """The feature's former name, for readers: renaming keeps state in any case."""


class Decaying(Options, total=False):
    """What `count`, `sum` and `mean` take besides."""

    half_life: Duration
    """Let rows weigh 2 ** (-age / half_life): half after this long, a quarter after twice as long."""


_OWN: dict[str, frozenset[str]] = {
    "count": frozenset({"half_life"}),
    "sum": frozenset({"half_life"}),
    "mean": frozenset({"half_life"}),
    "distinct": frozenset({"exact_to"}),
    "quantile": frozenset({"exact_to", "q"}),
    "top_k": frozenset({"exact_to", "n", "place"}),
    "last_n": frozenset({"n", "place"}),
}
"""Options that not every aggregate has."""


def aggregated(op: ir.AggregateOp, value: object, window: Duration | None, **options: Any) -> Aggregated:
    """Return an aggregate as it is declared.

    Raises
    ------
    DefinitionError
        It has no such option.
    """
    known = {*Options.__annotations__, *_OWN.get(op, ())}
    unknown = sorted(set(options) - known)
    if unknown:
        raise mistake(f"tw.{op}() has no option '{unknown[0]}'", likely(unknown[0], known))
    return Aggregated(op, value, window=window, **options)
