"""Lists scored in batch: each item to the bit as it was served, and as training reads it where that is the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from examples.movies import project
from examples.movies.generate import world, write

import tidewheel as tw
from tidewheel.errors import InputError
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.replay.shown import rows_of_view
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.serving.deciding.answers import Answer
from tidewheel.training.fit.scoring import bundle_scores, view_of
from tidewheel.workspace.workspace import Workspace

ROWS = world(datetime.now(UTC) - timedelta(days=3), users=20, movies=60, requests=200)


class Chosen(tw.Service, on=project.Request):
    """Lists of the movies that a request names, cut in every way there is."""

    candidates = [tw.retrieve.listed(project.Request.words)]
    rules = [tw.rule("nothing wanted", project.Request.user == "u9", then="nothing")]
    model = project.Ranker
    decide = tw.top(
        9,
        diversity=tw.mmr(0.6, on=project.Movie.embedding),
        at_most={project.Movie.genre: 3},
        rules=[
            tw.rerank.drop(project.MoviePopularity.plays_30d < 2),
            tw.rerank.boost(project.Movie.genre == "drama", by=0.5),
            tw.rerank.pin(project.MoviePopularity.plays_30d > 5, at=2),
        ],
    )
    deadline = "60s"


class Ahead(tw.Service, on=project.Request):
    """Lists by the scores of a batch run; the model scores what that did not."""

    candidates = [tw.retrieve.listed(project.Request.words)]
    model = tw.batch.scores(project.Ranker, by=project.User, max_age="1h")
    decide = tw.top(5)
    deadline = "60s"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder: Path = tmp_path_factory.mktemp("movies")
    write(folder, ROWS)
    with tw.open(":memory:", [project.Recommend, project.Home, project.Ranker, Chosen, Ahead]) as opened:
        for name in ROWS:
            opened.ingest(str(folder / f"{name}.parquet"), name)
        opened.sync()
        version = opened.train("Ranker").version
        for service in ("Recommend", "Chosen", "Ahead"):
            opened.deploy(version, service=service, force=True)
        yield opened


@pytest.fixture(scope="module")
def answers(workspace: Workspace) -> list[Answer]:
    """Lists that were served, and then told of as shown, with a genre and places that serving did not know."""
    asked = [workspace.decide("Recommend", {"id": f"q{k}", "user": f"u{k}"}) for k in range(6)]
    served = [answer for answer in asked if not answer.fallback]  # a busy machine may pass the deadline
    assert served
    for answer in served:
        items = enumerate(answer.items, 1)
        shown = [project.Shown(request=answer.event_id, movie=i.id, genre="other", position=at) for at, i in items]
        workspace.append(shown)
    workspace.sync()
    return served


def instant(workspace: Workspace, answer: Answer) -> int:
    return workspace.serving.find(answer.decision_id).arrived


def test_what_was_shown_is_scored_as_it_was_served(workspace: Workspace, answers: list[Answer]) -> None:
    since = min(instant(workspace, answer) for answer in answers)
    rows = workspace.score(project.Request, "Ranker", since=since, by=project.User)
    found = {(row["event_id"], row["item"]): row for row in rows.to_pylist()}
    assert len(found) == rows.num_rows == sum(len(answer.items) for answer in answers)
    for answer in answers:
        for item in answer.items:
            row = found[answer.event_id, item.id]
            assert (row["score"], row["entity"]) == (item.score, f"u{answer.event_id[1:]}")
        best = sorted(answer.items, key=lambda item: (-(item.score or 0.0), item.id))
        ranked = sorted((row["rank"], id) for (event, id), row in found.items() if event == answer.event_id)
        assert ranked == [(place, item.id) for place, item in enumerate(best, 1)]


def test_pairs_of_a_file_are_scored_and_the_best_kept(workspace: Workspace, answers: list[Answer]) -> None:
    answer = answers[0]
    items = [item.id for item in answer.items]
    given = {"id": [answer.event_id] * len(items), "user": [f"u{answer.event_id[1:]}"] * len(items)}
    table = pa.table(given | {"item": items, "at": [instant(workspace, answer)] * len(items)})
    rows = workspace.score(project.Request, "Ranker", rows=table, top=3).to_pylist()
    best = sorted(answer.items, key=lambda item: (-(item.score or 0.0), item.id))[:3]
    found = sorted((row["rank"], row["item"], row["score"]) for row in rows)
    assert found == [(place, item.id, item.score) for place, item in enumerate(best, 1)]


def test_lists_are_cut_as_they_were_served(workspace: Workspace) -> None:
    movies = [f"m{k}" for k in range(0, 60, 2)]
    names = ("id", "user", "words", "item", "at")
    rows: dict[str, list[object]] = {name: [] for name in names}
    served = {}
    for k in (1, 2, 3, 9):
        answer = workspace.decide("Chosen", {"id": f"c{k}", "user": f"u{k}", "words": " ".join(movies)})
        assert not answer.fallback
        served[f"c{k}"] = (answer.decision, [item.id for item in answer.items])
        for item in [*movies, movies[0]]:
            for name, value in zip(names, (f"c{k}", f"u{k}", "", item, instant(workspace, answer)), strict=True):
                rows[name].append(value)
    assert served["c9"] == ("nothing", [])
    assert all(len(items) == 9 for id, (_, items) in served.items() if id != "c9")
    table = pa.table(rows)
    found = workspace.score(project.Request, "Ranker", rows=table, service="Chosen").to_pylist()
    assert len(found) == len(table)
    for id, (decision, items) in served.items():
        own = [row for row in found if row["event_id"] == id]
        assert {row["decision"] or "" for row in own} == {decision}
        assert [row["item"] for row in sorted(own, key=lambda row: row["rank"] or 99) if row["rank"]] == items
    plain = workspace.score_run(project.Request, "Ranker", rows=table)
    assert not plain.already, "a list by its scores alone is another run"
    first = workspace.score(project.Request, "Ranker", rows=table, service="Chosen", top=1).to_pylist()
    assert sorted(row["item"] for row in first) == sorted(items[0] for _, items in served.values() if items)
    with pytest.raises(InputError, match="Home does not answer a Request with lists that Ranker alone orders"):
        workspace.score(project.Request, "Ranker", rows=table, service="Home")


def test_a_service_orders_by_the_scores_of_a_run(workspace: Workspace) -> None:
    movies = [f"m{k}" for k in range(20)]
    rows = pa.table({"id": ["n1"] * 20, "user": ["u1"] * 20, "item": movies})
    done = workspace.score_run(project.Request, "Ranker", rows=rows, by=project.User, online=True)
    assert done.online == 20
    assert workspace.score_run(project.Request, "Ranker", rows=rows, by=project.Movie, online=True).online == 20
    scored = scores_of(workspace, done.run)
    answer = workspace.decide("Ahead", {"id": "a1", "user": "u1", "words": " ".join(movies)})
    best = sorted(scored.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    assert [(item.id, item.score) for item in answer.items] == best
    assert answer.age is not None
    record = workspace.serving.find(answer.decision_id)
    assert (record.stored, record.stored_run, record.states) == ("fresh", done.run, [])
    more = [*movies, "m30", "m31", "m32", "m33", "m34", "m35"]
    answer = workspace.decide("Ahead", {"id": "a2", "user": "u1", "words": " ".join(more)})
    record = workspace.serving.find(answer.decision_id)
    assert (record.stored, answer.fallback) == ("missing", "")
    live = [item for item in record.items if item.features]
    assert all(scored[item.id] == item.score for item in record.items if not item.features)
    assert all(item.id in more[20:] for item in live)
    assert workspace.check_features(service="Ahead", sample=0).differences == 0


def scores_of(workspace: Workspace, run: str) -> dict[str, float]:
    return {row["item"]: row["score"] for row in workspace.scores("Ranker", run).to_pylist()}


def test_history_is_scored_as_training_reads_it(workspace: Workspace) -> None:
    until = min(rows for rows in workspace.history.scan("Request", [])["_arrived"].to_pylist()[-40:])
    scored = workspace.score("RowView", "Ranker@1", until=until).to_pylist()
    bundle = load_bundle(workspace.stores.artifacts, workspace.version("Ranker@1")[0].bundle)
    graph, view = bundle.manifest.graph, view_of(bundle)
    rows = rows_of_view(workspace.history, graph, view, until)
    first = rows.filter(pc.equal(rows["Shown.position"], 1))
    expected = bundle_scores(bundle, read_view(workspace.history, graph, view, first)).tolist()
    found = {(row["event_id"], row["item"]): row["score"] for row in scored}
    assert len(first) > 50
    pairs = zip(first["_request"].to_pylist(), first["Shown.movie"].to_pylist(), strict=True)
    assert [found[pair] for pair in pairs] == expected
    assert workspace.score_run("RowView", "Ranker@1", until=until).already


def test_what_lists_have_not_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="the online store keeps scores by an entity"):
        workspace.score(project.Request, "Ranker", online=True)
    workspace.append([project.Request(id="alone", user="u1", movie=None)])
    workspace.sync()
    newest = workspace.stores.log.newest_arrived("Request")
    with pytest.raises(InputError, match="no Shown tells what was shown for a Request of the range") as refused:
        workspace.score(project.Request, "Ranker", since=newest)
    assert "`item`" in str(refused.value.remedy)
