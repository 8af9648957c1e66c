"""Lists by several models, through a workspace: deployed as line-ups, served, replayed, moved, switched off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from examples.movies import project
from examples.movies.generate import world, write

import tidewheel as tw
from tidewheel.errors import ConflictError
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.models.scoring import score_words
from tidewheel.registry.pointers.deployments import get_deployment
from tidewheel.registry.versions.versions import get_version
from tidewheel.rollout.shadow import lineup_scores
from tidewheel.serving.deciding.answers import Answer
from tidewheel.serving.find import Finder
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.journal.rows import from_arrow, to_arrow
from tidewheel.workspace.workspace import Workspace

ROWS = world(datetime.now(UTC) - timedelta(days=3), users=30, movies=100, requests=400)


class Mixed(project.Mixed):
    """With time enough on a busy machine."""

    deadline = "60s"


class Staged(project.Staged):
    deadline = "60s"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder: Path = tmp_path_factory.mktemp("movies")
    write(folder, ROWS)
    with tw.open(":memory:", [Mixed, Staged, project.Playing, project.Ranker, project.Saving]) as opened:
        for name in ROWS:
            opened.ingest(str(folder / f"{name}.parquet"), name)
        opened.sync()
        for model in ("Ranker", "Playing", "Saving"):
            opened.train(model)
        with pytest.raises(ConflictError, match="Staged also needs a version of Playing"):
            opened.deploy("Ranker@1", service="Staged")
        opened.deploy("Playing@1+Saving@1")
        opened.deploy("Playing@1+Ranker@1", service="Staged")
        yield opened


def asked(workspace: Workspace, service: str, id: str, user: str = "u1") -> tuple[Answer, DecisionRecord]:
    answer = workspace.decide(service, {"id": id, "user": user})
    finder: Finder = workspace.serving.finder
    return answer, finder.by_id(answer.decision_id)


def words(features: bytes) -> np.ndarray:
    return np.frombuffer(features, "<f8").reshape(1, -1)


def test_each_model_and_the_expression_give_the_recorded_scores_again(workspace: Workspace) -> None:
    answer, record = asked(workspace, "Mixed", "m1")
    assert (answer.model, answer.fallback) == ("Playing@1+Saving@1", "")
    catalog, artifacts = workspace.stores.catalog, workspace.stores.artifacts
    bundles = {name: load_bundle(artifacts, get_version(catalog, f"{name}@1").bundle) for name in ("Playing", "Saving")}
    for item in record.items:
        told = {one.stage: one for one in record.item_scores if one.item == item.id}
        scores = {}
        for name, bundle in bundles.items():
            (scores[name],) = score_words(bundle, words(told[name].features or item.features)).tolist()
            assert scores[name] == told[name].score
        ((factor,),) = words(told["row"].features).tolist()
        assert item.score == (scores["Playing"] + 3 * scores["Saving"]) * factor
    assert from_arrow(to_arrow([record])) == [record]


def test_a_cascade_s_list_is_what_its_last_model_scored(workspace: Workspace) -> None:
    _, record = asked(workspace, "Staged", "s1", "u2")
    assert len(record.items) == 10
    ranked = {one.item: one.score for one in record.item_scores if one.stage == "Ranker"}
    assert [item.score for item in record.items] == [ranked[item.id] for item in record.items]
    assert [stage.model for stage in record.stages if stage.model] == ["Playing@1", "Ranker@1"]
    assert all(stage.ns > 0 for stage in record.stages)


def test_what_was_served_replays_to_the_bit(workspace: Workspace) -> None:
    for service in ("Mixed", "Staged"):
        for k in range(6):
            answer, _ = asked(workspace, service, f"{service}-{k}", f"u{k}")
            told = workspace.why(answer.decision_id)
            assert told.replay.equal, told.replay
            assert told.replay.score_equal
        found = workspace.check_features(service=service, sample=0)
        assert (found.differences, found.skipped) == (0, 0)
        names = {feature.view for feature in found.by_feature}
        assert names == {"QuickView", "RowView", "Mixed.score"} - ({"Mixed.score"} if service == "Staged" else set())
    workspace.append([project.Play(request="Mixed-1", movie="m3", user="u1", genre="drama", minutes=9.0)])
    workspace.sync()
    assert workspace.check_features(sample=0).differences == 0
    assert workspace.report("Mixed").metrics


def test_one_member_moves_and_comes_back(workspace: Workspace) -> None:
    version = workspace.train("Saving", seed=3).version
    workspace.deploy(version)
    assert get_deployment(workspace.stores.catalog, "Mixed").champion == f"Playing@1+{version}"
    answer, record = asked(workspace, "Mixed", "moved")
    assert answer.model == record.model == f"Playing@1+{version}"
    workspace.rollback("Mixed")
    assert asked(workspace, "Mixed", "back")[0].model == "Playing@1+Saving@1"


def test_a_model_that_is_switched_off_is_missed_by_an_expression_and_not_by_a_cascade(workspace: Workspace) -> None:
    workspace.kill("Saving")
    try:
        mixed, record = asked(workspace, "Mixed", "off")
        assert (mixed.fallback, mixed.reason[:6]) == ("action", "killed")
        assert [item.score for item in mixed.items] == [None] * 10
        assert record.item_scores == []
    finally:
        workspace.unkill("Saving")
    workspace.kill("Ranker")
    try:
        staged, record = asked(workspace, "Staged", "off too")
        assert staged.fallback == ""
        assert [one.stage for one in record.item_scores] == ["Playing"] * 10
        assert next(stage.note for stage in record.stages if stage.name == "Ranker")[:6] == "killed"
        assert workspace.why(staged.decision_id).replay.score_equal
    finally:
        workspace.unkill("Ranker")


def test_a_shadow_has_no_scores_of_lists(workspace: Workspace) -> None:
    asked(workspace, "Mixed", "shadowed")
    view, deployment = workspace.loop_view(), get_deployment(workspace.stores.catalog, "Mixed")
    rows = view.decisions("Mixed", 0, view.now() + 1)
    assert rows.num_rows
    assert np.isnan(lineup_scores(view, deployment.service_version, deployment.champion, rows)).all()
