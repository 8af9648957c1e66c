"""A fitted model in its library's own words: text or JSON that newer releases of it still read."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tidewheel.errors import TrainingError
from tidewheel.registry.runs.runs import PICKLE
from tidewheel.training.fit import boosters
from tidewheel.training.fit.kept import unknown_types

FORMS = ("model.txt", "model.json", "model.safetensors", "model.skops")
"""Names under which a run keeps a model in its library's own form; one at most."""


def native_files(estimator: Any, levels: Sequence[int], allow_pickle: bool = False) -> dict[str, bytes]:
    """Return what to keep of a fitted estimator besides its bundle, by artifact name; {} when there is no such form.

    Parameters
    ----------
    estimator : object
    levels : sequence of int
        Per column the number of category levels, 0 for numbers.
    allow_pickle : bool
        Whether what has no other form is kept as a pickle.

    Raises
    ------
    TrainingError
        It was to be kept as a pickle and can't be.
    """
    found = _native(estimator, levels)
    return found if found or not allow_pickle else {PICKLE: _pickled(estimator)}


def _pickled(estimator: Any) -> bytes:
    try:
        return pickle.dumps(estimator, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{type(estimator).__name__} can't be kept, not as a pickle either: {error}", remedy="drop allow_pickle"
        ) from error


def _native(estimator: Any, levels: Sequence[int]) -> dict[str, bytes]:
    if callable(getattr(estimator, "native_files", None)):
        files: dict[str, bytes] = estimator.native_files()
        return files
    of = boosters.library(estimator)
    if of == "lightgbm":
        return {"model.txt": estimator.booster_.model_to_string().encode()}
    if of in ("xgboost", "catboost"):
        return {"model.json": model_json(estimator, levels)}
    if boosters.is_module(estimator):
        from safetensors.numpy import save

        return {"model.safetensors": save(estimator.state())}
    skops = skops_of(estimator) if of == "sklearn" else b""
    return {"model.skops": skops} if skops else {}


def skops_of(estimator: Any) -> bytes:
    """Return scikit-learn's estimator as skops; b"" without the extra, or for one with parts of another library."""
    try:
        from skops.io import dumps
        from skops.io.exceptions import UnsupportedTypeException
    except ImportError:
        return b""
    try:
        found = bytes(dumps(estimator))
    except (UnsupportedTypeException, TypeError, AttributeError):  # a part that is no data: a lambda, an open file
        return b""
    return b"" if unknown_types(found)[1] else found


def model_json(estimator: Any, levels: Sequence[int]) -> bytes:
    """Return the JSON model of an XGBoost or CatBoost estimator, cut where early stopping did."""
    if boosters.library(estimator) == "xgboost":
        booster = estimator.get_booster()
        if estimator.get_params().get("early_stopping_rounds"):
            booster = booster[: estimator.best_iteration + 1]
        return bytes(booster.save_raw("json"))
    return _catboost(estimator, levels)


def _catboost(estimator: Any, levels: Sequence[int]) -> bytes:
    """Save with a pool that names every level: the model itself holds hashes of them."""
    from catboost import Pool

    places = estimator.get_cat_feature_indices()
    rows = np.zeros((2 + max((levels[place] for place in places), default=0), len(levels)))
    for place in places:
        rows[:, place] = np.minimum(np.arange(len(rows)), levels[place])
        rows[-1, place] = np.nan
    pool = Pool(boosters.predict_rows(estimator, rows), cat_features=places)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json", pool=pool)
        model = json.loads(path.read_bytes())
    for name in ("train_finish_time", "model_guid", "training"):  # say when and where, not what
        model["model_info"].pop(name, None)
    return json.dumps(model, sort_keys=True).encode()
