"""A version served for a moment, in a workspace and a process of its own, so that what is timed is what will be.

The newest test rows are asked again as events. The states of their entities are folded from history into a state
store of the trial's own, as the stream would have; then a child process opens that workspace, loads the version and
decides: features from state, rules, model, thresholds, journal. Nothing of the live workspace is touched.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from tidewheel.definitions import digest, ir, reachable
from tidewheel.errors import GateError
from tidewheel.features.planning.group import PAST
from tidewheel.features.planning.programs import assemble
from tidewheel.features.planning.view import plan_view
from tidewheel.features.replay.backfill import compute_view
from tidewheel.features.replay.history import Past
from tidewheel.registry.graphs import set_live_graph
from tidewheel.registry.models.bundles import Bundle, Inner, Manifest, load_manifest, save_bundle
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import register
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores
from tidewheel.serving.loading.trial import EVENTS, Asked, Took
from tidewheel.training.context import TrainingContext
from tidewheel.training.data.constants import in_graph
from tidewheel.training.execute import Outcome
from tidewheel.training.gates.evidence import Served
from tidewheel.training.gates.parity import entity_blobs
from tidewheel.training.transfer.chains import named_links

ENTITIES = 500
"""Newest test rows whose entities are given their states."""
SECONDS = 180.0
SETTINGS = 'clock = "replay"\nsync = "second"\npartitions = 1\nport = 0\n'


def serve(context: TrainingContext, model: ir.Model, outcome: Outcome) -> Served:
    """Serve the newest test rows by a run's model and return what that took.

    Raises
    ------
    GateError
        The trial could not be made, or did not end.
    """
    command = [sys.executable, "-m", "tidewheel.serving.loading.trial"]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryDirectory(prefix="tidewheel-trial-") as folder,
        # Begun before there is anything to serve: it imports what it needs meanwhile.
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as child,
    ):
        try:
            _make(Path(folder), context, model, outcome)
            told, said = child.communicate(folder.encode(), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise GateError(f"serving it took longer than {SECONDS:g} s") from None
        finally:
            child.kill()
    if child.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        raise GateError(f"the version could not be served: {''.join(last)}")
    took = msgspec.json.decode(told, type=Took)
    return Served(np.array(took.nanoseconds) / 1000.0, took.answered, took.memory, took.before)


def _make(folder: Path, context: TrainingContext, model: ir.Model, outcome: Outcome) -> None:
    """Fill a workspace with the version, the service that asks it, and the states of the rows' entities."""
    (folder / "tidewheel.toml").write_text(SETTINGS)
    service, whole = _service(context, model), in_graph(context.graph, outcome.gathered.view)
    graph = (
        reachable(whole, [service.name, model.name]) if service in whole.services else reachable(whole, [model.name])
    )
    rows = _newest(outcome)
    stores = Stores(load_config(folder, variables={}))
    try:
        stores.clock.advance(int(rows["_arrived"].to_numpy().max()) + 1)
        _deploy(stores, context, graph, model, service, outcome)
        _fold(stores, context, graph, [v for v in (service.rule_view, outcome.gathered.view) if v], rows, outcome)
        source = context.source(outcome.gathered.view.on)
        asked = Asked(service.name, source.id_column or "", _events(source, rows))
        (folder / EVENTS).write_bytes(msgspec.json.encode(asked))
    finally:
        stores.close()


def _service(context: TrainingContext, model: ir.Model) -> ir.Service:
    """Return the first service of the model, or one that does nothing but ask it."""
    declared = [service for service in context.services(model) if service.combine is None]
    on = context.view(model).on
    return declared[0] if declared else ir.Service("Trial", on, model.name, None, (), ())


def _newest(outcome: Outcome) -> pa.Table:
    rows = outcome.gathered.rows.take(pa.array(outcome.gathered.sides.test[-ENTITIES:]))
    return rows.select([name for name in rows.column_names if name not in ("_instant", "_states")])


def _copied(stores: Stores, context: TrainingContext, links: tuple[Inner, ...]) -> tuple[Inner, ...]:
    """Bring the versions whose scores a view reads to the trial's artifacts, with those that they read."""
    for link in links:
        manifest = load_manifest(context.artifacts, link.bundle)
        for digest_of_file in (context.artifacts.current(link.bundle), manifest.arrays):
            stores.artifacts.put(context.artifacts.get(digest_of_file))
        _copied(stores, context, manifest.inner)
    return links


def _deploy(
    stores: Stores, context: TrainingContext, graph: ir.Graph, model: ir.Model, service: ir.Service, outcome: Outcome
) -> None:
    predictor = outcome.learned.predictor
    if predictor is None:
        raise GateError("this version has no neutral form that could be served")
    manifest = Manifest(
        model=model.name,
        view=model.view,
        view_digest=digest(outcome.gathered.view),
        graph=graph,
        columns=tuple(outcome.matrix.columns),
        levels={name: tuple(levels) for name, levels in outcome.levels.items()},
        predictor=predictor.spec,
        inner=_copied(stores, context, named_links(context.catalog, outcome.gathered.view)),
    )
    set_live_graph(stores.catalog, graph)
    run = start_run(stores.catalog, model.name)
    bundle = save_bundle(stores.artifacts, Bundle(manifest, predictor.arrays))
    version = register(stores.catalog, model.name, run=run.id, bundle=bundle, view=manifest.view_digest)
    frozen = freeze_service(stores.catalog, service, graph)
    deploy(stores.catalog, service.name, version.name, frozen.digest)


def _fold(
    stores: Stores, context: TrainingContext, graph: ir.Graph, views: list[ir.View], rows: pa.Table, outcome: Outcome
) -> None:
    """Put the states that the views read into the store, each as its entity's newest row saw it."""
    writer = stores.state.writer(0)
    for view in views:
        plan = plan_view(graph, view)
        reads = assemble([plan]).reads
        past = Past(outcome.history, graph, [state.plan for state in reads])
        replayed = compute_view(outcome.history, graph, plan, rows, past=past)
        with writer.batch() as batch:
            for state in [read for read in reads if read.request == PAST]:
                keys, blobs = entity_blobs(past, state, rows, replayed, newest=True)
                named = [key.encode() for key in keys if key is not None]
                batch.put_blobs(state.plan.state_id, named, blobs.words, blobs.starts)
                batch.set_offset(state.plan.state_id, 0)
            batch.put_strings(replayed.texts.all())
    writer.close()


def _events(source: ir.Source, rows: pa.Table) -> list[dict[str, Any]]:
    names = [column.name for column in source.columns if column.name in rows.column_names]
    return [{name: value for name, value in row.items() if value is not None} for row in rows.select(names).to_pylist()]
