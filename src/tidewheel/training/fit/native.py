"""A fitted model in its library's own words: text or JSON that newer releases of it still read."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tidewheel.training.fit import boosters


def native_files(estimator: Any, levels: Sequence[int]) -> dict[str, bytes]:
    """Return what to keep of a fitted estimator besides its bundle, by artifact name; {} when there is no such form.

    Parameters
    ----------
    estimator : object
    levels : sequence of int
        Per column the number of category levels, 0 for numbers.
    """
    of = boosters.library(estimator)
    if of == "lightgbm":
        return {"model.txt": estimator.booster_.model_to_string().encode()}
    if of in ("xgboost", "catboost"):
        return {"model.json": model_json(estimator, levels)}
    if boosters.is_module(estimator):
        from safetensors.numpy import save

        return {"model.safetensors": save(estimator.state())}
    return {}


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
