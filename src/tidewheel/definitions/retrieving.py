"""Further sources of candidates: ``tw.retrieve``.

Examples
--------
>>> import tidewheel as tw
>>> class Movie(tw.Entity):
...     id: tw.Id
...     title: tw.Text
>>> class Search(tw.Event):
...     id: tw.Id
...     words: tw.Text
>>> tw.retrieve.text(Movie.title, query=Search.words, k=50).kind
'text'
"""

from __future__ import annotations

from tidewheel.definitions.ranking import function, listed, nearest, text, top_by

__all__ = ["function", "listed", "nearest", "text", "top_by"]
