"""Compiles ``tw.Model`` classes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias, cast, get_args

import msgspec

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.data import compile_sample
from tidewheel.definitions.compiling.estimators import check_names, check_parameters, takes_any
from tidewheel.definitions.compiling.evaluation import (
    compile_blocks,
    compile_gates,
    compile_lists,
    compile_slices,
    ranks,
)
from tidewheel.definitions.compiling.labels import compile_label
from tidewheel.definitions.compiling.pipeline import compile_pipeline
from tidewheel.definitions.compiling.selecting import compile_where
from tidewheel.definitions.compiling.transfer import compile_allow_pickle, compile_init_from, compile_teacher
from tidewheel.definitions.language.declared import declared_names, place_of
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.models.calibrate import Calibration
from tidewheel.definitions.models.models import Model
from tidewheel.definitions.models.pipeline import Step
from tidewheel.definitions.models.retraining import retrain as retrain_when
from tidewheel.definitions.models.tuning import Space
from tidewheel.definitions.views.views import View
from tidewheel.errors import DefinitionError

CLASSIFICATION = (
    "average_precision", "roc_auc", "precision_at", "recall_at", "accuracy", "f1", "brier", "log_loss",
    "calibration_error",
)  # fmt: skip
REGRESSION = ("rmse", "mae", "r2", "pinball", "coverage_error")
RANKING = ("ndcg", "mean_average_precision", "mean_reciprocal_rank", "hit_rate", "recall_at_k")


class _Kind(NamedTuple):
    """What a model that does one kind of thing may ask for, and has unless it says otherwise."""

    does: str
    known: tuple[str, ...]
    metrics: tuple[str, ...]
    estimator: str


_CLASSIFIES = _Kind(
    "classifies", CLASSIFICATION, ("average_precision", "roc_auc", "brier"), "lightgbm.sklearn.LGBMClassifier()"
)
_PREDICTS = _Kind("predicts a number", REGRESSION, ("rmse", "mae", "r2"), "lightgbm.sklearn.LGBMRegressor()")
_RANKS = _Kind("ranks", RANKING, ("ndcg(k=10)", "mean_reciprocal_rank"), "lightgbm.sklearn.LGBMRanker()")
PROJECT_PREFIX = "tidewheel_project_"
"""How a loaded project's module is called; no part of any content hash."""


def compile_model(context: Context, cls: type[Model]) -> None:
    """Add the frozen form of a model to the context, its mistakes to the context's problems."""
    if not check_attributes(context, cls, Model, _LISTS):
        return
    parts: dict[str, Any] = {}

    def part(name: str, make: Any, *args: Any) -> None:
        with context.problems.at(place_of(cls, name)):
            parts[name] = make(*args)

    part("view", _view, context, cls)
    if "view" not in parts:
        return
    part("label", compile_label, context, cls, parts["view"])
    part("where", compile_where, context, cls, parts["view"])
    if not {"label", "where"} <= parts.keys():
        return
    label, classifies = parts["label"]
    part("split", compile_lists, context, cls, parts["view"], label, parts["where"])
    part("sample", compile_sample, context, cls, parts["view"], classifies)
    kind = _RANKS if ranks(cls, parts["view"]) else _CLASSIFIES if classifies else _PREDICTS
    part("metrics", _metrics, cls, kind)
    part("estimator", _estimator, cls, kind)
    part("calibrate", _calibrate, cls, classifies)
    part("gates", compile_gates, cls, parts["view"], parts.get("metrics", ()))
    part("slices", compile_slices, cls, parts["view"])
    part("blocks", compile_blocks, cls, parts["view"])
    part("retrain", _retrain, cls, parts["view"], parts.get("metrics", ()))
    part("visibility", _visibility, cls, parts.get("gates", ()))
    part("teacher", compile_teacher, cls, classifies)
    for name, make in _ALONE.items():
        part(name, make, cls)
    if len(parts) < 21:
        return
    parts["group"], parts["split"] = parts["split"]
    parts["sample"], parts["weights"] = parts["sample"]
    made = {"view": parts["view"].name, "label": label, "trials": parts["trials"] if parts["search"] else 0}
    told = {"doc": (cls.__doc__ or "").strip(), "file": cls._file, "line": cls._line, "owner": cls._owned_by}
    context.models[cls] = ir.Model(name=cls.__name__, **(parts | made | told))


Lists: TypeAlias = Mapping[str, tuple[tuple[type, ...], str]]
"""By attribute that is a list: what may stand there alone, and how it is written."""
_LISTS: Lists = {
    "metrics": ((str,), 'metrics = ["roc_auc", "brier"]'),
    "gates": ((), "gates = [tw.parity()]"),
    "slices": ((str, Column), "slices = [PaymentView.country]"),
    "steps": ((Step,), "steps = [a_step]"),
}


def check_attributes(context: Context, cls: type, base: type, lists: Lists) -> bool:
    """Refuse public attributes that nobody reads, with the likely name; tell whether its lists are lists."""
    fine = True
    known = [name for name in inspect.get_annotations(base) if not name.startswith("_")]
    for name in declared_names(cls, base):
        with context.problems.at(place_of(cls, name)):
            if name not in known:
                raise DefinitionError(f"nobody reads '{name}' of a {base.__name__}", remedy=likely(name, known))
    for name, (alone, written) in lists.items():
        if not isinstance(getattr(cls, name), (list, tuple, *alone)):
            fine = False
            with context.problems.at(place_of(cls, name)):
                raise DefinitionError(f"{getattr(cls, name)!r} is no list", remedy=f"write {written}")
    return fine


def _view(context: Context, cls: type[Model]) -> ir.View:
    view = getattr(cls, "view", None)
    if not (isinstance(view, type) and issubclass(view, View)):
        raise DefinitionError("a model needs a view", remedy="write view = PaymentView")
    return context.views[view]


def _visibility(cls: type[Model], gates: tuple[ir.Gate, ...]) -> str:
    if not isinstance(cls.visibility, str) or cls.visibility not in get_args(ir.Visibility):
        raise DefinitionError(f"visibility can't be {cls.visibility!r}", remedy='write "arrival" or "event"')
    if cls.visibility == "event" and any(gate.kind == "parity" for gate in gates):
        raise DefinitionError(
            "tw.parity() asks that what was trained on is what is served, and visibility 'event' shows what serving"
            " could not have seen",
            remedy="remove one of the two",
        )
    return cls.visibility


def _serving_delay(cls: type[Model]) -> int:
    return 0 if cls.serving_delay is None else parse_duration(cls.serving_delay)


def _metrics(cls: type[Model], kind: _Kind) -> tuple[str, ...]:
    metrics = (cls.metrics,) if isinstance(cls.metrics, str) else tuple(cls.metrics)
    for metric in metrics:
        name = metric.partition("(")[0] if isinstance(metric, str) else repr(metric)
        if name not in kind.known:
            raise DefinitionError(f"no metric '{name}' for a model that {kind.does}", remedy=likely(name, kind.known))
    return metrics or kind.metrics


def _check_metric(metric: str, metrics: tuple[str, ...], what: str) -> None:
    if metric not in metrics:
        raise DefinitionError(
            f"{what} asks for '{metric}', which is not among the metrics", remedy=likely(str(metric), metrics)
        )


def _retrain(cls: type[Model], view: ir.View, metrics: tuple[str, ...]) -> ir.Retrain | None:
    when = cls.retrain
    if when is None:
        return None
    if isinstance(when, str):
        when = retrain_when(cast("Any", when))
    if not isinstance(when, ir.Retrain):
        raise DefinitionError(f"{when!r} is no schedule", remedy="write retrain = 'weekly' or tw.retrain(...)")
    if when.on_drift and view.each is not None:
        raise DefinitionError(
            "drift is told by the rows of single decisions, and this model is asked for lists",
            remedy="retrain by the clock, on_labels= or on_age=",
        )
    if not when.metric:
        return msgspec.structs.replace(when, metric=metrics[0] if metrics else "")
    _check_metric(when.metric, metrics, "retrain")
    return when


def _calibrate(cls: type[Model], classifies: bool) -> str:
    if cls.calibrate is None:
        return ""
    if not isinstance(cls.calibrate, Calibration):
        raise DefinitionError(
            f"{cls.calibrate!r} is no calibration", remedy="write tw.isotonic() or tw.calibrate.platt()"
        )
    if not classifies:
        raise DefinitionError(
            "only probabilities can be calibrated", remedy="remove calibrate, or make the label a condition"
        )
    return cls.calibrate.kind


def _trials(cls: type[Model]) -> int:
    if isinstance(cls.tune, ir.Tune):
        return cls.tune.trials
    if not isinstance(cls.trials, int) or isinstance(cls.trials, bool) or cls.trials < 1:
        raise DefinitionError(f"trials={cls.trials!r} is no number of settings to try")
    return cls.trials


def _tune(cls: type[Model]) -> ir.Tune | None:
    if cls.tune is None:
        return None
    if not isinstance(cls.tune, ir.Tune):
        raise DefinitionError(f"{cls.tune!r} is no way to tune", remedy="write tune = tw.tune.search(trials=50)")
    if not cls.search:
        raise DefinitionError("there is nothing to tune: search is empty", remedy="give search = {...} ranges")
    return cls.tune


def _estimator(cls: type[Model], kind: _Kind) -> str:
    estimator = cls.estimator
    if estimator is None:
        return kind.estimator
    if isinstance(estimator, type):
        raise DefinitionError(f"{estimator.__name__} is a class", remedy=f"write {estimator.__name__}()")
    missing = [name for name in ("fit", "predict") if not callable(getattr(estimator, name, None))]
    if missing:
        raise DefinitionError(
            f"the estimator has no {' and no '.join(missing)}", remedy="take a scikit-learn style one"
        )
    check_parameters(estimator)
    return describe(estimator)


def describe(value: object) -> str:
    """Return an estimator as its import path and sorted parameters; nothing in it depends on the machine.

    Examples
    --------
    >>> describe({"depth": 3})
    "{'depth': 3}"
    """
    if hasattr(value, "get_params") and not isinstance(value, type):
        params = sorted(value.get_params(deep=False).items())
        return f"{_import_path(type(value))}({', '.join(f'{name}={describe(param)}' for name, param in params)})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {describe(item)}" for key, item in sorted(value.items(), key=repr)) + "}"
    if isinstance(value, list | tuple):
        inner = ", ".join(map(describe, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, type) or inspect.isroutine(value):
        return _import_path(value)
    text = repr(value)
    return _import_path(type(value)) if re.search(r" at 0x[0-9a-f]+", text) else text


def _import_path(thing: Any) -> str:
    module = str(getattr(thing, "__module__", ""))
    home = "project" if module.startswith(PROJECT_PREFIX) else module
    return f"{home}.{getattr(thing, '__qualname__', thing)}"


def _search(cls: type[Model]) -> str:
    """Return the search space as canonical JSON."""
    search = cls.search
    if not isinstance(search, Mapping):
        raise DefinitionError(
            f"search = {search!r} maps nothing", remedy="write search = {'num_leaves': tw.int_range(15, 127)}"
        )
    if not search:
        return ""
    known = sorted(cls.estimator.get_params()) if hasattr(cls.estimator, "get_params") else []
    spaces = {}
    for name, space in search.items():
        if not isinstance(space, Space):
            raise DefinitionError(
                f"search['{name}'] is no range", remedy="write tw.int_range(15, 127), tw.tune.choice(...), ..."
            )
        if known and name not in known:
            if takes_any(cls.estimator):
                check_names(cls.estimator, [name])
            else:
                raise DefinitionError(f"the estimator has no parameter '{name}'", remedy=likely(name, known))
        ends = (
            {"choices": [_plain(item) for item in space.choices]}
            if space.choices
            else {"low": space.low, "high": space.high}
        )
        spaces[name] = {"kind": space.kind, **ends}
    return json.dumps(spaces, sort_keys=True, separators=(",", ":"))


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str | type(None)) else describe(value)


_ALONE = {
    "search": _search, "trials": _trials, "tune": _tune, "serving_delay": _serving_delay,
    "init_from": compile_init_from, "allow_pickle": compile_allow_pickle, "pipeline": compile_pipeline,
}  # fmt: skip
"""Attributes that are compiled without a look at the others."""
