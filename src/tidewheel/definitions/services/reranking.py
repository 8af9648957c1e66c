"""Business rules over the items of a list: ``tw.rerank``.

Examples
--------
>>> import tidewheel as tw
>>> class Movie(tw.Entity):
...     id: tw.Id
...     adult: bool
...     ours: bool
>>> decide = tw.top(20, rules=[tw.rerank.drop(Movie.adult), tw.rerank.boost(Movie.ours, by=0.2)])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidewheel.definitions.columns.columns import Condition
from tidewheel.definitions.language.quantities import number, whole

__all__ = ["boost", "drop", "pin"]


@dataclass(frozen=True, eq=False)
class RerankRule:
    """Made by ``tw.rerank``."""

    kind: Literal["drop", "boost", "pin"]
    when: Condition
    by: float = 0.0
    at: int = 0


def drop(when: Condition) -> RerankRule:
    """Leave out the items for which a condition holds."""
    return RerankRule("drop", when)


def boost(when: Condition, *, by: float) -> RerankRule:
    """Add to the scores of the items for which a condition holds."""
    return RerankRule("boost", when, by=number(by))


def pin(when: Condition, *, at: int) -> RerankRule:
    """Put the best item for which a condition holds at a place of the list, counted from 1."""
    return RerankRule("pin", when, at=whole("at", at))
