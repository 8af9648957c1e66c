"""Runs, versions and pointers, mirrored to an MLflow tracking server. Ours stay the truth."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tidewheel.bridges.told import ALIASES, chosen, flat, metrics_of, pointers
from tidewheel.errors import MissingExtraError, UnreachableError
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.registry.pointers.environments import list_environments
from tidewheel.registry.runs.runs import Run
from tidewheel.registry.versions.versions import Version, list_versions
from tidewheel.storage.catalog import Catalog

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN, VERSION = "tidewheel.run", "tidewheel.version"
"""Tags that say which of ours a run or version of theirs is."""
MOST_TEXT = 6000
"""Characters that MLflow keeps of a parameter."""


class Pushed(msgspec.Struct, frozen=True):
    """One run as it stands on the server."""

    run: str
    mlflow_run: str
    version: str = ""
    mlflow_version: str = ""
    aliases: tuple[str, ...] = ()
    new: bool = True
    """False when the server had it already."""


class Mirror:
    """A tracking server.

    Parameters
    ----------
    catalog : Catalog
    artifacts : ArtifactStore
    url : str
        ``http://host:5000``, or whatever else MLflow takes as a tracking URI.

    Raises
    ------
    MissingExtraError
        The extra ``mlflow`` is not installed.
    """

    def __init__(self, catalog: Catalog, artifacts: ArtifactStore, url: str) -> None:
        self._catalog = catalog
        self._artifacts = artifacts
        self.url = url
        self._client = _client(url)

    def push(self, what: str = "") -> list[Pushed]:
        """Mirror a run, a version (``Fraud@3``), a model's finished runs, or all of them; oldest first.

        Raises
        ------
        NotFoundError
            There is no such run, version or model.
        ConflictError
            A run that still goes on.
        UnreachableError
            The server does not answer, or refuses.
        """
        runs = chosen(self._catalog, what)
        versions = {version.run: version for version in list_versions(self._catalog)}
        with _answering(self.url):
            pushed = [self._push(run, versions.get(run.id)) for run in runs]
            for model in sorted({run.model for run in runs if run.id in versions}):
                self._point(model, pushed)
        return pushed

    def _push(self, run: Run, version: Version | None) -> Pushed:
        experiment = self._experiment(run.model)
        found = self._client.search_runs([experiment], f"tags.`{RUN}` = '{run.id}'", max_results=1)
        theirs = found[0] if found else self._begun(experiment, run, version)
        if theirs.info.status == "RUNNING":  # new, or cut off in the middle of an earlier push
            self._fill(theirs.info.run_id, run)
        number = self._version(theirs, version) if version else ""
        return Pushed(
            run.id, theirs.info.run_id, version.name if version else "", number, (), theirs.info.status == "RUNNING"
        )

    def _experiment(self, model: str) -> str:
        found = self._client.get_experiment_by_name(model)
        return str(found.experiment_id if found else self._client.create_experiment(model))

    def _begun(self, experiment: str, run: Run, version: Version | None) -> Any:
        tags = {
            RUN: run.id,
            "mlflow.user": run.who,
            "mlflow.source.name": "tidewheel",
            "mlflow.source.git.commit": run.lineage.commit,
            "tidewheel.cause": run.cause,
            "tidewheel.dataset": run.lineage.dataset,
        }
        name = version.name if version else run.id
        kept = {key: value for key, value in tags.items() if value}
        return self._client.create_run(experiment, start_time=run.started // 1000, tags=kept, run_name=name)

    def _fill(self, identity: str, run: Run) -> None:
        from mlflow.entities import Metric, Param

        at = (run.finished or run.started) // 1000
        params = [Param(key, text[:MOST_TEXT]) for key, text in flat(run.parameters).items()]
        metrics = [Metric(name, value, at, 0) for name, value in metrics_of(run).items()]
        for start in range(0, len(params), 100):
            self._client.log_batch(identity, params=params[start : start + 100])
        for start in range(0, len(metrics), 1000):
            self._client.log_batch(identity, metrics=metrics[start : start + 1000])
        self._files(identity, run)
        self._client.set_terminated(identity, "FINISHED" if run.status == "done" else "FAILED", end_time=at)

    def _files(self, identity: str, run: Run) -> None:
        """Upload what a run left, under its names, and the record of the run itself."""
        with tempfile.TemporaryDirectory(prefix="tidewheel-mlflow-") as folder:
            for name, digest in run.artifacts.items():
                target = Path(folder) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(self._artifacts.get(digest).resolve())
            (Path(folder) / "run.json").write_bytes(msgspec.json.format(msgspec.json.encode(run)))
            self._client.log_artifacts(identity, folder, "tidewheel")

    def _version(self, theirs: Any, version: Version) -> str:
        found = self._versions(version.model)
        if version.name in found:
            return found[version.name]
        if not self._client.search_registered_models(f"name = '{version.model}'"):
            self._client.create_registered_model(version.model)
        passed = "passed" if version.passed else "failed"
        made = self._client.create_model_version(
            version.model,
            source=f"{theirs.info.artifact_uri}/tidewheel",
            run_id=theirs.info.run_id,
            tags={VERSION: version.name, "tidewheel.gates": passed, "tidewheel.bundle": version.bundle},
        )
        return str(made.version)

    def _versions(self, model: str) -> dict[str, str]:
        """Return their number of each of our versions of a model."""
        found = self._client.search_model_versions(f"name = '{model}'", max_results=10_000)
        return {version.tags[VERSION]: str(version.version) for version in found if VERSION in version.tags}

    def _point(self, model: str, pushed: list[Pushed]) -> None:
        """Make the server's aliases of a model those that we have: champion, challenger, environments."""
        numbers = self._versions(model)
        wanted = {alias: numbers[name] for alias, name in pointers(self._catalog, model).items() if name in numbers}
        mine = {*ALIASES, *(standing.environment for standing in list_environments(self._catalog, model)), *wanted}
        theirs = dict(self._client.get_registered_model(model).aliases)
        for alias in sorted(mine & theirs.keys()):
            if alias not in wanted:
                self._client.delete_registered_model_alias(model, alias)
        for alias, number in sorted(wanted.items()):
            if str(theirs.get(alias)) != number:
                self._client.set_registered_model_alias(model, alias, number)
        for place, one in enumerate(pushed):
            held = tuple(sorted(alias for alias, number in wanted.items() if number == one.mlflow_version))
            if one.version.startswith(f"{model}@") and held:
                pushed[place] = msgspec.structs.replace(one, aliases=held)


def downloaded(uri: str, url: str, folder: Path) -> Path:
    """Return where a server's artifact was put below `folder`.

    Parameters
    ----------
    uri : str
        ``models:/Name/3``, ``models:/Name@alias`` or ``runs:/ID/path``.
    url : str
        The tracking server.

    Raises
    ------
    MissingExtraError
        The extra ``mlflow`` is not installed.
    UnreachableError
        The server does not answer, or has no such thing.
    """
    _client(url)
    import mlflow
    from mlflow.artifacts import download_artifacts

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(url)  # the call's own arguments do not reach all that it asks
    mlflow.set_registry_uri(url)
    try:
        with _answering(url):
            return Path(download_artifacts(uri, dst_path=str(folder)))
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])


@contextmanager
def _answering(url: str) -> Iterator[None]:
    """Say in our words what the client raises."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        said = str(error).strip().splitlines()[0][:300]
        raise UnreachableError(
            f"the MLflow server refused or did not answer ({said})", where=url,
            remedy="check the address and that the server runs; nothing of ours was changed",
        ) from error  # fmt: skip


def _client(url: str) -> MlflowClient:
    # read when the client is first imported: no telemetry, and no minutes of retries
    for name, value in (
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
        ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
        ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
    ):
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise MissingExtraError(
            "the MLflow client is not installed", remedy="pip install 'tidewheel[mlflow]'"
        ) from error
    return MlflowClient(tracking_uri=url, registry_uri=url)
