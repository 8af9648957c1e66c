"""The workspace as rollouts and the retraining loop see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.features.planning.view import plan_view
from tidewheel.features.proof.parity import rows_of_decisions
from tidewheel.features.reading.freshness import freshness_of
from tidewheel.features.replay.backfill import compute_view
from tidewheel.outcomes import COLUMNS, Joined, Lists
from tidewheel.registry.models.bundles import Bundle, load_bundle
from tidewheel.registry.pointers.ramps import Rollout
from tidewheel.registry.services import load_service
from tidewheel.registry.versions.names import members_of
from tidewheel.registry.versions.versions import Version, get_version
from tidewheel.rollout.rules import LOOP
from tidewheel.serving.deciding.lineup import view_of
from tidewheel.storage.journal.rows import from_arrow
from tidewheel.workspace.features.reading import decisions
from tidewheel.workspace.reporting import joined_decisions, joined_lists
from tidewheel.workspace.rollouts.deploying import deploy

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace


ON_ITS_WAY = 2_000_000
"""Decisions of the last two seconds may still be on their way into the journal."""


def settled(workspace: Workspace) -> int:
    """Return how long after its answer a decision can be read here: other hosts bring theirs with their flushes."""
    stores = workspace.stores
    if stores.clock.replay:
        return 0
    return ON_ITS_WAY + 3 * stores.settings.flush_every * stores.catalog.shared


class WorkspaceLoop:
    """Implements `rollout.LoopView` over an open workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.catalog = workspace.stores.catalog
        self.lake = workspace.stores.lake
        self.replayed = workspace.stores.clock.replay
        self.settled = settled(workspace)
        self.graph: ir.Graph = workspace.project.graph

    def now(self) -> int:
        """Return the workspace's instant."""
        return self._workspace.stores.clock.now()

    def joined(self, service: ir.Service, since: int, columns: Sequence[str] = COLUMNS, model: str = "") -> Joined:
        """Return a service's decisions since an instant, with their outcomes as known now."""
        return joined_decisions(self._workspace, service.name, since, columns, model)

    def lists(self, service: ir.Service, since: int) -> Lists:
        """Return the items of a service's lists since an instant, with their outcomes as known now."""
        return joined_lists(self._workspace, service.name, since)

    def decisions(self, service: str, since: int, until: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the records of a service's decisions on events that arrived in ``[since, until)``."""
        return decisions(self._workspace.stores).scan(columns, service=service, since=since, until=until)

    def replayed_words(self, version: str, decisions: pa.Table) -> npt.NDArray[np.float64]:
        """Return the rows of a version's view, in words, as of the instants of decisions made by another."""
        manifest = self.bundle(version).manifest
        return self._words(manifest.graph, view_of(manifest.graph, manifest.view), decisions)

    def replayed_row(self, service_version: str, decisions: pa.Table) -> npt.NDArray[np.float64]:
        """Return the rows of what a service's score expression reads beside models' scores, in the same way."""
        frozen = load_service(self.catalog, service_version)
        assert frozen.service.score_view is not None
        return self._words(frozen.graph, frozen.service.score_view, decisions)

    def _words(self, graph: ir.Graph, view: ir.View, decisions: pa.Table) -> npt.NDArray[np.float64]:
        plan = plan_view(graph, view)
        rows = rows_of_decisions(from_arrow(decisions), plan, graph).drop_columns(["_states", "_instant"])
        return compute_view(self._workspace.history, graph, plan, rows).words

    def behind(self, version: str) -> int:
        """Return how far the features of a version are behind the log, in microseconds; of a line-up the furthest."""
        stores, ages = self._workspace.stores, []
        for name in members_of(version):
            manifest = self.bundle(name).manifest
            view = view_of(manifest.graph, manifest.view)
            ages.append(freshness_of(manifest.graph, view, stores.state, stores.log, self.now()).age)
        return max(ages)

    def bundle(self, version: str) -> Bundle:
        """Return a version's bundle; of a line-up the first member's, once all can be loaded."""
        artifacts = self._workspace.stores.artifacts
        found = [load_bundle(artifacts, get_version(self.catalog, name).bundle) for name in members_of(version)]
        return found[0]

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
            Rollout("canary", share),
            cause=cause,
            who=LOOP,
            sync=workspace.sync,
        )
