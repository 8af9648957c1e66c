"""The tracking server that the settings name, and the mirroring of each run to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tidewheel.errors import ConfigError, TidewheelError
from tidewheel.runtime.stores import Stores
from tidewheel.storage.catalog.notes import note
from tidewheel.training import TrainResult

if TYPE_CHECKING:
    from tidewheel.bridges.mlflow import Mirror


def mirror(stores: Stores, url: str = "") -> Mirror:
    """Return the MLflow server at `url`, or the one of the settings.

    Raises
    ------
    ConfigError
        Neither says which.
    """
    from tidewheel.bridges.mlflow import Mirror

    place = url or stores.settings.mlflow
    if not place:
        raise ConfigError("no MLflow server is named", remedy='give --to URL, or set mlflow = "http://host:5000"')
    return Mirror(stores.catalog, stores.artifacts, place)


def mirrored(stores: Stores, result: TrainResult) -> TrainResult:
    """Push a run that ended to the server of the settings; when that fails, the run says so and stands."""
    if not stores.settings.mlflow:
        return result
    try:
        mirror(stores).push(result.run_id)
    except TidewheelError as error:
        note(stores.catalog, "mlflow.failed", result.version, {"run": result.run_id, "error": str(error)})
        return replace(result, notes=[*result.notes, f"not mirrored to MLflow: {error}"])
    return result
