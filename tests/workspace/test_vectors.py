"""Embeddings: checked at the door, kept in log and lake, read as of an instant, served as they were trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lightgbm import LGBMClassifier

import tidewheel as tw
from tidewheel.collect.keeping.history import events_table
from tidewheel.errors import SchemaError
from tidewheel.serving.lookup import FeatureLookup
from tidewheel.workspace import Workspace

DAY = 86_400_000_000
START = 1_750_000_000_000_000


class Movie(tw.Entity):
    id: tw.Id
    genre: tw.Category
    embedding: Annotated[tw.Vector, 4] | None


class User(tw.Entity):
    id: tw.Id


class Play(tw.Event):
    id: tw.Id
    user: tw.Ref[User]
    movie: tw.Ref[Movie]
    mood: Annotated[tw.Vector, 4]


class Liked(tw.Event):
    play: tw.Ref[Play]


class Taste(tw.Features, by=User):
    plays = tw.count(Play, "30d")
    mood = tw.last(Play.mood)
    first_mood = tw.first(Play.mood, "30d")
    moved = tw.transform.dot(mood, first_mood)


class PlayView(tw.View, on=Play):
    movie = Play.movie.embedding
    user = Taste
    near = tw.transform.cosine(Play.movie.embedding, Play.mood)
    like_before = tw.transform.dot(user.mood, Play.mood)
    known = ~tw.transform.is_null(Play.movie.embedding)


class Likes(tw.Model):
    view = PlayView
    label = tw.happened(Liked, within="1d")
    estimator = LGBMClassifier(n_estimators=5, min_child_samples=5, verbose=-1)
    split = tw.temporal(test="10d")
    metrics = ["roc_auc"]
    gates = [tw.parity()]


class Suggest(tw.Service, on=Play):
    rules = [tw.rule("far", tw.transform.dot(Play.movie.embedding, Play.mood) < -50, then="skip")]
    model = Likes
    decide = tw.thresholds(skip=0.0, show=0.5)
    deadline = "5s"


PROJECT = [Movie, User, Play, Liked, Taste, PlayView, Likes, Suggest]


def fill(workspace: Workspace, folder: Path, n: int = 400) -> np.ndarray:
    """Ingest plays of 10 movies from files and give the movies' embeddings, whose tenth has none."""
    draw = np.random.default_rng(4)
    films, moods = draw.normal(size=(10, 4)).astype(np.float32), draw.normal(size=(n, 4))
    lines = [
        {"id": f"m{k}", "genre": "drama", "embedding": None if k == 9 else film.tolist(), "at": START}
        for k, film in enumerate(films)
    ]
    (folder / "movies.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert workspace.ingest(str(folder / "movies.jsonl"), Movie).accepted == 10
    at = START + DAY + np.arange(n) * DAY // 10
    movies = draw.integers(10, size=n)
    plays = {
        "id": [f"p{k}" for k in range(n)],
        "user": [f"u{k % 7}" for k in range(n)],
        "movie": [f"m{k}" for k in movies],
        "mood": pa.array(moods.tolist(), pa.list_(pa.float64(), 4)),
        "at": pa.array(at, pa.timestamp("us", "UTC")),
    }
    pq.write_table(pa.table(plays), folder / "plays.parquet")
    assert workspace.ingest(str(folder / "plays.parquet"), Play).accepted == n
    liked = np.flatnonzero((films[movies] * moods).sum(axis=1) > 0.5)
    likes = {"play": [f"p{k}" for k in liked], "at": pa.array(at[liked] + DAY // 2, pa.timestamp("us", "UTC"))}
    pq.write_table(pa.table(likes), folder / "likes.parquet")
    workspace.ingest(str(folder / "likes.parquet"), Liked)
    return films


def test_from_file_to_decision(tmp_path: Path) -> None:
    with tw.open(":memory:", PROJECT) as workspace:
        films = fill(workspace, tmp_path)
        trained = workspace.train(Likes)
        assert trained.deployable
        names = workspace.view(PlayView).column_names
        assert [name for name in names if name.startswith(("movie", "user.mood"))] == [
            *(f"movie_{i}" for i in range(4)),
            *(f"user.mood_{i}" for i in range(4)),
        ]
        workspace.deploy(trained.version)
        mood = [0.5, -1.0, 2.0, 0.25]
        told = []
        for k in range(10):
            play = Play(id=f"n{k}", user=f"u{k % 3}", movie=f"m{k}", mood=np.array(mood) * (k + 1))
            told.append(workspace.why(workspace.decide(Suggest, play).decision_id))
            workspace.sync()
        for k, one in enumerate(told):
            assert one.replay.equal, one.replay
            film = [None] * 4 if k == 9 else films[k].tolist()
            assert [one.features[f"movie_{i}"] for i in range(4)] == film
            assert one.features["known"] == (k != 9)
            assert one.features["user.mood_2"] == (2.0 * (k - 3 + 1) if k >= 3 else one.features["user.mood_2"])
        cosine = films[0] @ np.float32(mood) / np.linalg.norm(films[0]) / np.linalg.norm(mood)
        assert told[0].features["near"] == pytest.approx(cosine, rel=1e-6)
        assert told[9].features["near"] is None
        report = workspace.check_features()
        assert (report.checked, report.differences) == (10, 0)

        # By way of the log, the lake, and one instant.
        before = workspace.view(PlayView)
        assert workspace.flush().events == 10
        assert workspace.view(PlayView).equals(before)
        stored = workspace.stores.lake.scan(events_table("Play"))
        assert pa.types.is_list(stored["mood"].type)
        assert stored["mood"].type.value_type == pa.float32()
        read = workspace.read(Taste, user="u0")
        assert isinstance(read.mood, np.ndarray)
        assert read.mood.tolist() == (np.float32(mood) * 10).tolist()
        assert read.moved == pytest.approx(float(np.float64(read.mood) @ np.float64(read.first_mood)))
        lookup = FeatureLookup(lambda: workspace.stores.state, lambda: workspace.project.graph)
        many = json.loads(lookup.read("Taste", b'{"user": ["u0", "nobody"]}', START))["features"]
        assert many["mood"] == [read.mood.tolist(), None]
        assert many["moved"] == [read.moved, None]
        then = workspace.read(Taste, at=START, user="u0")
        assert then.mood is None
        assert then.moved is None


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ([1.0, 2.0], "expected a vector of 4 numbers, found 2 numbers"),
        ([[1.0, 2.0, 3.0, 4.0]], r"found an array of shape \(1, 4\)"),
        ([1.0, 2.0, float("nan"), 4.0], "element 2 of the vector is no finite float32"),
        ([1.0, 1e300, 0.0, 4.0], "element 1 of the vector is no finite float32"),
        (["a", "b", "c", "d"], "expected a vector of numbers, found list"),
        ("abc", "expected a vector such as"),
        (7.0, "expected a vector of numbers, found float"),
    ],
)
def test_bad_vectors_are_refused(mood: object, reason: str) -> None:
    with tw.open(":memory:", PROJECT) as workspace, pytest.raises(SchemaError, match=f"mood: .*{reason}"):
        workspace.append([Play(id="p", user="u", movie="m", mood=mood)])  # type: ignore[arg-type]  # some are no vectors


def test_bad_rows_of_a_file_are_quarantined(tmp_path: Path) -> None:
    rows = [[1, 2, 3, 4], [1, 2, 3], [1, None, 3, 4], None, [5, 6, 7, 8]]
    table = pa.table({"id": list("abcde"), "user": ["u"] * 5, "movie": ["m"] * 5, "at": [START] * 5})
    pq.write_table(table.append_column("mood", pa.array(rows, pa.list_(pa.int64()))), tmp_path / "plays.parquet")
    (tmp_path / "plays.csv").write_text(
        f'id,user,movie,at,mood\nf,u,m,{START},"[1, 2, 3, 4]"\ng,u,m,{START},"[1, 2]"\nh,u,m,{START},1 2 3 4\n'
    )
    with tw.open(":memory:", PROJECT) as workspace:
        first = workspace.ingest(str(tmp_path / "plays.parquet"), Play)
        assert (first.accepted, first.quarantined) == (2, 3)
        second = workspace.ingest(str(tmp_path / "plays.csv"), Play)
        assert (second.accepted, second.quarantined) == (1, 2)
        reasons = [bad.reason for bad in workspace.stores.log.bad_rows("Play")]
        assert "mood: expected a vector of 4 numbers, found 3 numbers" in reasons
        assert "mood: missing" in reasons
        assert workspace.read(Taste, user="u").plays == 0
