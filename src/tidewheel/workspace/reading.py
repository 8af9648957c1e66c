"""Reading features, view rows and decisions through a workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tidewheel.collect.decisions import Decisions
from tidewheel.collect.history import History
from tidewheel.definitions import ir
from tidewheel.errors import FeatureError
from tidewheel.features.asof import read_group
from tidewheel.features.backfill import read_view
from tidewheel.features.online import OnlineReader
from tidewheel.features.parity import ParityReport, check
from tidewheel.features.plan_view import plan_group_alone
from tidewheel.registry.bundles import load_bundle
from tidewheel.registry.services import load_service
from tidewheel.runtime.stores import Stores
from tidewheel.storage.decisions import DecisionRecord, from_arrow
from tidewheel.workspace.naming import find


class FeatureRow:
    """One entity's features: by attribute, or all with `as_dict`. Null is None.

    Examples
    --------
    >>> FeatureRow({"mean_30d": 12.5}).mean_30d
    12.5
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        """Return a feature by name."""
        values = self.__dict__.get("_values", {})
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
    parts = _parts(group, keys)
    if instant is not None:
        table = read_group(history, graph, group, {part: [value] for part, value in parts.items()}, [instant])
        row = table.to_pylist()[0]
        return FeatureRow({feature.name: row[feature.name] for feature in group.features})
    plan = plan_group_alone(graph, group)
    row = OnlineReader(stores.state, [plan]).read(parts, stores.clock.now())
    texts = row.texts[0]
    found: dict[str, Any] = {}
    for feature, text, word in zip(plan.names, plan.texts, row.words[0].tolist(), strict=True):
        found[feature] = texts.get(feature) if text else None if np.isnan(word) else word
    return FeatureRow(found)


def _parts(group: ir.Group, keys: Mapping[str, object]) -> dict[str, object]:
    """Match ``card="c42"`` to the group's key parts (``Card``, ``Sale.shop``)."""
    given = {name.lower(): value for name, value in keys.items()}
    short = {part.rpartition(".")[2].lower(): part for part in group.by}
    unknown = sorted(set(given) - set(short))
    missing = sorted(set(short) - set(given))
    if unknown or missing:
        what = f"{unknown[0]!r} is no key" if unknown else f"no value for the key {missing[0]!r}"
        raise FeatureError(what, where=group.name, remedy=f"its keys: {', '.join(f'{name}=...' for name in short)}")
    return {part: given[name] for name, part in short.items()}


def read_rows(history: History, graph: ir.Graph, name: str, rows: pa.Table | None) -> pa.Table:
    """Return a view's rows for given events, or for every event in history."""
    view = find(graph.views, name, "view")
    source = find(graph.sources, view.on, "event")
    if rows is None:
        rows = history.scan(source.name, [column.name for column in source.columns])
        return read_view(history, graph, view, rows)
    at = rows["at"].cast(pa.int64())
    return read_view(history, graph, view, rows.append_column("_at", at).append_column("_arrived", at))


def decisions(stores: Stores) -> Decisions:
    """Return all decisions: those in the lake, and those of the journal that are not there yet."""
    return Decisions(stores.lake, stores.layout.journal)


def check_parity(
    stores: Stores, history: History, service: str | None, sample: int, progress: Callable[[str, float], None] | None
) -> ParityReport:
    """Replay an even sample of the decisions, each by the definitions that it was made by."""
    table = decisions(stores).scan(service=service)
    if sample and table.num_rows > sample:
        table = table.take(pa.array(np.linspace(0, table.num_rows - 1, sample).astype(np.int64)))
    by_view: dict[str, list[DecisionRecord]] = {}
    for record in from_arrow(table):
        by_view.setdefault(record.view, []).append(record)
    reports = [check(group, history, _graph_of(stores, group[0]), progress=progress) for group in by_view.values()]
    return ParityReport(
        checked=sum(report.checked for report in reports),
        features=sum(report.features for report in reports),
        differences=sum(report.differences for report in reports),
        decisions_differing=sum(report.decisions_differing for report in reports),
        skipped=sum(report.skipped for report in reports),
        first_difference=next((r.first_difference for r in reports if r.first_difference), None),
    )


def _graph_of(stores: Stores, record: DecisionRecord) -> ir.Graph:
    """Return the definitions that a decision was made by: its bundle's, or its service's where no model answered."""
    if record.bundle:
        return load_bundle(stores.artifacts, record.bundle).manifest.graph
    return load_service(stores.catalog, record.service_version).graph if record.service_version else ir.Graph()
