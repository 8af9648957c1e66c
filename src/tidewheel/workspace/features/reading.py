"""Reading features, view rows and decisions through a workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.decisions import Decisions
from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.errors import InputError, NotFoundError
from tidewheel.features.planning.group import vectors_of
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.proof.parity import ParityReport, check, merged
from tidewheel.features.reading.entities import named_keys
from tidewheel.features.reading.online import OnlineReader
from tidewheel.features.replay.asof import read_group
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.replay.shown import rows_of_view
from tidewheel.kernel.words.vectors import unpack_vector
from tidewheel.registry.models.bundles import Inner, load_bundle
from tidewheel.registry.services import load_service
from tidewheel.registry.versions.versions import get_version
from tidewheel.runtime.stores import Stores
from tidewheel.storage.journal.decisions import DecisionRecord, row_records
from tidewheel.storage.journal.rows import from_arrow
from tidewheel.workspace.naming import find


class FeatureRow:
    """One entity's features: by attribute, or all with `as_dict`. Null is None.

    What `top_k` and `last_n` gave is there column by column, and under its own name as a tuple.

    Examples
    --------
    >>> FeatureRow({"mean_30d": 12.5}).mean_30d
    12.5
    """

    def __init__(self, values: Mapping[str, Any], lists: Mapping[str, list[str]] | None = None) -> None:
        self._values = dict(values)
        self._lists = dict(lists or {})

    def __getattr__(self, name: str) -> Any:
        """Return a feature by name."""
        values = self.__dict__.get("_values", {})
        if name in self.__dict__.get("_lists", ()):
            return tuple(values[own] for own in self._lists[name])
        if name not in values:
            raise AttributeError(f"no feature {name!r}; there are: {', '.join(values)}")
        return values[name]

    def as_dict(self) -> dict[str, Any]:
        """Return the features by name."""
        return dict(self._values)

    def __repr__(self) -> str:
        """Return the features as they would be written."""
        return f"FeatureRow({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"


def read_features(
    stores: Stores, history: History, graph: ir.Graph, name: str, keys: Mapping[str, object], instant: int | None
) -> FeatureRow:
    """Return one entity's features: from the live state, or from history as of an instant."""
    group = find(graph.groups, name, "features")
    parts = named_keys(group, keys)
    if instant is not None:
        table = read_group(history, graph, group, {part: [value] for part, value in parts.items()}, [instant])
        row = table.to_pylist()[0]
        values = {feature.name: row[feature.name] for feature in group.features}
        return FeatureRow(_with_vectors(graph, group, values), _lists(group))
    plan = plan_group_alone(graph, group)
    row = OnlineReader(stores.state, [plan]).read(parts, stores.clock.now())
    texts = row.texts[0]
    found: dict[str, Any] = {}
    for feature, text, word in zip(plan.names, plan.texts, row.words[0].tolist(), strict=True):
        found[feature] = texts.get(feature) if text else None if np.isnan(word) else word
    return FeatureRow(_with_vectors(graph, group, found), _lists(group))


def _with_vectors(graph: ir.Graph, group: ir.Group, values: dict[str, Any]) -> dict[str, Any]:
    """Return features with vectors as NumPy arrays."""
    for name in vectors_of(graph, group):
        values[name] = None if values[name] is None else unpack_vector(values[name])
    return values


def _lists(group: ir.Group) -> dict[str, list[str]]:
    """Return the names of features that one aggregate gave, by what they are called together."""
    found: dict[str, list[str]] = {}
    for feature in group.features:
        name, _, place = feature.name.rpartition("_")
        if isinstance(feature.value, ir.Aggregate) and feature.value.place and place == str(feature.value.place):
            found.setdefault(name, []).append(feature.name)
    return found


def _instants(rows: pa.Table, view: str) -> pa.ChunkedArray:
    """Return a table's ``at`` in microseconds, of whatever unit its times are."""
    names = rows.column_names if isinstance(rows, pa.Table) else []
    if "at" not in names:
        found = ", ".join(names) or type(rows).__name__
        remedy = "give a pyarrow.Table of the event's columns and `at`"
        raise InputError(f"expected a table with a column 'at', found {found}", where=f"view {view}", remedy=remedy)
    at = rows["at"]
    if pa.types.is_timestamp(at.type) and at.type.tz is not None:
        return at.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
    if not pa.types.is_integer(at.type):
        remedy = "give times with a zone, or whole microseconds since 1970"
        raise InputError(f"'at' is {at.type}, which is no instant", where=f"view {view}", remedy=remedy)
    return at.cast(pa.int64())


def read_rows(
    stores: Stores,
    history: History,
    graph: ir.Graph,
    name: str,
    rows: pa.Table | None,
    visibility: ir.Visibility,
    delay: int,
) -> pa.Table:
    """Return a view's rows for given events, or for every event in history; ``Fraud@3`` is that version's view.

    A column with a model's score has that of the version that ``Fraud@3`` pinned; of a view, of the one that a
    training would pin now.
    """
    from tidewheel.training.fit.scoring import filled
    from tidewheel.training.transfer.chains import named_links

    links: tuple[Inner, ...] = ()
    if "@" in name:
        version = get_version(stores.catalog, name)
        if not version.bundle:
            raise NotFoundError(f"{name} can't be served, so it holds no view", remedy="name a version with a bundle")
        manifest = load_bundle(stores.artifacts, version.bundle).manifest
        graph, name, links = manifest.graph, manifest.view, manifest.inner
    view = find(graph.views, name, "view")
    links = links or named_links(stores.catalog, view)
    if rows is None:
        rows = rows_of_view(history, graph, view)
    else:
        at = _instants(rows, name)
        rows = rows.append_column("_at", at).append_column("_arrived", at)
    found = read_view(history, graph, view, rows, visibility=visibility, serving_delay=delay)
    return filled(stores.artifacts, links, found, view, history, rows, visibility, delay)


def decisions(stores: Stores) -> Decisions:
    """Return all decisions: those in the lake, and those of the journal that are not there yet."""
    return Decisions(stores.lake, stores.layout.journal)


def check_parity(
    stores: Stores, history: History, service: str | None, sample: int, progress: Callable[[str, float], None] | None
) -> ParityReport:
    """Replay an even sample of the decisions, each by the definitions that it was made by."""
    return merged(list(parity_by_view(stores, history, service, sample, progress=progress).values()))


def parity_by_view(
    stores: Stores,
    history: History,
    service: str | None,
    sample: int,
    *,
    since: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, ParityReport]:
    """Replay an even sample of the decisions since an instant; return what was found of each view, by its digest."""
    table = decisions(stores).scan(service=service, since=since)
    table = table.filter(pc.invert(_left_out(table)))
    if sample and table.num_rows > sample:
        table = table.take(pa.array(np.linspace(0, table.num_rows - 1, sample).astype(np.int64)))
    by_view: dict[str, list[DecisionRecord]] = {}
    for record in from_arrow(table):
        for row in row_records(record):
            by_view.setdefault(row.view, []).append(row)
    return {
        view: check(group, history, _graph_of(stores, group[0]), progress=progress) for view, group in by_view.items()
    }


def _left_out(table: pa.Table) -> pa.ChunkedArray:
    """Tell which decisions keep no row by their service's rule; a list's rows are looked at one by one."""
    bare = pc.equal(pc.binary_length(table["features"]), 0)
    listed = pc.greater(pc.fill_null(pc.list_value_length(table["items"]), 0), 0)
    return pc.fill_null(pc.and_(pc.less(table["row_kept"], 1.0), pc.and_(bare, pc.invert(listed))), False)


def _graph_of(stores: Stores, record: DecisionRecord) -> ir.Graph:
    """Return the definitions that a decision was made by: its bundle's, or its service's where no model answered."""
    if record.bundle:
        return load_bundle(stores.artifacts, record.bundle).manifest.graph
    return load_service(stores.catalog, record.service_version).graph if record.service_version else ir.Graph()
