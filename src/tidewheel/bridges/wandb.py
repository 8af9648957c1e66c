"""Runs, written as Weights & Biases keeps them offline: a folder that ``wandb sync`` uploads whenever a team wants."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tidewheel.bridges.told import chosen, flat, metrics_of, pointers
from tidewheel.errors import FullError, MissingExtraError
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.registry.runs.runs import Run
from tidewheel.registry.versions.versions import Version, list_versions
from tidewheel.storage.catalog import Catalog

_PLACES = ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR")


class Exported(msgspec.Struct, frozen=True):
    """One run as it stands in the folder."""

    run: str
    version: str
    folder: str
    new: bool = True
    """False when the folder held it already."""


def export_runs(catalog: Catalog, artifacts: ArtifactStore, folder: Path, what: str = "") -> list[Exported]:
    """Write runs as offline runs below `folder`; one that stands there is left as it is.

    Nothing is sent anywhere. What a run left is not copied: its files are named where they lie, so upload from a
    machine that has them.

    Parameters
    ----------
    catalog : Catalog
    artifacts : ArtifactStore
    folder : Path
        Made when missing; ``wandb sync FOLDER/wandb/offline-run-*`` uploads it.
    what : str
        A run, a version (``Fraud@3``), a model's finished runs, or all of them.

    Raises
    ------
    MissingExtraError
        The extra ``wandb`` is not installed.
    NotFoundError
        There is no such run, version or model.
    ConflictError
        A run that still goes on.
    FullError
        The folder can't be written.
    """
    runs = chosen(catalog, what)
    versions = {version.run: version for version in list_versions(catalog)}
    aliases = {model: _aliases(pointers(catalog, model)) for model in {run.model for run in runs}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FullError(f"the folder can't be made ({error})", where=str(folder)) from error
    exported = []
    with _offline(folder) as wandb:
        for run in runs:
            version = versions.get(run.id)
            standing = _found(folder, run)
            if standing is None:
                _write(wandb, folder, run, version, artifacts, aliases[run.model])
            name = version.name if version else ""
            exported.append(Exported(run.id, name, str(standing or _found(folder, run)), standing is None))
    return exported


def _aliases(named: dict[str, str]) -> dict[str, list[str]]:
    """Return the names that each version goes by."""
    found: dict[str, list[str]] = {}
    for alias, version in named.items():
        found.setdefault(version, []).append(alias)
    return found


def _found(folder: Path, run: Run) -> Path | None:
    return next(folder.glob(f"wandb/offline-run-*-{run.id}"), None)


def _write(
    wandb: Any, folder: Path, run: Run, version: Version | None, artifacts: ArtifactStore, aliases: dict[str, list[str]]
) -> None:
    settings = wandb.Settings(
        mode="offline", root_dir=str(folder), silent=True, console="off", disable_git=True, save_code=False,
        x_disable_stats=True, x_disable_meta=True,
    )  # fmt: skip
    told = {"cause": run.cause, "who": run.who, "commit": run.lineage.commit, "dataset": run.lineage.dataset}
    config = flat(run.parameters) | {f"tidewheel.{key}": value for key, value in told.items() if value}
    name = version.name if version else run.id
    with wandb.init(project=run.model, id=run.id, name=name, config=config, settings=settings) as theirs:
        theirs.log(metrics_of(run))
        if version is not None:
            theirs.log_artifact(_artifact(wandb, run, version, artifacts), aliases=aliases.get(version.name, []))
        theirs.finish(exit_code=0 if run.status == "done" else 1)


def _artifact(wandb: Any, run: Run, version: Version, artifacts: ArtifactStore) -> Any:
    made = wandb.Artifact(
        version.model, type="model", metadata={"version": version.name, "passed": version.passed, "run": run.id}
    )
    for name, digest in sorted(run.artifacts.items()):
        # Our files never change, so theirs may point at them.
        made.add_file(str(artifacts.get(digest)), name=name, policy="immutable")
    return made


@contextmanager
def _offline(folder: Path) -> Iterator[Any]:
    """Give the library, which keeps its own notes below `folder` and not in the user's home meanwhile."""
    before = {name: os.environ.get(name) for name in _PLACES}
    os.environ.update(dict.fromkeys(_PLACES, str(folder)))
    try:
        try:
            import wandb
        except ImportError as error:
            raise MissingExtraError("wandb is not installed", remedy="pip install 'tidewheel[wandb]'") from error
        try:
            yield wandb
        finally:
            wandb.teardown()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
