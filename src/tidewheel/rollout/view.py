"""What the retraining loop sees of a workspace, and the one slow thing it may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidewheel.definitions import ir
from tidewheel.outcomes import COLUMNS, Joined
from tidewheel.registry.bundles import Bundle
from tidewheel.registry.versions import Version
from tidewheel.storage.catalog import Catalog


class LoopView(Protocol):
    """A workspace, as far as the loop is concerned."""

    catalog: Catalog
    graph: ir.Graph

    def now(self) -> int:
        """Return the workspace's instant, µs UTC."""

    def joined(self, service: ir.Service, since: int, columns: Sequence[str] = COLUMNS) -> Joined:
        """Return a service's decisions since an instant, with their outcomes as known now."""

    def bundle(self, version: str) -> Bundle:
        """Return a version's bundle."""

    def train(self, model: str, cause: str) -> Version:
        """Train a version as of now; raises `TrainingError` when there is none to be had."""

    def start_canary(self, service: str, version: str, share: float, cause: str) -> None:
        """Let a version answer a share of a service's units."""
