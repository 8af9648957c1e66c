"""The models that are served, as the Open Inference Protocol sees them: which there are, ready or not, counted."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import msgspec

from tidewheel.errors import InputError, NotFoundError, TidewheelError
from tidewheel.registry.pointers.switching import tell
from tidewheel.runtime.kill_switch import Killed
from tidewheel.serving.api.handler import unknown
from tidewheel.serving.api.oip.messages import Inference, Inferred
from tidewheel.serving.api.oip.models import Model, ServiceModel, VersionModel, unready
from tidewheel.serving.api.oip.statistics import Statistics, statistics_of

if TYPE_CHECKING:
    from tidewheel.registry.models.bundles import Bundle
    from tidewheel.serving.backend import WorkerBackend


log = logging.getLogger("tidewheel.serving")
ASKED = "inference protocol"


class Entry(msgspec.Struct, frozen=True):
    """A line of the repository's index."""

    name: str
    version: str
    state: str
    reason: str = ""


class Repository:
    """Finds models by name and version, and asks them.

    A model's versions are those that a deployment points at; without a version the champion answers. A service is a
    model too, in the one version that is its deployment's revision.

    Parameters
    ----------
    backend : WorkerBackend
        Of this process.
    """

    def __init__(self, backend: WorkerBackend) -> None:
        self._backend = backend
        self._made: dict[str, VersionModel] = {}
        self.statistics = Statistics(backend.serving.metrics)

    def ready(self) -> str:
        """Return why the server is not ready; "" when it is."""
        return self._backend.ready()

    def models(self) -> list[Model]:
        """Return all models, by name and version."""
        services = [ServiceModel(self._backend, name) for name in self._backend.services()]
        return [*services, *sorted(self._versions(), key=lambda it: (it.name, int(it.version)))]

    def versions(self, name: str) -> list[Model]:
        """Return the versions of a model.

        Raises
        ------
        NotFoundError
            There is no such model.
        """
        if name in self._backend.services():
            return [ServiceModel(self._backend, name)]
        found: list[Model] = [model for model in self._versions() if model.name == name]
        if not found:
            raise unknown("model", name, [model.name for model in self.models()])
        return sorted(found, key=lambda it: int(it.version))

    def find(self, name: str, version: str = "") -> Model:
        """Return a model; without a version the champion's, or the newest that is loaded.

        Raises
        ------
        NotFoundError
            There is no such model or version.
        """
        found = self.versions(name)
        if not version:
            champions = self._champions()
            return next((model for model in found if f"{name}@{model.version}" in champions), found[-1])
        for model in found:
            if model.version == version:
                return model
        known = ", ".join(model.version for model in found)
        raise NotFoundError(f"model {name!r} has no version {version[:40]!r}", remedy=f"there are {known}")

    async def infer(self, name: str, version: str, asked: Inference) -> Inferred:
        """Ask a model, within the time that the caller gives.

        Raises
        ------
        TidewheelError
            There is no such model, the inputs do not fit, it is switched off, time is up.
        """
        model = self.find(name, version)
        begun = perf_counter_ns()
        try:
            outputs = await model.infer(asked)
        except TidewheelError:
            self.statistics.failed(model, perf_counter_ns() - begun)
            raise
        rows = outputs[0].shape[0]
        self.statistics.answered(model, rows, perf_counter_ns() - begun, self._backend.now())
        return Inferred(model.name, model.version, _chosen(outputs, asked.outputs))

    # --- what the protocol tells of models -----------------------------------------------------

    def metadata(self, name: str, version: str = "") -> dict[str, Any]:
        """Return a model's versions, inputs and outputs."""
        model = self.find(name, version)
        return {
            "name": name,
            "versions": [other.version for other in self.versions(name)],
            "platform": model.platform,
            "inputs": [msgspec.to_builtins(port) for port in model.inputs],
            "outputs": [msgspec.to_builtins(port) for port in model.outputs],
        }

    def config(self, name: str, version: str = "") -> dict[str, Any]:
        """Return a model's configuration in Triton's words: what of it has a meaning here."""
        model = self.find(name, version)
        return {
            "name": name,
            "platform": model.platform,
            "backend": "tidewheel",
            "max_batch_size": 0,
            "version_policy": {"specific": {"versions": [_number(it.version) for it in self.versions(name)]}},
            "input": [_configured(port) for port in model.inputs],
            "output": [_configured(port) for port in model.outputs],
        }

    def index(self, ready_only: bool = False) -> list[Entry]:
        """Return every model with its state."""
        entries = [Entry(it.name, it.version, "UNAVAILABLE" if it.not_ready() else "READY", it.not_ready())
                   for it in self.models()]  # fmt: skip
        return [entry for entry in entries if entry.state == "READY" or not ready_only]

    def stats(self, name: str = "", version: str = "") -> list[dict[str, Any]]:
        """Return what all processes of this host counted of a model, or of all."""
        found = self.models() if not name else [self.find(name, version)] if version else self.versions(name)
        snapshots = self._backend.snapshots()
        return [statistics_of(model, snapshots) for model in found]

    # --- administration ------------------------------------------------------------------------

    async def load(self, name: str, parameters: dict[str, Any] | None = None, who: str = "") -> None:
        """Switch a model on again. What is deployed is always loaded; nothing else can be.

        Raises
        ------
        NotFoundError
            It is not deployed.
        InputError
            A configuration or files came along.
        """
        if parameters and any(key == "config" or key.startswith("file:") for key in parameters):
            raise InputError("a model's files and configuration are not taken over the wire", remedy="tidewheel deploy")
        self.versions(name)
        self._backend.serving.switch.unkill(name)
        await asyncio.to_thread(self._tell, "unkill", name, who)

    async def unload(self, name: str, who: str = "") -> None:
        """Switch a model off, as ``tidewheel kill`` does: services answer by their fallback chain.

        Raises
        ------
        NotFoundError
            It is not deployed.
        """
        self.versions(name)
        self._backend.serving.switch.kill(Killed(name, at=self._backend.now(), who=who or ASKED, why="unload"))
        await asyncio.to_thread(self._tell, "kill", name, who)

    def _tell(self, what: str, name: str, who: str) -> None:
        """Tell the other hosts, and the audit; without a catalog this host has obeyed all the same."""
        try:
            tell(self._backend.serving.stores.catalog, what, name, ASKED, who or ASKED)
        except TidewheelError as error:
            log.warning("the catalog could not be told that %s was asked for %s: %s", what, name, error)

    # --- inside --------------------------------------------------------------------------------

    def _versions(self) -> list[VersionModel]:
        """Return the loaded versions; those that no deployment points at any more are forgotten."""
        serving = self._backend.serving
        bundles = serving.builder.bundles()
        made = self._made

        def same(label: str, bundle: Bundle) -> bool:
            return label in made and made[label].bundle is bundle

        self._made = {
            label: made[label] if same(label, bundle) else VersionModel(label, bundle, serving.switch.names)
            for label, bundle in bundles.items()
        }
        return list(self._made.values())

    def _champions(self) -> set[str]:
        deciders = [served.decider for served in self._backend.serving.desk.services.values()]
        return {decider.champion.model for decider in deciders if decider.champion is not None}


def checked_ready(model: Model) -> Model:
    """Return a model that can answer now.

    Raises
    ------
    NotReadyError
        It can't.
    """
    if model.not_ready():
        raise unready(model)
    return model


def _chosen(outputs: list[Any], names: list[str]) -> list[Any]:
    if not names:
        return outputs
    found = {tensor.name: tensor for tensor in outputs}
    unknown_names = [name for name in names if name not in found]
    if unknown_names:
        raise InputError(f"no output {unknown_names[:5]}", remedy=f"there are {', '.join(found)}")
    return [found[name] for name in names]


def _configured(port: Any) -> dict[str, Any]:
    kind = "STRING" if port.datatype == "BYTES" else port.datatype
    return {"name": port.name, "data_type": f"TYPE_{kind}", "dims": port.shape}


def _number(version: str) -> int:
    return int(version)
