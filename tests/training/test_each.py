"""Rows of items: what was shown for a request, read as of the request, graded by what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMRanker
from training_world import HOUR, NOW, START, world

import tidewheel as tw
from tidewheel.definitions import compile_declarations
from tidewheel.errors import DefinitionError
from tidewheel.storage.log.records import NewEvent
from tidewheel.training import TrainingContext, train
from tidewheel.training.data.gather import gather


class User(tw.Entity):
    id: tw.Id
    country: tw.Category


class Movie(tw.Entity):
    id: tw.Id
    genre: tw.Category
    year: int


class Ask(tw.Event):
    """A user opens the page."""

    id: tw.Id
    user: tw.Ref[User]
    device: tw.Category


class Shown(tw.Event):
    """A movie in the answer."""

    request: tw.Ref[Ask]
    movie: tw.Ref[Movie]
    position: int
    genre: tw.Category


class Play(tw.Event):
    request: tw.Ref[Ask]
    movie: tw.Ref[Movie]
    user: tw.Ref[User]
    genre: tw.Category


class Save(tw.Event):
    request: tw.Ref[Ask]
    movie: tw.Ref[Movie]


class Taste(tw.Features, by=User):
    plays_7d = tw.count(Play, "7d", by=Play.user)


class Popularity(tw.Features, by=Movie):
    plays_7d = tw.count(Play, "7d")


class UserGenre(tw.Features, by=(User, Play.genre)):
    plays_30d = tw.count(Play, "30d", by=(Play.user, Play.genre))


class RowView(tw.View, on=Ask, each=Shown.movie):
    device = Ask.device
    country = Ask.user.country
    genre = Shown.movie.genre
    age = 2024 - Shown.movie.year
    position = tw.served_as(Shown.position, 1)
    user = Taste
    movie = Popularity
    fond = tw.lookup(UserGenre, Ask.user, tw.served_as(Shown.genre, Shown.movie.genre))
    share = fond.plays_30d / (user.plays_7d + 1)


class Ranker(tw.Model):
    view = RowView
    label = tw.grade({Play: 1, Save: 3}, within="1d")
    estimator = LGBMRanker(n_estimators=10, num_leaves=7, min_child_samples=5)
    split = tw.temporal(test="10d")
    metrics = ["ndcg(k=5)", "mean_reciprocal_rank"]
    gates = [tw.parity()]


DECLARED = (User, Movie, Ask, Shown, Play, Save, Taste, Popularity, UserGenre, RowView, Ranker)
GENRES = ("drama", "crime", "comedy")


def asks(n: int = 300, size: int = 6, seed: int = 0) -> list[NewEvent]:
    """Return lists over 40 days, in which a user plays what is of one genre, and saves what is new among it."""
    rng = np.random.default_rng(seed)
    movies: list[dict[str, Any]] = [
        {"id": f"m{i}", "genre": GENRES[i % 3], "year": int(1980 + rng.integers(40))} for i in range(40)
    ]
    events = [NewEvent("Movie", movie["id"], START, movie, START) for movie in movies]
    events += [NewEvent("User", f"u{i}", START, {"id": f"u{i}", "country": "SE"}, START) for i in range(20)]
    for number, hour in enumerate(np.sort(rng.random(n)) * 40 * 24):
        at, who, ask = START + HOUR + int(hour * HOUR), int(rng.integers(20)), f"a{number}"
        events.append(NewEvent("Ask", ask, at, {"id": ask, "user": f"u{who}", "device": "tv"}, at))
        for place, chosen in enumerate(rng.choice(40, size, replace=False)):
            movie, name = movies[chosen], f"s{number}-{place}"
            shown = {"request": ask, "movie": movie["id"], "position": place + 1, "genre": movie["genre"]}
            events.append(NewEvent("Shown", name, at + 1000, shown, at + 1000))
            if chosen % 3 == who % 3 and rng.random() < 0.8:
                came, what = at + HOUR, {"request": ask, "movie": movie["id"]}
                play = what | {"user": f"u{who}", "genre": movie["genre"]}
                events.append(NewEvent("Play", f"p{name}", came, play, came))
                if movie["year"] > 2010:
                    events.append(NewEvent("Save", f"k{name}", came + HOUR, what, came + HOUR))
    return sorted(events, key=lambda event: event.arrived)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    folder: Path = tmp_path_factory.mktemp("each")
    with world(folder, asks(), DECLARED, {"Ranker": Ranker}) as opened:
        yield opened


def test_a_row_is_an_item_as_of_its_request(context: TrainingContext) -> None:
    found = gather(context, context.model("Ranker"), context.history, NOW)
    events = asks()
    at = {e.id: e.at for e in events if e.type == "Ask"}
    user = {e.id: e.columns["user"] for e in events if e.type == "Ask"}
    plays = [e for e in events if e.type == "Play"]
    names = found.data.view.column_names
    rows = dict(zip(found.data.ids.to_pylist(), found.data.view.to_pylist(), strict=True))
    assert names[:5] == ["device", "country", "genre", "age", "position"]
    shown = [e for e in events if e.type == "Shown"]
    seen = [event for event in shown if event.id in rows]
    assert len(seen) == len(rows) > 0.5 * len(shown)
    for event in seen[::37]:
        row = rows[event.id]
        instant, columns = at[event.columns["request"]], event.columns
        before = [p for p in plays if p.arrived < instant]
        assert row["position"] == columns["position"]
        assert row["genre"] == columns["genre"]
        fond = [p for p in before if p.columns["user"] == user[columns["request"]]]
        ages = [instant - p.at for p in fond if p.columns["genre"] == columns["genre"]]
        within = [sum(age <= days * 24 * HOUR for age in ages) for days in (30, 33)]
        assert within[0] <= row["fond.plays_30d"] <= within[1]


def test_the_best_of_what_came_is_the_grade(context: TrainingContext) -> None:
    found = gather(context, context.model("Ranker"), context.history, NOW)
    came = {e.id for e in asks() if e.type in ("Play", "Save")}
    for name, grade in zip(found.data.ids.to_pylist(), found.data.y.tolist(), strict=True):
        assert grade == (3.0 if f"k{name}" in came else 1.0 if f"p{name}" in came else 0.0)


def test_lists_are_requests_and_parity_holds_of_their_rows(context: TrainingContext) -> None:
    assert context.model("Ranker").group == "id"
    result = train(context, "Ranker")
    assert result.deployable, result.verdicts
    ours, guess = result.metric("ndcg(k=5)").value, result.metric("ndcg(k=5)", "baseline").value
    assert ours is not None
    assert guess is not None
    assert ours > guess + 0.1


def test_what_was_shown_may_say_by_itself_what_it_came_to() -> None:
    class Liked(tw.Event):
        request: tw.Ref[Ask]
        movie: tw.Ref[Movie]

    class Likes(tw.Model):
        view = RowView
        label = tw.happened(Liked, within="1d")

    label = compile_declarations(Likes).models[0].label
    assert (label.path, label.item) == (("request",), ("movie",))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (lambda: Shown.position, "is not known when candidates are scored.*tw.served_as"),
        (lambda: tw.served_as(Shown.position, Shown.movie.genre), "of different kinds"),
        (lambda: tw.served_as(Shown.position, object()), "can't be served as"),
        (lambda: tw.served_as(Ask.device, "tv"), "is no column of Shown"),
        (lambda: tw.served_as(Shown.position, 1) + tw.served_as(Shown.position, 2), "two different things"),
    ],
)
def test_mistakes_of_columns(column: Any, said: str) -> None:
    class Wrong(tw.View, on=Ask, each=Shown.movie):
        it = column()

    with pytest.raises(DefinitionError, match=said):
        compile_declarations(Wrong)


@pytest.mark.parametrize(
    ("each", "said"),
    [
        (Shown.position, "no reference to an entity"),
        (Play.genre, "no reference to an entity"),
        ("movie", "names no item"),
    ],
)
def test_mistakes_of_items(each: Any, said: str) -> None:
    class Wrong(tw.View, on=Ask, each=each):
        device = Ask.device

    with pytest.raises(DefinitionError, match=said):
        compile_declarations(Wrong)


def test_rankers_of_candidates_are_retrained_by_clock_labels_and_age_but_not_by_drift() -> None:
    def ranker(when: object) -> type:
        return type("Ranker", (tw.Model,), {**vars(Ranker), "retrain": when})

    when = tw.retrain("weekly", on_labels=100, on_age="30d", metric="mean_reciprocal_rank")
    assert compile_declarations(*DECLARED[:-1], ranker(when)).models[0].retrain == when
    with pytest.raises(DefinitionError, match="drift is told by the rows of single decisions"):
        compile_declarations(*DECLARED[:-1], ranker(tw.retrain("weekly", on_drift=0.25)))


def test_grades_are_numbers_above_nothing() -> None:
    with pytest.raises(DefinitionError, match="grade\\(\\) of nothing"):
        tw.grade({}, within="1d")
    with pytest.raises(DefinitionError, match="no number above 0"):
        tw.grade({Play: 0}, within="1d")
