"""Lists end to end, in one process: trained on what was shown, deployed, served, replayed bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from examples.movies import project
from examples.movies.generate import world, write

import tidewheel as tw
from tidewheel.features.replay.backfill import read_view
from tidewheel.outcomes import COLUMNS, Status, join_lists
from tidewheel.registry.pointers.deployments import get_deployment
from tidewheel.serving.deciding.answers import Answer
from tidewheel.training.data.gather import labelled_rows
from tidewheel.workspace.reporting import joined_decisions
from tidewheel.workspace.rollouts.loop import WorkspaceLoop
from tidewheel.workspace.workspace import Workspace

ROWS = world(datetime.now(UTC) - timedelta(days=3), users=40, movies=120, requests=500)
MOVIES = {str(row["id"]): row for row in ROWS["Movie"]}
TASTES = {str(row["id"]): np.array(row["taste"]) for row in ROWS["User"]}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder: Path = tmp_path_factory.mktemp("movies")
    write(folder, ROWS)
    with tw.open(":memory:", project) as opened:
        for name in ROWS:
            opened.ingest(str(folder / f"{name}.parquet"), name)
        opened.sync()
        result = opened.train("Ranker")
        assert result.deployable, result.verdicts
        for service in ("Recommend", "Similar", "Search", "Home"):
            opened.deploy(result.version, service=service)
        yield opened


def asked(workspace: Workspace, service: str, id: str, **columns: object) -> Answer:
    return workspace.decide(service, {"id": id, "user": "u1", **columns})


def test_a_list_is_ranked_spread_and_limited(workspace: Workspace) -> None:
    answer = asked(workspace, "Recommend", "q1")
    assert len(answer.items) == 10, answer
    assert not answer.fallback
    genres = [MOVIES[item.id]["genre"] for item in answer.items]
    assert max(genres.count(genre) for genre in genres) <= 4
    assert {item.source for item in answer.items} <= {"nearest(Movie.embedding)", "top_by(MoviePopularity.plays_30d)"}
    assert len({item.id for item in answer.items}) == 10
    lately = workspace.read("UserHistory", user="u1").lately
    assert not {item.id for item in answer.items} & set(lately)
    again = asked(workspace, "Recommend", "q1")
    assert again == answer


def test_the_same_movies_come_first_for_whom_they_are_like(workspace: Workspace) -> None:
    answer = asked(workspace, "Similar", "q2", movie="m7")
    vectors = {id: np.array(row["embedding"]) for id, row in MOVIES.items()}
    likes = {id: v @ vectors["m7"] / np.linalg.norm(v) for id, v in vectors.items() if id != "m7"}
    nearest = sorted(likes, key=lambda id: -likes[id])[:100]
    assert {item.id for item in answer.items} <= set(nearest)
    assert [item.score for item in answer.items] == sorted((item.score for item in answer.items), reverse=True)
    assert not asked(workspace, "Similar", "q3", movie=None).items


def test_a_surface_answers_as_the_service_it_inherits_from(workspace: Workspace) -> None:
    home = workspace.decide("Home", project.HomePage(id="h1", viewer="u9"))
    assert not home.fallback, home.reason
    asked = workspace.decide("Recommend", {"id": "h1", "user": "u9"})
    assert [(item.id, item.score) for item in home.items] == [(item.id, item.score) for item in asked.items]
    replay = workspace.why(home.decision_id).replay
    assert replay.equal
    checked = workspace.check_features(service="Home", sample=0)
    assert (checked.checked, checked.differences) == (len(home.items), 0)
    unknown = workspace.decide("Home", project.HomePage(id="h2", viewer="nobody"))
    assert {item.source for item in unknown.items} == {"top_by(MoviePopularity.plays_30d)"}


def test_words_find_titles(workspace: Workspace) -> None:
    answer = asked(workspace, "Search", "q4", words="golden harbour")
    assert answer.items
    for item in answer.items:
        assert {"golden", "harbour"} & set(str(MOVIES[item.id]["title"]).lower().split())
        assert int(str(MOVIES[item.id]["year"])) >= 1930


def test_what_was_served_is_replayed_bit_for_bit(workspace: Workspace) -> None:
    for k in range(5):
        asked(workspace, "Recommend", f"p{k}", user=f"u{k}")
        workspace.append([project.Play(request=f"p{k}", movie=f"m{k}", user=f"u{k}", genre="drama", minutes=5.0)])
        workspace.sync()
    report = workspace.check_features(sample=0)
    assert report.checked >= 50, report
    assert report.differences == 0, report.first_difference


def test_the_record_holds_the_list_and_its_stages(workspace: Workspace) -> None:
    answer = asked(workspace, "Recommend", "q5")
    told = workspace.why(answer.decision_id)
    assert [item["id"] for item in told.items] == [item.id for item in answer.items]
    assert told.items[0]["features"]["position"] == 1.0
    assert {stage.name for stage in told.stages} >= {"nearest(Movie.embedding)", "candidates", "items"}
    rows = workspace.decisions("Recommend", ["items"])
    assert any([item["id"] for item in items] == [i.id for i in answer.items] for items in rows["items"].to_pylist())


def test_without_a_model_the_candidates_are_the_answer(workspace: Workspace) -> None:
    served = workspace.serving.desk.services["Similar"]
    lists = served.decider.champion.lists

    def broken(rows: np.ndarray, until: int) -> np.ndarray:
        return np.full(len(rows), np.nan)

    (model,) = lists.scores.models
    score = model.score
    object.__setattr__(model, "score", broken)
    try:
        answer = asked(workspace, "Similar", "q6", movie="m7")
    finally:
        object.__setattr__(model, "score", score)
    assert answer.fallback == "action"
    assert "gave no number" in answer.reason
    assert len(answer.items) == 5
    assert all(item.score is None for item in answer.items)


def test_rows_of_what_was_served_are_read_as_they_were_served(workspace: Workspace) -> None:
    answer = asked(workspace, "Recommend", "s1", user="u2")
    shown = [
        project.Shown(request="s1", movie=item.id, genre=MOVIES[item.id]["genre"], position=1) for item in answer.items
    ]
    workspace.append(shown)
    workspace.append([project.Play(request="s1", movie="m3", user="u2", genre="drama", minutes=9.0)])
    workspace.sync()
    context = workspace.training_context()
    model = context.model("Ranker")
    rows, _, counts = labelled_rows(context, model, workspace.history, workspace.stores.clock.now() + 1)
    mine = rows.filter(pc.equal(rows["_request"], "s1"))
    assert counts["decided"] >= mine.num_rows == len(answer.items)
    assert mine["_instant"].null_count == 0
    read = read_view(workspace.history, context.graph, context.view(model), mine).to_pylist()
    served = {item["id"]: item["features"] for item in workspace.why(answer.decision_id).items}
    for movie, row in zip(mine["Shown.movie"].to_pylist(), read, strict=True):
        assert {name: row[name] for name in served[movie]} == served[movie]


def test_a_report_of_lists_waits_for_their_horizon(workspace: Workspace) -> None:
    for k in range(3):
        asked(workspace, "Similar", f"t{k}", user=f"u{k}", movie=f"m{k}")
    found = workspace.report("Similar")
    total = next(period for period in found.totals if period.version)
    assert (total.pending, total.matured, total.metrics, total.places) == (total.decisions, 0, {}, [])
    assert total.spread is not None
    assert 0.0 < total.spread.coverage < 1.0
    assert total.spread.unlike is not None
    assert 0.0 < total.spread.unlike < 2.0
    assert found.metrics[0] == "ndcg(k=10)"


def test_a_canary_of_lists_shows_its_own(workspace: Workspace) -> None:
    version = workspace.train("Ranker", seed=1).version
    workspace.deploy(version, service="Search", canary="50%")
    for k in range(12):
        asked(workspace, "Search", f"v{k}", user=f"u{k}", words="golden harbour")
    service = workspace.service("Search")
    lists = WorkspaceLoop(workspace).lists(service, get_deployment(workspace.stores.catalog, "Search").since)
    answered_by = lists.joined.decisions["model"].to_pylist()
    assert set(answered_by) == {"Ranker@1", version}
    assert np.unique(lists.list).size == len(answered_by) == 12


def test_outcomes_of_a_real_list_are_seen_when_its_horizon_is_over(workspace: Workspace) -> None:
    answer = asked(workspace, "Recommend", "o1", user="u4")
    ids = [item.id for item in answer.items]
    told = [project.Shown(request="o1", movie=id, genre="drama", position=at) for at, id in enumerate(ids[:6], 1)]
    workspace.append(told)
    workspace.append([project.Play(request="o1", movie=ids[1], user="u4", genre="drama", minutes=9.0)])
    workspace.append([project.Save(request="o1", movie=ids[1]), project.Save(request="o1", movie=ids[9])])
    workspace.sync()
    joined = joined_decisions(workspace, "Recommend", 0, (*COLUMNS, "items"))
    later = workspace.stores.clock.now() + 2 * 86_400_000_000
    found = join_lists(workspace.history, workspace.project.graph, workspace.service("Recommend"), joined, later)
    row = found.joined.decisions["event_id"].to_pylist().index("o1")
    assert found.label[found.list == row][:6].tolist() == [0.0, 3.0, 0.0, 0.0, 0.0, 0.0]
    assert np.isnan(found.label[found.list == row][6:]).all()
    assert found.joined.status[row] == Status.MATURED
    assert found.known == len(MOVIES)
    assert found.vectors is not None
    assert np.linalg.norm(found.vectors[0]) == pytest.approx(1.0)


def test_a_share_of_lists_is_explored(workspace: Workspace) -> None:
    tried = [asked(workspace, "Search", f"x{k}", user="u3", words="golden harbour") for k in range(60)]
    answers = [answer for answer in tried if not answer.fallback]  # a busy machine may pass the deadline
    plain = next([item.id for item in answer.items] for answer in answers if not answer.explored)
    explored = [answer for answer in answers if answer.explored]
    assert 1 <= len(explored) <= 20
    for answer in answers:
        moved = [item.id for item in answer.items] != plain
        assert moved == answer.explored
    assert asked(workspace, "Search", explored[0].event_id, user="u3") == explored[0]
    rows = workspace.decisions("Search", ["decision_id", "explored", "propensity", "propensities"]).to_pylist()
    told = {row["decision_id"]: row for row in rows}
    for answer in answers:
        row = told[answer.decision_id]
        assert len(row["propensities"]) == len(answer.items)
        assert (row["propensity"] == 0.9) != answer.explored
    assert workspace.check_features(service="Search", sample=0).differences == 0
