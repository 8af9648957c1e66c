"""MovieLens small as a world of requests: each user's ratings laid over one year in their own order.

Likes (4 stars or more) are plays. Vectors of users and movies come from what was liked in the first 60% of the year;
from then on likes come in requests of five, shown among 25 movies drawn by popularity; the last 15% are held out.
"""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from lightgbm import LGBMRanker

import tidewheel as tw

SIZE, SHOWN, LIKED, POWER = 16, 40, 5, 0.3
START = datetime(2024, 1, 1, tzinfo=UTC)
VECTORS_AT, HELD_OUT = 0.60, 0.85


class User(tw.Entity):
    id: tw.Id
    taste: Annotated[tw.Vector, 16]


class Movie(tw.Entity):
    id: tw.Id
    genre: tw.Category
    embedding: Annotated[tw.Vector, 16]


class Request(tw.Event):
    id: tw.Id
    user: tw.Ref[User]


class Shown(tw.Event):
    request: tw.Ref[Request]
    movie: tw.Ref[Movie]
    genre: tw.Category


class Play(tw.Event):
    request: tw.Ref[Request]
    movie: tw.Ref[Movie]
    user: tw.Ref[User]
    genre: tw.Category


class Popularity(tw.Features, by=Movie):
    plays = tw.count(Play)
    plays_90d = tw.count(Play, "90d")


class History(tw.Features, by=User):
    plays = tw.count(Play, by=Play.user)
    lately = tw.last_n(Play.movie, 100, by=Play.user)


class Fond(tw.Features, by=(User, Play.genre)):
    plays = tw.count(Play, by=(Play.user, Play.genre))


class Row(tw.View, on=Request, each=Shown.movie):
    match = tw.transform.cosine(Request.user.taste, Shown.movie.embedding)
    product = tw.transform.dot(Request.user.taste, Shown.movie.embedding)
    movie = Popularity
    plays = History.plays
    fond = tw.lookup(Fond, Request.user, tw.served_as(Shown.genre, Shown.movie.genre))
    share = fond.plays / (plays + 1)


class Ranker(tw.Model):
    view = Row
    label = tw.grade({Play: 1}, within="1d")
    estimator = LGBMRanker(n_estimators=120, num_leaves=15, min_child_samples=50, learning_rate=0.05, verbose=-1)
    split = tw.temporal(test="15d")
    metrics = ["ndcg(k=10)"]


class Recommend(tw.Service, on=Request):
    candidates = [tw.top_by(Popularity.plays, k=300), tw.nearest(Movie, to=Request.user.taste, k=200)]
    exclude = History.lately
    model = Ranker
    decide = tw.top(10)
    deadline = "10s"


DECLARED = (User, Movie, Request, Shown, Play, Popularity, History, Fond, Row, Ranker, Recommend)


class World(NamedTuple):
    """Rows by event or entity up to the held-out time, and what each user liked after it."""

    rows: dict[str, list[dict[str, Any]]]
    held_out_at: datetime
    likes: dict[str, set[str]]


def world(folder: Path, seed: int = 0) -> World:
    """Return MovieLens as rows; nothing that came after the held-out time is among them."""
    genres, liked = _read(folder)
    users, movies = sorted(liked), sorted({movie for names in liked.values() for movie in names})
    at = {user: _times(len(liked[user])) for user in users}
    tastes, vectors, popularity = _vectors(users, movies, liked, at)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("User", "Movie", "Request", "Shown", "Play")}
    made = START + timedelta(days=365 * VECTORS_AT)
    rows["User"] = [{"id": u, "taste": tastes[i].tolist(), "at": made} for i, u in enumerate(users)]
    rows["Movie"] = [
        {"id": m, "genre": genres[m], "embedding": vectors[i].tolist(), "at": made} for i, m in enumerate(movies)
    ]
    rng, drawn = np.random.default_rng(seed), popularity**POWER / (popularity**POWER).sum()
    likes: dict[str, set[str]] = {}
    for user in users:
        old = [m for m, t in zip(liked[user], at[user], strict=True) if t < VECTORS_AT]
        rows["Play"] += [_play("none", user, m, genres, _at(t)) for m, t in zip(old, at[user], strict=False)]
        new = [(m, t) for m, t in zip(liked[user], at[user], strict=True) if VECTORS_AT <= t < HELD_OUT]
        likes[user] = {m for m, t in zip(liked[user], at[user], strict=True) if t >= HELD_OUT}
        for first in range(0, len(new), LIKED):
            some, when = [m for m, _ in new[first : first + LIKED]], _at(new[first][1])
            request = f"{user}-{first}"
            rows["Request"].append({"id": request, "user": user, "at": when})
            others = [movies[i] for i in rng.choice(len(movies), SHOWN, replace=False, p=drawn)]
            for movie in [*some, *(other for other in others if other not in liked[user])]:
                shown = {"request": request, "movie": movie, "genre": genres[movie]}
                rows["Shown"].append(shown | {"at": when + timedelta(seconds=1)})
            rows["Play"] += [_play(request, user, m, genres, when + timedelta(minutes=1)) for m in some]
    return World(rows, START + timedelta(days=365 * HELD_OUT), {user: some for user, some in likes.items() if some})


def _read(folder: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return each movie's first genre, and what each user liked in order."""
    with (folder / "movies.csv").open(encoding="utf-8") as file:
        genres = {f"m{row['movieId']}": row["genres"].split("|")[0] for row in csv.DictReader(file)}
    text = gzip.decompress((folder / "ratings.csv.gz").read_bytes()).decode()
    rated = [row for row in csv.DictReader(io.StringIO(text)) if float(row["rating"]) >= 4.0]
    liked: dict[str, list[str]] = {}
    for row in sorted(rated, key=lambda row: (int(row["timestamp"]), int(row["movieId"]))):
        liked.setdefault(f"u{row['userId']}", []).append(f"m{row['movieId']}")
    return genres, {user: names for user, names in liked.items() if len(names) >= 10}


def _times(n: int) -> npt.NDArray[np.float64]:
    return (np.arange(n) + 0.5) / n


def _at(share: float) -> datetime:
    return START + timedelta(days=365 * float(share))


def _play(request: str, user: str, movie: str, genres: dict[str, str], at: datetime) -> dict[str, Any]:
    return {"request": request, "movie": movie, "user": user, "genre": genres[movie], "at": at}


def _vectors(
    users: list[str], movies: list[str], liked: dict[str, list[str]], at: dict[str, npt.NDArray[np.float64]]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return vectors of users and movies by a truncated SVD of early likes, and how often each movie was liked."""
    place = {movie: i for i, movie in enumerate(movies)}
    matrix = np.zeros((len(users), len(movies)))
    for row, user in enumerate(users):
        for movie, time in zip(liked[user], at[user], strict=True):
            matrix[row, place[movie]] = time < VECTORS_AT
    popularity = matrix.sum(axis=0)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return left[:, :SIZE] * values[:SIZE], right[:SIZE].T, popularity + 0.1
