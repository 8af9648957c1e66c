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
    from tidewheel.definitions import batch as batch
    from tidewheel.definitions import calibrate as calibrate
    from tidewheel.definitions import combine as combine
    from tidewheel.definitions import expectations as expect
    from tidewheel.definitions import gates as gate
    from tidewheel.definitions import guards as guard
    from tidewheel.definitions import metric_names as metric
    from tidewheel.definitions import pipeline as pipeline
    from tidewheel.definitions import reranking as rerank
    from tidewheel.definitions import retrieving as retrieve
    from tidewheel.definitions import sampling as sample
    from tidewheel.definitions import splitting as split
    from tidewheel.definitions import transform as transform
    from tidewheel.definitions import tuning as tune
    from tidewheel.definitions.aggregates import count as count
    from tidewheel.definitions.aggregates import distinct as distinct
    from tidewheel.definitions.aggregates import first as first
    from tidewheel.definitions.aggregates import last as last
    from tidewheel.definitions.aggregates import max as max
    from tidewheel.definitions.aggregates import mean as mean
    from tidewheel.definitions.aggregates import min as min
    from tidewheel.definitions.aggregates import rate as rate
    from tidewheel.definitions.aggregates import std as std
    from tidewheel.definitions.aggregates import sum as sum
    from tidewheel.definitions.aggregates import time_since_first as time_since_first
    from tidewheel.definitions.aggregates import time_since_last as time_since_last
    from tidewheel.definitions.aggregates import var as var
    from tidewheel.definitions.conditions import isin as isin
    from tidewheel.definitions.conditions import not_ as not_
    from tidewheel.definitions.each import served_as as served_as
    from tidewheel.definitions.features import Features as Features
    from tidewheel.definitions.grades import grade as grade
    from tidewheel.definitions.models import Model as Model
    from tidewheel.definitions.models import at_least as at_least
    from tidewheel.definitions.models import beats_champion as beats_champion
    from tidewheel.definitions.models import happened as happened
    from tidewheel.definitions.models import int_range as int_range
    from tidewheel.definitions.models import isotonic as isotonic
    from tidewheel.definitions.models import log_range as log_range
    from tidewheel.definitions.models import outcome as outcome
    from tidewheel.definitions.models import p99_below as p99_below
    from tidewheel.definitions.models import parity as parity
    from tidewheel.definitions.models import precision_at as precision_at
    from tidewheel.definitions.models import retrain as retrain
    from tidewheel.definitions.ranking import mmr as mmr
    from tidewheel.definitions.ranking import nearest as nearest
    from tidewheel.definitions.ranking import top as top
    from tidewheel.definitions.ranking import top_by as top_by
    from tidewheel.definitions.rows import Category as Category
    from tidewheel.definitions.rows import Entity as Entity
    from tidewheel.definitions.rows import Event as Event
    from tidewheel.definitions.rows import Id as Id
    from tidewheel.definitions.rows import Key as Key
    from tidewheel.definitions.rows import Ref as Ref
    from tidewheel.definitions.rows import Text as Text
    from tidewheel.definitions.rows import Vector as Vector
    from tidewheel.definitions.rows import personal as personal
    from tidewheel.definitions.services import Service as Service
    from tidewheel.definitions.services import action as action
    from tidewheel.definitions.services import cache as cache
    from tidewheel.definitions.services import previous as previous
    from tidewheel.definitions.services import rule as rule
    from tidewheel.definitions.services import table as table
    from tidewheel.definitions.services import thresholds as thresholds
    from tidewheel.definitions.sketches import last_n as last_n
    from tidewheel.definitions.sketches import quantile as quantile
    from tidewheel.definitions.sketches import top_k as top_k
    from tidewheel.definitions.splitting import temporal as temporal
    from tidewheel.definitions.ticks import Tick as Tick
    from tidewheel.definitions.views import Array as Array
    from tidewheel.definitions.views import View as View
    from tidewheel.definitions.views import derived as derived
    from tidewheel.definitions.views import lookup as lookup
    from tidewheel.training import learner as learner
    from tidewheel.workspace import open_workspace as open

_ROOMS: dict[str, str] = {
    "definitions.aggregates": (
        "count distinct first last max mean min rate std sum time_since_first time_since_last var"
    ),
    "definitions.conditions": "isin not_",
    "definitions.each": "served_as",
    "definitions.features": "Features",
    "definitions.grades": "grade",
    "definitions.models": (
        "Model at_least beats_champion happened int_range isotonic log_range outcome p99_below parity precision_at "
        "retrain"
    ),
    "definitions.ranking": "mmr nearest top top_by",
    "definitions.rows": "Category Entity Event Id Key Ref Text Vector personal",
    "definitions.services": "Service action cache previous rule table thresholds",
    "definitions.sketches": "last_n quantile top_k",
    "definitions.splitting": "temporal",
    "definitions.ticks": "Tick",
    "definitions.views": "Array View derived lookup",
}
_NAMESPACES = {
    "batch": "tidewheel.definitions.batch",
    "calibrate": "tidewheel.definitions.calibrate",
    "combine": "tidewheel.definitions.combine",
    "expect": "tidewheel.definitions.expectations",
    "gate": "tidewheel.definitions.gates",
    "guard": "tidewheel.definitions.guards",
    "learner": "tidewheel.training.learner",
    "metric": "tidewheel.definitions.metric_names",
    "pipeline": "tidewheel.definitions.pipeline",
    "rerank": "tidewheel.definitions.reranking",
    "retrieve": "tidewheel.definitions.retrieving",
    "sample": "tidewheel.definitions.sampling",
    "split": "tidewheel.definitions.splitting",
    "transform": "tidewheel.definitions.transform",
    "tune": "tidewheel.definitions.tuning",
}
_WHERE = {name: f"tidewheel.{room}" for room, names in _ROOMS.items() for name in names.split()}

__all__ = [
    "Array", "Category", "Entity", "Event", "Features", "Id", "Key", "Model", "Ref", "Service", "Text", "Tick",
    "Vector", "View", "action", "at_least", "batch", "beats_champion", "cache", "calibrate", "combine", "count",
    "derived", "distinct", "expect", "first", "gate", "grade", "guard", "happened", "int_range", "isin", "isotonic",
    "last", "last_n", "learner", "log_range", "lookup", "max", "mean", "metric", "min", "mmr", "nearest", "not_",
    "open", "outcome", "p99_below", "parity", "personal", "pipeline", "precision_at", "previous", "quantile",
    "rate", "rerank", "retrain", "retrieve", "rule", "sample", "served_as", "split", "std", "sum", "table",
    "temporal", "thresholds", "time_since_first", "time_since_last", "top", "top_by", "top_k", "transform", "tune",
    "var",
]  # fmt: skip


if not TYPE_CHECKING:  # a checker that saw it would let every misspelt name pass

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used."""
        if name == "open":
            value = importlib.import_module("tidewheel.workspace").open_workspace
        elif name in _NAMESPACES:
            value = importlib.import_module(_NAMESPACES[name])
        elif name in _WHERE:
            value = getattr(importlib.import_module(_WHERE[name]), name)
        else:
            raise AttributeError(f"module 'tidewheel' has no attribute '{name}'")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
