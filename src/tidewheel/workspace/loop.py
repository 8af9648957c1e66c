"""The workspace as the retraining loop sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tidewheel.definitions import ir
from tidewheel.outcomes import COLUMNS, Joined
from tidewheel.registry.bundles import Bundle, load_bundle
from tidewheel.registry.versions import Version, get_version
from tidewheel.workspace.deploying import deploy
from tidewheel.workspace.reporting import joined_decisions

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace


class WorkspaceLoop:
    """Implements `rollout.LoopView` over an open workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.catalog = workspace.stores.catalog
        self.graph: ir.Graph = workspace.project.graph

    def now(self) -> int:
        """Return the workspace's instant."""
        return self._workspace.stores.clock.now()

    def joined(self, service: ir.Service, since: int, columns: Sequence[str] = COLUMNS) -> Joined:
        """Return a service's decisions since an instant, with their outcomes as known now."""
        return joined_decisions(self._workspace, service.name, since, columns)

    def bundle(self, version: str) -> Bundle:
        """Return a version's bundle."""
        return load_bundle(self._workspace.stores.artifacts, get_version(self.catalog, version).bundle)

    def train(self, model: str, cause: str) -> Version:
        """Train a version as of now."""
        return get_version(self.catalog, self._workspace.train(model, cause=cause).version)

    def start_canary(self, service: str, version: str, share: float, cause: str) -> None:
        """Let a version answer a share of a service's units."""
        workspace = self._workspace
        deploy(
            workspace.stores,
            self.graph,
            version,
            service,
            share,
            cause=cause,
            who="retraining loop",
            sync=workspace.sync,
        )
