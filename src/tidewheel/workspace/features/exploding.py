"""The rows that decisions were made from, with a column for each feature."""

from __future__ import annotations

import pyarrow as pa

from tidewheel.outcomes import view_rows
from tidewheel.outcomes.answered import is_text
from tidewheel.registry.models.bundles import load_manifest
from tidewheel.registry.versions.versions import get_version
from tidewheel.runtime.stores import Stores
from tidewheel.serving.deciding.lineup import view_of
from tidewheel.workspace.features.reading import decisions

BESIDE = ("decision_id", "event_id", "service", "instant", "model", "score", "decision", "fallback", "row_kept")
"""Columns of the decision that stand before the features."""


def feature_rows(stores: Stores, version: str, since: int | None = None) -> pa.Table:
    """Return the rows of a version's view that decisions kept, whichever version of that view answered.

    Decisions that left their row out, or whose row was erased, are not among them: weigh each by ``1 / row_kept``.

    Raises
    ------
    NotFoundError
        There is no such version.
    """
    manifest = load_manifest(stores.artifacts, get_version(stores.catalog, version, deleted=True).bundle)
    view = view_of(manifest.graph, manifest.view)
    table = decisions(stores).scan([*BESIDE, "view", "features", "texts"], since=since)
    table = table.filter(is_text(table["view"], manifest.view_digest))
    kept, words = view_rows(table, len(view.columns))
    table = table.take(pa.array(kept))
    texts = [dict(row or ()) for row in table["texts"].to_pylist()]
    rows = table.select(list(BESIDE))
    for place, column in enumerate(view.columns):
        values = (
            pa.array([text.get(column.name) for text in texts], pa.string())
            if column.text
            else pa.array(words[:, place], pa.float64(), from_pandas=True)
        )
        name = f"feature.{column.name}" if column.name in BESIDE else column.name
        rows = rows.append_column(name, values)
    return rows
