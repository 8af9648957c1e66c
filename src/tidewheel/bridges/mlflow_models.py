"""Models that MLflow keeps, read without running what is in them: LightGBM, XGBoost, CatBoost, scikit-learn, ONNX."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.bridges.imported import Imported, Neutral
from tidewheel.bridges.mlflow_categories import Levels, coded, lightgbm_levels, xgboost_levels
from tidewheel.errors import CorruptError, FileError, InputError, MissingExtraError
from tidewheel.registry.models.predictors import Predictor
from tidewheel.training.fit import estimators
from tidewheel.training.fit.flatten import GRAPH_TOLERANCE, SINGLE_TOLERANCE, TOLERANCE, boosted, lightgbm_text
from tidewheel.training.fit.kept import load_lightgbm, readable, unknown_types
from tidewheel.training.fit.neutral import graph, neutral

Floats = npt.NDArray[np.float64]
FILE = "MLmodel"
NUMBERS = frozenset({"double", "float", "long", "integer", "boolean", "float64", "float32", "int64", "int32", "bool"})
_BOOSTERS = frozenset(
    {"lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier", "lightgbm.sklearn.LGBMRegressor"}
    | {"collections.OrderedDict", "collections.defaultdict", "numpy.dtype"}
)
"""Types beyond scikit-learn's that a skops file may name."""
TEXTS = frozenset({"string", "object", "str"})


def read_mlflow(folder: Path, *, pickles: bool = False) -> Imported:
    """Return the model in a folder that MLflow wrote.

    Parameters
    ----------
    folder : Path
        Holds the file ``MLmodel``.
    pickles : bool
        Whether a pickle may be loaded, which runs whatever code it holds.

    Raises
    ------
    FileError
        The folder holds no such model, or it can't be read.
    InputError
        It is of none of the known flavours, holds a pickle and `pickles` is false, or what it makes of a text is not
        known.
    MissingExtraError
        Its library is not installed.
    """
    told = _told(folder)
    flavours = told.get("flavors") or {}
    known = next((name for name in _READERS if name in flavours), None)
    if known is None:
        raise InputError(
            f"the model has the flavours {', '.join(sorted(flavours)) or 'none'}",
            where=str(folder), remedy=f"log it with one of {', '.join(_READERS)}",
        )  # fmt: skip
    takes = _signature(told, folder)
    try:
        found = _READERS[known](folder, flavours[known], pickles, takes)
    except CorruptError as error:
        raise FileError(error.message, where=error.where, remedy="log the model again") from error
    found.names = takes.names or found.names
    odd = next((name for name in takes.texts if name not in found.known_levels), None)
    if odd is not None:
        raise InputError(
            f"the model takes {odd!r} as text, and what its texts are coded by is not known here", where=str(folder),
            remedy="categories are known of scikit-learn's encoders, and of LightGBM and XGBoost (from 3.1) "
            "fitted on a frame's categories",
        )  # fmt: skip
    found.kept = {"mlflow/MLmodel": (folder / FILE).read_bytes(), **found.kept}
    return found


def _told(folder: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError(
            "reading an MLmodel file needs PyYAML", remedy="pip install 'tidewheel[mlflow]'"
        ) from error
    try:
        told = yaml.safe_load((folder / FILE).read_bytes())
    except FileNotFoundError as error:
        raise FileError(
            f"there is no {FILE} file", where=str(folder), remedy="name a folder that MLflow wrote"
        ) from error
    except yaml.YAMLError as error:
        raise FileError(f"not YAML: {str(error).splitlines()[0]}", where=str(folder / FILE)) from error
    if not isinstance(told, dict):
        raise FileError("not a model's description", where=str(folder / FILE))
    return told


class Signature(NamedTuple):
    """The names of a model's inputs, where they have any, and those that are texts; all others are numbers."""

    names: tuple[str, ...]
    texts: tuple[str, ...]


def _signature(told: Mapping[str, Any], folder: Path) -> Signature:
    inputs = json.loads((told.get("signature") or {}).get("inputs") or "[]")
    texts = []
    for column in inputs:
        kind = column.get("type")
        kind = (column.get("tensor-spec") or {}).get("dtype") if kind == "tensor" else kind
        if kind in TEXTS and "name" in column:
            texts.append(column["name"])
        elif kind not in NUMBERS:
            raise InputError(
                f"the model takes {column.get('name', 'an input')!r} as {kind}", where=str(folder),
                remedy="models of numbers, flags and texts can be imported",
            )  # fmt: skip
    names = tuple(column["name"] for column in inputs) if all("name" in column for column in inputs) else ()
    return Signature(names, tuple(texts))


def _data(folder: Path, name: Any) -> Path:
    """Return a file of the model's; one that lies elsewhere is refused."""
    path = (folder / str(name)).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise FileError(f"the model's file {name!r} is not there", where=str(folder))
    return path


def _lightgbm(folder: Path, flavour: Mapping[str, Any], pickles: bool, takes: Signature) -> Imported:
    path = _data(folder, flavour.get("data"))
    if not path.read_bytes().startswith(b"tree\n"):
        model = _loaded(path, flavour, pickles)
        return _fitted(
            "lightgbm", model, path, lightgbm_levels(model.booster_.model_to_string(), _names(model), str(path))
        )
    text = path.read_text()
    names = next((line[14:] for line in text.splitlines() if line.startswith("feature_names=")), "").split()
    numbered = names == [f"Column_{place}" for place in range(len(names))]
    booster = load_lightgbm(text.encode(), str(path))
    return Imported(
        "lightgbm", lambda means: lightgbm_text(text), booster.predict, TOLERANCE,
        () if numbered else tuple(names), {"model.txt": text.encode()}, lightgbm_levels(text, names, str(path)),
    )  # fmt: skip


def _xgboost(folder: Path, flavour: Mapping[str, Any], pickles: bool, takes: Signature) -> Imported:
    path = _data(folder, flavour.get("data"))
    with readable(str(path), "xgboost"):
        from xgboost import Booster, DMatrix

        booster = Booster(model_file=str(path))
    levels = xgboost_levels(booster, str(path))
    best = booster.attr("best_iteration")
    if best is not None and str(flavour.get("model_class", "")).startswith("xgboost.sklearn"):
        booster = booster[: int(best) + 1]
    content = bytes(booster.save_raw("json"))
    names, kinds = booster.feature_names, booster.feature_types
    return Imported(
        "xgboost", lambda means: boosted("xgboost", content),
        lambda x: booster.predict(DMatrix(x, feature_names=names, feature_types=kinds)),
        SINGLE_TOLERANCE, tuple(names or ()), {"model.json": content}, levels,
    )  # fmt: skip


def _catboost(folder: Path, flavour: Mapping[str, Any], pickles: bool, takes: Signature) -> Imported:
    path = _data(folder, flavour.get("data"))
    if flavour.get("model_type") not in ("CatBoost", "CatBoostClassifier", "CatBoostRegressor"):
        raise InputError(f"CatBoost's {flavour.get('model_type')!r} can't be imported", where=str(folder))
    with readable(str(path), "catboost"):
        import catboost

        model = getattr(catboost, flavour["model_type"])()
        model.load_model(str(path), flavour.get("save_format", "cbm"))
    found = _fitted("catboost", model, path)
    found.names = tuple(model.feature_names_ or ())
    return found


def _sklearn(folder: Path, flavour: Mapping[str, Any], pickles: bool, takes: Signature) -> Imported:
    path = _data(folder, flavour.get("pickled_model"))
    model = _loaded(path, flavour, pickles)
    if not takes.texts:
        return _fitted("sklearn", model, path)
    over = coded(model, takes.names, takes.texts, str(path))
    found = _fitted("sklearn", over.model, path, over.levels)
    found.scores = lambda x: estimators.score(over.original, over.rows(x))  # what it is proved against
    return found


def _onnx(folder: Path, flavour: Mapping[str, Any], pickles: bool, takes: Signature) -> Imported:
    path = _data(folder, flavour.get("data"))
    content = path.read_bytes()
    found = graph(content)
    if isinstance(found, str):
        raise InputError(found, where=str(path))
    return Imported("onnx", lambda means: found, Predictor(*found).score, GRAPH_TOLERANCE, (), {"model.onnx": content})


def _loaded(path: Path, flavour: Mapping[str, Any], pickles: bool) -> Any:
    """Return an estimator from a skops file, or from a pickle where somebody vouches for it."""
    load = _skops if flavour.get("serialization_format") == "skops" else partial(_pickled, pickles=pickles)
    return load(path)


def _names(model: Any) -> tuple[str, ...]:
    return tuple(map(str, getattr(model, "feature_names_in_", ())))


def _fitted(kind: str, model: Any, path: Path, levels: Levels | None = None) -> Imported:
    def form(means: Floats) -> Neutral:
        return neutral(model, [0] * len(means), means)

    return Imported(
        kind, form, partial(estimators.score, model), TOLERANCE, _names(model),
        {f"mlflow/{path.name}": path.read_bytes()}, levels or {},
    )  # fmt: skip


def _skops(path: Path) -> Any:
    data = path.read_bytes()
    with readable(str(path), "skops"):
        from skops.io import loads

        plain, others = unknown_types(data)
        odd = [name for name in others if name not in _BOOSTERS]
        if not odd:
            return loads(data, trusted=[*plain, *others])
    raise InputError(
        f"the model holds objects of {', '.join(odd[:3])}, which are not taken on trust", where=str(path),
        remedy="export it to ONNX, and log that",
    )  # fmt: skip


def _pickled(path: Path, *, pickles: bool) -> Any:
    if not pickles:
        raise InputError(
            "the model is a pickle, and loading it runs whatever code it holds", where=str(path),
            remedy="log it as skops, or if you trust who made it: --allow-pickle",
        )  # fmt: skip
    import cloudpickle

    return cloudpickle.loads(path.read_bytes())


_READERS: dict[str, Callable[[Path, Mapping[str, Any], bool, Signature], Imported]] = {
    "lightgbm": _lightgbm, "xgboost": _xgboost, "catboost": _catboost, "sklearn": _sklearn, "onnx": _onnx,
}  # fmt: skip
