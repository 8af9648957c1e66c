"""What trackers are told of our runs: which runs, and their numbers and pointers as names with values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.errors import ConflictError, NotFoundError
from tidewheel.registry.pointers.environments import list_environments
from tidewheel.registry.runs.runs import Run, get_run, list_runs
from tidewheel.registry.versions.versions import get_version
from tidewheel.storage.catalog import Catalog

ALIASES = ("champion", "challenger")


def chosen(catalog: Catalog, what: str = "") -> list[Run]:
    """Return a run, the run of a version (``Fraud@3``), a model's finished runs, or all of them; oldest first.

    Raises
    ------
    NotFoundError
        There is no such run, version or model.
    ConflictError
        A run that still goes on.
    """
    if "@" in what:
        return [get_run(catalog, get_version(catalog, what).run)]
    found = [run for run in list_runs(catalog, what, limit=100_000) if run.status != "running"]
    if found or not what:
        return found[::-1]
    run = get_run(catalog, what)
    if run.status == "running":
        raise ConflictError(f"run {run.id} still goes on", remedy="push it when it is done")
    return [run]


def pointers(catalog: Catalog, model: str) -> dict[str, str]:
    """Return the version that each name of a model means: champion, challenger, and its environments."""
    found = {standing.environment: standing.version for standing in list_environments(catalog, model)}
    for alias in ALIASES:
        try:
            found[alias] = get_version(catalog, f"{model}@{alias}").name
        except (NotFoundError, ConflictError):  # none is deployed, or services differ: then it means nothing
            continue
    return found


def metrics_of(run: Run) -> dict[str, float]:
    """Return a run's metrics under MLflow's rules for names: ``test/roc_auc``, ``test/roc_auc.low``."""
    found: dict[str, float] = {}
    for metric in run.metrics:
        name = _named(f"{metric.split}/{metric.metric}")
        ends = {name: metric.value, f"{name}.low": metric.low, f"{name}.high": metric.high}
        found |= {key: value for key, value in ends.items() if value is not None}
    return found


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested parameters as names and texts.

    Examples
    --------
    >>> flat({"seed": 1, "chosen": {"num_leaves": 7}, "notes": []})
    {'seed': '1', 'chosen.num_leaves': '7', 'notes': '[]'}
    """
    found: dict[str, str] = {}
    for key, value in values.items():
        name = _named(f"{prefix}{key}")
        found |= flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: str(value)}
    return found


def _named(name: str) -> str:
    kept = "".join(char if char.isalnum() or char in "_-. /" else "_" for char in name)
    return kept.replace("=", "_").rstrip("_")[:250]
