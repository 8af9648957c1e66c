"""What rollouts and the retraining loop see of a workspace, and the slow things they may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.outcomes import COLUMNS, Joined, Lists
from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.versions.versions import Version
from tidewheel.storage.catalog import Catalog

if TYPE_CHECKING:
    import pyarrow as pa

    from tidewheel.storage.lake.delta import Lake


class LoopView(Protocol):
    """A workspace, as far as rollouts are concerned."""

    catalog: Catalog
    lake: Lake
    graph: ir.Graph
    replayed: bool
    """Whether a caller drives the clock."""
    settled: int
    """So long after it was answered a decision can be read here, whichever host answered; microseconds."""

    def now(self) -> int:
        """Return the workspace's instant, µs UTC."""

    def joined(self, service: ir.Service, since: int, columns: Sequence[str] = COLUMNS, model: str = "") -> Joined:
        """Return a service's decisions since an instant, with their outcomes as known now.

        The outcomes are those of the service's model, or of another `model` of its line-up.
        """

    def lists(self, service: ir.Service, since: int) -> Lists:
        """Return the items of a service's lists since an instant, with their outcomes as known now."""

    def decisions(self, service: str, since: int, until: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the records of a service's decisions on events that arrived in ``[since, until)``."""

    def replayed_words(self, version: str, decisions: pa.Table) -> npt.NDArray[np.float64]:
        """Return the rows of a version's view, in words, as of the instants of decisions made by another."""

    def replayed_row(self, service_version: str, decisions: pa.Table) -> npt.NDArray[np.float64]:
        """Return the rows of what a service's score expression reads beside models' scores, in the same way."""

    def behind(self, version: str) -> int:
        """Return how far the features of a version are behind the log, in microseconds."""

    def bundle(self, version: str) -> Bundle:
        """Return a version's bundle."""

    def train(self, model: str, cause: str) -> Version:
        """Train a version as of now; raises `TrainingError` when there is none to be had."""

    def start_canary(self, service: str, version: str, share: float, cause: str) -> None:
        """Let a version answer a share of a service's units."""
