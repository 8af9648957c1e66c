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

from tidewheel.definitions.ranking import boost, drop, pin

__all__ = ["boost", "drop", "pin"]
