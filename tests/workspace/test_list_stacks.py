"""A list that is ordered by a model of other models' scores, end to end: trained, served, replayed, scored in batch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from examples.movies import project
from examples.movies.generate import world, write
from lightgbm import LGBMClassifier

import tidewheel as tw
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.replay.served import as_served
from tidewheel.features.replay.shown import rows_of_view
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.runs.datasets import find_dataset
from tidewheel.registry.runs.runs import get_run
from tidewheel.registry.runs.snapshots import read_manifest, read_snapshot
from tidewheel.training.fit.scoring import bundle_scores, view_of
from tidewheel.training.transfer.chains import learned_rows
from tidewheel.workspace.workspace import Workspace

ROWS = world(datetime.now(UTC) - timedelta(days=3), users=30, movies=100, requests=400)


class Placed(tw.View, on=project.Request, each=project.Shown.movie):
    """Where it stood tells the inner model much, and nothing that a candidate has."""

    rate = project.MoviePopularity.rate
    position = tw.served_as(project.Shown.position, 1)


class First(tw.Model):
    view = Placed
    label = tw.happened(project.Play, within="1d")
    estimator = LGBMClassifier(n_estimators=20, num_leaves=7, verbose=-1)
    split = tw.temporal(test="20d")


class ScoresView(tw.View, on=project.Request, each=project.Shown.movie):
    first = First.score
    match = tw.transform.cosine(project.Request.user.taste, project.Shown.movie.embedding)


class Over(tw.Model):
    view = ScoresView
    label = tw.happened(project.Play, within="1d")
    estimator = LGBMClassifier(n_estimators=20, num_leaves=7, min_child_samples=5, verbose=-1)
    split = tw.temporal(test="5d")


class Stacked(project.Recommend):
    model = Over
    deadline = "60s"


class Moved(Stacked):
    """The same as a line-up, whose members are moved one by one."""

    model = tw.combine.stack([First], by=Over)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder: Path = tmp_path_factory.mktemp("movies")
    write(folder, ROWS)
    with tw.open(":memory:", [Stacked, Moved, First, Over]) as opened:
        for name in ROWS:
            opened.ingest(str(folder / f"{name}.parquet"), name)
        opened.sync()
        opened.train("First")
        opened.deploy(opened.train("Over").version, service="Stacked", force=True)
        opened.deploy("First@1+Over@1", service="Moved", force=True)
        yield opened


def test_it_learns_of_the_scores_that_serving_gives(workspace: Workspace) -> None:
    stores = workspace.stores
    run = get_run(stores.catalog, workspace.version("Over@1")[0].run)
    manifest = find_dataset(stores.catalog, run.lineage.dataset).manifest
    kept = read_snapshot(stores.artifacts, read_manifest(stores.artifacts, manifest), ["_offset", "first"])
    offsets = kept["_offset"].to_numpy()
    assert len(offsets) > 50
    assert not np.isin(offsets, learned_rows(stores.catalog, stores.artifacts, "First@1")).any()
    bundle = load_bundle(stores.artifacts, workspace.version("First@1")[0].bundle)
    graph, view = bundle.manifest.graph, view_of(bundle)
    rows = rows_of_view(workspace.history, graph, view)
    place = {offset: at for at, offset in enumerate(rows["_offset"].to_pylist())}
    rows = rows.take([place[offset] for offset in offsets.tolist()])
    assert len(set(rows["Shown.position"].to_pylist())) > 1
    served = read_view(workspace.history, graph, view, as_served(workspace.history, graph, view, rows))
    assert kept["first"].to_pylist() == bundle_scores(bundle, served).tolist()


def test_what_it_serves_is_replayed_and_scored_in_batch(workspace: Workspace) -> None:
    answer = workspace.decide("Stacked", {"id": "s1", "user": "u1"})
    assert (answer.model, answer.fallback, len(answer.items)) == ("Over@1", "", 10)
    told = workspace.why(answer.decision_id)
    assert told.replay.equal, told.replay
    assert told.replay.score_equal
    moved = workspace.decide("Moved", {"id": "s2", "user": "u1"})
    assert (moved.model, moved.items) == ("First@1+Over@1", answer.items)
    assert workspace.why(moved.decision_id).replay.score_equal
    record = workspace.serving.find(answer.decision_id)
    assert {one.stage for one in record.item_scores} == {"First@1", "Over"}
    for service in ("Stacked", "Moved"):
        found = workspace.check_features(service=service, sample=0)
        assert (found.differences, found.skipped) == (0, 0)
    items = enumerate(answer.items, 1)
    workspace.append([project.Shown(request="s1", movie=i.id, genre="other", position=at) for at, i in items])
    workspace.sync()
    scored = workspace.score(project.Request, "Over", since=record.arrived)
    assert {row["item"]: row["score"] for row in scored.to_pylist()} == {item.id: item.score for item in answer.items}
