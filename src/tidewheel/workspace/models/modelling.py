"""What training is given of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import Project
from tidewheel.engine import open_engine
from tidewheel.runtime.stores import Stores
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.journal.rows import from_arrow
from tidewheel.training.context import TrainingContext
from tidewheel.workspace.features.reading import decisions


def training_context(stores: Stores, history: History, project: Project) -> TrainingContext:
    """Return a workspace as training sees it."""

    def decided(event: str, columns: Sequence[str]) -> pa.Table:
        found = decisions(stores).scan([*columns, "event_type"])
        return found.filter(pc.equal(found["event_type"], event)).select(list(columns))

    def served(view: str, most: int) -> list[DecisionRecord]:
        found = decisions(stores).scan()
        of_view = found.filter(pc.equal(found["view"], view))
        return from_arrow(of_view.slice(max(0, of_view.num_rows - most)))

    return TrainingContext(
        history=history,
        catalog=stores.catalog,
        artifacts=stores.artifacts,
        now=stores.clock.now,
        graph=project.graph,
        models=project.models,
        folder=project.folder,
        decisions=decided,
        lake_versions=lambda types: {type: history.version(type) for type in types},
        served=served,
        engine=partial(open_engine, stores.settings.engine) if stores.settings.engine else None,
        workers=stores.settings.fit_workers,
    )
