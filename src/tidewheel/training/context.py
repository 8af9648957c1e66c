"""What a run is given: history, catalog, artifacts, clock, definitions. Plain references; nothing is opened here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.definitions.language.places import likely
from tidewheel.engine import Engine
from tidewheel.errors import NotFoundError
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.storage.catalog import Catalog

Progress = Callable[[str, float], None]
"""Told what is being done and its share done, 0 to 1."""

DECISION_COLUMNS = (
    "decision_id", "event_id", "service", "arrived", "instant", "states",
    "arm", "propensity", "decision", "explored", "caller",
)  # fmt: skip
"""What training reads of a decision (see `tidewheel.storage.journal.decisions`)."""


class _Pinned:
    """History with its head held still."""

    def __init__(self, history: History, head: int) -> None:
        self._history = history
        self.redactions = history.redactions
        self._head = head

    def scan(
        self, type: str, columns: Sequence[str], *, below: int | None = None, after: int | None = None
    ) -> pa.Table:
        """Return `columns` of the events of a type below the head."""
        end = self._head if below is None else min(below, self._head)
        return self._history.scan(type, columns, below=end, after=after)

    def head(self) -> int:
        """Return the head."""
        return self._head


def pinned(history: History, head: int) -> History:
    """Return history as it stood when the log's head was at `head`: later events are not seen.

    The result answers `scan` and `head`, which is all that features and training ask for.
    """
    return cast("History", _Pinned(history, head))


@dataclass(frozen=True)
class TrainingContext:
    """A workspace as training sees it.

    Attributes
    ----------
    history : History
    catalog : Catalog
    artifacts : ArtifactStore
    now : callable
        The workspace's clock, microseconds UTC.
    graph : ir.Graph
        The project's definitions.
    models : mapping of str to model class
        Live declarations by name: they hold the estimator objects and the search spaces.
    folder : Path, optional
        The project's folder, for its commit and patch.
    decisions : callable, optional
        Given an event type and column names (see `DECISION_COLUMNS`), returns the decisions on events of that type, in
        the columns of the lake's ``decisions`` table, journalled ones included.
    lake_versions : callable, optional
        Given event types, returns the version of each one's lake table.
    served : callable, optional
        Given a view's digest and a number, returns so many of the newest decision records of the view (for parity).
    engine : callable, optional
        Opens the engine that trials and the workers of a fit run on; None means the cores of this process.
    workers : int
        Processes that a fit is shared among.
    """

    history: History
    catalog: Catalog
    artifacts: ArtifactStore
    now: Callable[[], int]
    graph: ir.Graph
    models: Mapping[str, type[Any]]
    folder: Path | None = None
    decisions: Callable[[str, Sequence[str]], pa.Table] | None = None
    lake_versions: Callable[[Sequence[str]], Mapping[str, int]] | None = None
    served: Callable[[str, int], Sequence[Any]] | None = None
    engine: Callable[[], Engine] | None = None
    workers: int = 1

    def model(self, name: str) -> ir.Model:
        """Return a model's frozen form.

        Raises
        ------
        NotFoundError
            When the project declares none of this name.
        """
        found = next((model for model in self.graph.models if model.name == name), None)
        if found is None:
            known = [model.name for model in self.graph.models]
            raise NotFoundError(f"the project declares no model {name!r}", remedy=likely(name, known))
        return found

    def view(self, model: ir.Model) -> ir.View:
        """Return a model's view."""
        return next(view for view in self.graph.views if view.name == model.view)

    def source(self, name: str) -> ir.Source:
        """Return an event's or entity's declaration."""
        return next(source for source in self.graph.sources if source.name == name)

    def services(self, model: ir.Model) -> list[ir.Service]:
        """Return the services that a model answers for."""
        return [service for service in self.graph.services if model.name in service.members]
