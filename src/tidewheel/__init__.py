"""The production machine-learning loop in one Python package.

::

    import tidewheel as tw

    class Payment(tw.Event): ...

Importing this does no work: each name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidewheel.definitions.aggregates import count as count
    from tidewheel.definitions.aggregates import distinct as distinct
    from tidewheel.definitions.aggregates import first as first
    from tidewheel.definitions.aggregates import last as last
    from tidewheel.definitions.aggregates import max as max
    from tidewheel.definitions.aggregates import mean as mean
    from tidewheel.definitions.aggregates import min as min
    from tidewheel.definitions.aggregates import std as std
    from tidewheel.definitions.aggregates import sum as sum
    from tidewheel.definitions.aggregates import time_since_last as time_since_last
    from tidewheel.definitions.columns import Column as Column
    from tidewheel.definitions.conditions import fill as fill
    from tidewheel.definitions.conditions import if_else as if_else
    from tidewheel.definitions.conditions import is_null as is_null
    from tidewheel.definitions.conditions import isin as isin
    from tidewheel.definitions.conditions import log1p as log1p
    from tidewheel.definitions.conditions import maximum as maximum
    from tidewheel.definitions.conditions import minimum as minimum
    from tidewheel.definitions.conditions import not_ as not_
    from tidewheel.definitions.features import Features as Features
    from tidewheel.definitions.models import Model as Model
    from tidewheel.definitions.models import at_least as at_least
    from tidewheel.definitions.models import at_most as at_most
    from tidewheel.definitions.models import beats_champion as beats_champion
    from tidewheel.definitions.models import choice as choice
    from tidewheel.definitions.models import float_range as float_range
    from tidewheel.definitions.models import happened as happened
    from tidewheel.definitions.models import int_range as int_range
    from tidewheel.definitions.models import isotonic as isotonic
    from tidewheel.definitions.models import log_range as log_range
    from tidewheel.definitions.models import outcome as outcome
    from tidewheel.definitions.models import p99_below as p99_below
    from tidewheel.definitions.models import parity as parity
    from tidewheel.definitions.models import platt as platt
    from tidewheel.definitions.models import precision_at as precision_at
    from tidewheel.definitions.models import recall_at as recall_at
    from tidewheel.definitions.models import retrain as retrain
    from tidewheel.definitions.models import temporal as temporal
    from tidewheel.definitions.rows import Category as Category
    from tidewheel.definitions.rows import Entity as Entity
    from tidewheel.definitions.rows import Event as Event
    from tidewheel.definitions.rows import Id as Id
    from tidewheel.definitions.rows import Key as Key
    from tidewheel.definitions.rows import Ref as Ref
    from tidewheel.definitions.rows import Text as Text
    from tidewheel.definitions.services import Service as Service
    from tidewheel.definitions.services import action as action
    from tidewheel.definitions.services import previous as previous
    from tidewheel.definitions.services import rule as rule
    from tidewheel.definitions.services import table as table
    from tidewheel.definitions.services import thresholds as thresholds
    from tidewheel.definitions.views import Array as Array
    from tidewheel.definitions.views import View as View
    from tidewheel.definitions.views import derived as derived
    from tidewheel.definitions.views import lookup as lookup
    from tidewheel.workspace import open_workspace as open

_ROOMS: dict[str, str] = {
    "definitions.aggregates": "count distinct first last max mean min std sum time_since_last",
    "definitions.columns": "Column",
    "definitions.conditions": "fill if_else is_null isin log1p maximum minimum not_",
    "definitions.features": "Features",
    "definitions.models": (
        "Model at_least at_most beats_champion choice float_range happened int_range isotonic log_range outcome "
        "p99_below parity platt precision_at recall_at retrain temporal"
    ),
    "definitions.rows": "Category Entity Event Id Key Ref Text",
    "definitions.services": "Service action previous rule table thresholds",
    "definitions.views": "Array View derived lookup",
}
_WHERE = {name: f"tidewheel.{room}" for room, names in _ROOMS.items() for name in names.split()}

__all__ = [
    "Array", "Category", "Column", "Entity", "Event", "Features", "Id", "Key", "Model", "Ref", "Service", "Text",
    "View", "action", "at_least", "at_most", "beats_champion", "choice", "count", "derived", "distinct", "fill",
    "first", "float_range", "happened", "if_else", "int_range", "is_null", "isin", "isotonic", "last", "log1p",
    "log_range", "lookup", "max", "maximum", "mean", "min", "minimum", "not_", "open", "outcome", "p99_below",
    "parity", "platt", "precision_at", "previous", "recall_at", "retrain", "rule", "std", "sum", "table",
    "temporal", "thresholds", "time_since_last",
]  # fmt: skip


if not TYPE_CHECKING:  # a checker that saw it would let every misspelt name pass

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used."""
        if name == "open":
            value = importlib.import_module("tidewheel.workspace").open_workspace
        elif name in _WHERE:
            value = getattr(importlib.import_module(_WHERE[name]), name)
        else:
            raise AttributeError(f"module 'tidewheel' has no attribute '{name}'")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
