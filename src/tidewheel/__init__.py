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
    from tidewheel.definitions.columns import transform as transform
    from tidewheel.definitions.columns.conditions import isin as isin
    from tidewheel.definitions.columns.conditions import not_ as not_
    from tidewheel.definitions.events import expectations as expect
    from tidewheel.definitions.events.rows import Category as Category
    from tidewheel.definitions.events.rows import Entity as Entity
    from tidewheel.definitions.events.rows import Event as Event
    from tidewheel.definitions.events.rows import Id as Id
    from tidewheel.definitions.events.rows import Key as Key
    from tidewheel.definitions.events.rows import Ref as Ref
    from tidewheel.definitions.events.rows import Text as Text
    from tidewheel.definitions.events.rows import Vector as Vector
    from tidewheel.definitions.events.rows import personal as personal
    from tidewheel.definitions.events.ticks import Tick as Tick
    from tidewheel.definitions.features.aggregates import count as count
    from tidewheel.definitions.features.aggregates import distinct as distinct
    from tidewheel.definitions.features.aggregates import first as first
    from tidewheel.definitions.features.aggregates import last as last
    from tidewheel.definitions.features.aggregates import max as max
    from tidewheel.definitions.features.aggregates import mean as mean
    from tidewheel.definitions.features.aggregates import min as min
    from tidewheel.definitions.features.aggregates import rate as rate
    from tidewheel.definitions.features.aggregates import std as std
    from tidewheel.definitions.features.aggregates import sum as sum
    from tidewheel.definitions.features.aggregates import time_since_first as time_since_first
    from tidewheel.definitions.features.aggregates import time_since_last as time_since_last
    from tidewheel.definitions.features.aggregates import var as var
    from tidewheel.definitions.features.features import Features as Features
    from tidewheel.definitions.features.sketches import last_n as last_n
    from tidewheel.definitions.features.sketches import quantile as quantile
    from tidewheel.definitions.features.sketches import top_k as top_k
    from tidewheel.definitions.models import calibrate as calibrate
    from tidewheel.definitions.models import gates as gate
    from tidewheel.definitions.models import metric_names as metric
    from tidewheel.definitions.models import pipeline as pipeline
    from tidewheel.definitions.models import sampling as sample
    from tidewheel.definitions.models import splitting as split
    from tidewheel.definitions.models import tuning as tune
    from tidewheel.definitions.models.calibrate import isotonic as isotonic
    from tidewheel.definitions.models.gates import at_least as at_least
    from tidewheel.definitions.models.gates import beats_champion as beats_champion
    from tidewheel.definitions.models.gates import p99_below as p99_below
    from tidewheel.definitions.models.gates import parity as parity
    from tidewheel.definitions.models.labels import grade as grade
    from tidewheel.definitions.models.labels import happened as happened
    from tidewheel.definitions.models.labels import outcome as outcome
    from tidewheel.definitions.models.metric_names import precision_at as precision_at
    from tidewheel.definitions.models.models import Model as Model
    from tidewheel.definitions.models.retraining import retrain as retrain
    from tidewheel.definitions.models.splitting import temporal as temporal
    from tidewheel.definitions.models.tuning import int_range as int_range
    from tidewheel.definitions.models.tuning import log_range as log_range
    from tidewheel.definitions.services import batch as batch
    from tidewheel.definitions.services import combine as combine
    from tidewheel.definitions.services import guards as guard
    from tidewheel.definitions.services import reranking as rerank
    from tidewheel.definitions.services import retrieving as retrieve
    from tidewheel.definitions.services.ranking import mmr as mmr
    from tidewheel.definitions.services.ranking import top as top
    from tidewheel.definitions.services.retrieving import nearest as nearest
    from tidewheel.definitions.services.retrieving import top_by as top_by
    from tidewheel.definitions.services.services import Service as Service
    from tidewheel.definitions.services.services import action as action
    from tidewheel.definitions.services.services import cache as cache
    from tidewheel.definitions.services.services import previous as previous
    from tidewheel.definitions.services.services import rule as rule
    from tidewheel.definitions.services.services import table as table
    from tidewheel.definitions.services.services import thresholds as thresholds
    from tidewheel.definitions.views.each import served_as as served_as
    from tidewheel.definitions.views.views import Array as Array
    from tidewheel.definitions.views.views import View as View
    from tidewheel.definitions.views.views import derived as derived
    from tidewheel.definitions.views.views import lookup as lookup
    from tidewheel.training import learner as learner
    from tidewheel.workspace import open_workspace as open

_DECLARED: dict[str, str] = {
    "columns.conditions": "isin not_",
    "events.rows": "Category Entity Event Id Key Ref Text Vector personal",
    "events.ticks": "Tick",
    "features.aggregates": ("count distinct first last max mean min rate std sum time_since_first time_since_last var"),
    "features.features": "Features",
    "features.sketches": "last_n quantile top_k",
    "models.calibrate": "isotonic",
    "models.gates": "at_least beats_champion p99_below parity",
    "models.labels": "grade happened outcome",
    "models.metric_names": "precision_at",
    "models.models": "Model",
    "models.retraining": "retrain",
    "models.splitting": "temporal",
    "models.tuning": "int_range log_range",
    "services.ranking": "mmr top",
    "services.retrieving": "nearest top_by",
    "services.services": "Service action cache previous rule table thresholds",
    "views.each": "served_as",
    "views.views": "Array View derived lookup",
}
_NAMESPACES = {
    "batch": "tidewheel.definitions.services.batch",
    "calibrate": "tidewheel.definitions.models.calibrate",
    "combine": "tidewheel.definitions.services.combine",
    "expect": "tidewheel.definitions.events.expectations",
    "gate": "tidewheel.definitions.models.gates",
    "guard": "tidewheel.definitions.services.guards",
    "learner": "tidewheel.training.learner",
    "metric": "tidewheel.definitions.models.metric_names",
    "pipeline": "tidewheel.definitions.models.pipeline",
    "rerank": "tidewheel.definitions.services.reranking",
    "retrieve": "tidewheel.definitions.services.retrieving",
    "sample": "tidewheel.definitions.models.sampling",
    "split": "tidewheel.definitions.models.splitting",
    "transform": "tidewheel.definitions.columns.transform",
    "tune": "tidewheel.definitions.models.tuning",
}
_WHERE = {name: f"tidewheel.definitions.{file}" for file, names in _DECLARED.items() for name in names.split()}

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
            raise AttributeError(f"module 'tidewheel' has no attribute '{name}'{_likely(name)}")
        globals()[name] = value
        return value


def _likely(name: str) -> str:
    """Return where a name that is not here stands, or which one was meant; "" when nothing is like it."""
    import difflib
    from importlib.util import find_spec

    if name.startswith("_") or find_spec(f"tidewheel.{name}"):  # `from tidewheel import errors` asks for it here first
        return ""
    for space in _NAMESPACES:
        if name in getattr(importlib.import_module(_NAMESPACES[space]), "__all__", ()):
            return f"; write tw.{space}.{name}"
    close = difflib.get_close_matches(name, __all__, n=1)
    return f"; did you mean 'tw.{close[0]}'?" if close else ""


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
