"""What a decision record holds more than one of: stages, the items of a list, and what models made of those."""

from __future__ import annotations

from typing import Any

import msgspec


class Stage(msgspec.Struct, array_like=True, gc=False):
    """What one model of several answered in a decision.

    Attributes
    ----------
    name : str
        The model, or ``row``: what a score expression read beside models' scores.
    model, bundle : str
        ``"Fraud@3"`` and the content hash served.
    view, features, texts
        The model's own row, as the record's fields of these names; empty where it is the record's row.
    score : float or None
        None when it failed, was late, or there is nothing to score.
    ns : int
        From asking to the answer.
    note : str
        Why it gave no score, as a record's `reason`.
    """

    name: str
    model: str = ""
    bundle: str = ""
    view: str = ""
    features: bytes = b""
    texts: dict[str, str] = {}
    score: float | None = None
    ns: int = 0
    note: str = ""


class Item(msgspec.Struct, array_like=True, gc=False):
    """One item of a list that answered.

    Attributes
    ----------
    id : str
    score : float or None
        The model's; None where it did not answer.
    rank : int
        The place in the list, from 1.
    source : str
        Which source of candidates gave it: ``top_by(Popularity.plays_1d)``.
    features : bytes
        The row of the model's view, as `DecisionRecord.features`.
    inputs : dict
        The row's own columns: the item, and what stood for columns of what is shown.
    """

    id: str
    score: float | None
    rank: int
    source: str
    features: bytes = b""
    inputs: dict[str, Any] = {}


class ItemScore(msgspec.Struct, array_like=True, gc=False):
    """What one model of several made of an item that was shown.

    Attributes
    ----------
    item : str
        Its id.
    stage : str
        The model, or ``row``: what a score expression read of the item beside models' scores.
    score : float or None
        None for ``row``.
    features : bytes
        The row that the model saw; empty where it is the item's own `features`.
    """

    item: str
    stage: str
    score: float | None = None
    features: bytes = b""
