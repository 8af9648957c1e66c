"""OpenLineage: the project's lineage as the events of openlineage.io, for the catalogs that read them.

Events and entities are datasets; feature groups and views are jobs with the datasets that they make; each finished
training run is a run of the job ``train.MODEL``. Columns lead back to the columns they are made of.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from tidewheel.definitions import ir
from tidewheel.governance.catalog import columns_of
from tidewheel.governance.lineage import LineageGraph
from tidewheel.registry.runs.runs import Run
from tidewheel.registry.versions.versions import Version

PRODUCER = "https://github.com/tidewheel/tidewheel"
_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
_FACETS = "https://openlineage.io/spec/facets/"
_STATES = {"done": "COMPLETE", "failed": "FAIL", "running": "RUNNING"}

Json = dict[str, Any]


def openlineage_events(
    graph: ir.Graph, lineage: LineageGraph, runs: Sequence[Run], versions: Sequence[Version], namespace: str, now: int
) -> list[Json]:
    """Return a project's lineage as OpenLineage events.

    Parameters
    ----------
    graph : Graph
    lineage : LineageGraph
    runs : sequence of Run
        Training runs.
    versions : sequence of Version
    namespace : str
        Of every job and dataset.
    now : int
        When it was looked at, microseconds UTC.
    """
    export = _Export(graph, lineage, namespace, now)
    made = {version.run: f"{version.model}@{version.number}" for version in versions}
    groups = [export.job(group) for group in graph.groups if not group.attributes]
    jobs = groups + [export.job(view) for view in graph.views]
    known = {model.name: model for model in graph.models}
    trained = [export.run(run, known[run.model], made.get(run.id, "")) for run in runs if run.model in known]
    return [*(export.dataset_event(source) for source in graph.sources), *jobs, *trained]


class _Export:
    def __init__(self, graph: ir.Graph, lineage: LineageGraph, namespace: str, now: int) -> None:
        self._sources = {source.name: source for source in graph.sources}
        self._nodes: dict[str, Any] = {**self._sources, **{view.name: view for view in graph.views}}
        self._lineage = lineage
        self._namespace = namespace
        self._now = now

    def dataset_event(self, source: ir.Source) -> Json:
        return {**self._event("DatasetEvent", self._now), "dataset": self._dataset(source)}

    def job(self, node: ir.Group | ir.View) -> Json:
        what = "features" if isinstance(node, ir.Group) else "view"
        return {
            **self._event("JobEvent", self._now),
            "job": {"namespace": self._namespace, "name": f"{what}.{node.name}", "facets": self._job_facets(node)},
            "inputs": self._inputs(node.name),
            "outputs": [self._dataset(node, columns=True)],
        }

    def run(self, run: Run, model: ir.Model, version: str) -> Json:
        event = self._event("RunEvent", run.finished or run.started)
        outputs = [{"namespace": self._namespace, "name": version}] if version else []
        return {
            **event,
            "eventType": _STATES.get(run.status, "OTHER"),
            "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._namespace}/{run.id}"))},
            "job": {"namespace": self._namespace, "name": f"train.{run.model}", "facets": self._job_facets(model)},
            "inputs": [self._dataset(self._nodes[model.view]), *self._inputs(model.name)],
            "outputs": outputs,
        }

    def _event(self, kind: str, instant: int) -> Json:
        moment = datetime.fromtimestamp(instant / 1e6, UTC).isoformat()
        return {"eventTime": moment, "producer": PRODUCER, "schemaURL": f"{_SPEC}{kind}"}

    def _inputs(self, name: str) -> list[Json]:
        names = {column.partition(".")[0] for column in self._lineage.sources_of(name)}
        return [self._dataset(self._sources[source]) for source in sorted(names)]

    def _dataset(self, node: Any, *, columns: bool = False) -> Json:
        fields = [{"name": name, "type": kind} for name, kind in columns_of(node)]
        facets = {"schema": self._facet("1-2-0/SchemaDatasetFacet", fields=fields)}
        if node.doc:
            facets["documentation"] = self._facet("1-1-0/DocumentationDatasetFacet", description=node.doc)
        if node.owner:
            facets["ownership"] = self._facet("1-0-1/OwnershipDatasetFacet", owners=[{"name": node.owner}])
        if columns:
            facets["columnLineage"] = self._facet("1-2-0/ColumnLineageDatasetFacet", fields=dict(self._lines(node)))
        return {"namespace": self._namespace, "name": node.name, "facets": facets}

    def _lines(self, node: Any) -> Iterator[tuple[str, Json]]:
        for name, _ in columns_of(node):
            origins = (column.partition(".") for column in sorted(self._lineage.sources_of(f"{node.name}.{name}")))
            inputs = [{"namespace": self._namespace, "name": source, "field": field} for source, _, field in origins]
            yield name, {"inputFields": inputs}

    def _job_facets(self, node: Any) -> Json:
        facets = {}
        if node.doc:
            facets["documentation"] = self._facet("1-1-0/DocumentationJobFacet", description=node.doc)
        if node.owner:
            facets["ownership"] = self._facet("1-0-1/OwnershipJobFacet", owners=[{"name": node.owner}])
        return facets

    def _facet(self, kind: str, **content: Any) -> Json:
        name = kind.partition("/")[2]
        return {"_producer": PRODUCER, "_schemaURL": f"{_FACETS}{kind}.json#/$defs/{name}", **content}
