"""Recommend movies: candidates from three sources, one ranker, a list that is spread; four surfaces."""

from __future__ import annotations

from typing import Annotated

from lightgbm import LGBMClassifier, LGBMRanker

import tidewheel as tw


class User(tw.Entity):
    """Who watches; `taste` is made in batch, in the space of the movies' vectors."""

    id: tw.Id
    taste: Annotated[tw.Vector, 8]


class Movie(tw.Entity):
    """What can be watched."""

    id: tw.Id
    title: tw.Text
    genre: tw.Category
    year: int
    embedding: Annotated[tw.Vector, 8]


class Request(tw.Event):
    """Someone opens a page that shows movies."""

    id: tw.Id
    user: tw.Ref[User]
    movie: tw.Ref[Movie, None]
    words: tw.Text = ""


class HomePage(tw.Event):
    """Someone opens the first page, which knows nothing but its viewer."""

    id: tw.Id
    viewer: tw.Ref[User]


class Nightly(tw.Tick, each=User, every="1d", at="03:00"):
    """Each night, for each user: time for a list that the day begins with."""

    user: tw.Ref[User]


class Shown(tw.Event):
    """A movie stood in the answer to a request."""

    request: tw.Ref[Request]
    movie: tw.Ref[Movie]
    genre: tw.Category
    position: int


class Play(tw.Event):
    """A movie of an answer was played."""

    request: tw.Ref[Request]
    movie: tw.Ref[Movie]
    user: tw.Ref[User]
    genre: tw.Category
    minutes: float


class Save(tw.Event):
    """A movie of an answer was kept for later."""

    request: tw.Ref[Request]
    movie: tw.Ref[Movie]


class UserHistory(tw.Features, by=User):
    plays_30d = tw.count(Play, "30d", by=Play.user)
    minutes_30d = tw.mean(Play.minutes, "30d", by=Play.user)
    lately = tw.last_n(Play.movie, 20, "30d", by=Play.user)


class MoviePopularity(tw.Features, by=Movie):
    plays_1d = tw.count(Play, "1d")
    plays_30d = tw.count(Play, "30d")
    shown_30d = tw.count(Shown, "30d")
    rate = (plays_30d + 1) / (shown_30d + 10)


class UserGenre(tw.Features, by=(User, Play.genre)):
    minutes_90d = tw.sum(Play.minutes, "90d", by=(Play.user, Play.genre))


class RowView(tw.View, on=Request, each=Shown.movie):
    """One movie for one request: what was shown in training, the candidates in serving."""

    genre = Shown.movie.genre
    year = Shown.movie.year
    plays = UserHistory.plays_30d
    movie = MoviePopularity
    fond = tw.lookup(UserGenre, Request.user, tw.served_as(Shown.genre, Shown.movie.genre))
    match = tw.transform.cosine(Request.user.taste, Shown.movie.embedding)
    position = tw.served_as(Shown.position, 1)


class Ranker(tw.Model):
    view = RowView
    label = tw.grade({Play: 1, Save: 3}, within="1d")
    estimator = LGBMRanker(n_estimators=100, num_leaves=15, min_child_samples=20, verbose=-1)
    split = tw.temporal(test="7d")
    metrics = ["ndcg(k=10)", "mean_reciprocal_rank", "recall_at_k(k=10)"]
    gates = [tw.parity()]


class QuickView(tw.View, on=Request, each=Shown.movie):
    """The little that tells most of a movie."""

    rate = MoviePopularity.rate
    match = tw.transform.cosine(Request.user.taste, Shown.movie.embedding)


class Playing(tw.Model):
    """Whether a movie that is shown will be played."""

    view = QuickView
    label = tw.happened(Play, within="1d")
    estimator = LGBMClassifier(n_estimators=20, num_leaves=7, verbose=-1)
    split = tw.temporal(test="7d")


class Saving(tw.Model):
    """Whether it will be kept for later."""

    view = RowView
    label = tw.happened(Save, within="1d")
    estimator = LGBMClassifier(n_estimators=50, num_leaves=7, verbose=-1)
    split = tw.temporal(test="7d")


class Recommend(tw.Service, on=Request):
    """What a user may want to watch."""

    candidates = [
        tw.nearest(Movie, to=Request.user.taste, k=200),
        tw.top_by(MoviePopularity.plays_30d, k=100),
    ]
    exclude = UserHistory.lately
    model = Ranker
    decide = tw.top(10, diversity=tw.mmr(0.8, on=Movie.embedding), at_most={Movie.genre: 4})
    deadline = "100ms"


class Similar(Recommend):
    """What is like the movie on the page."""

    candidates = [tw.nearest(Movie, to=Request.movie, k=100)]
    decide = tw.top(5)


class Home(Recommend, on=HomePage):
    """The same on the first page: its viewer stands for the request's user."""


class Search(Recommend):
    """What answers the words that were typed."""

    candidates = [tw.retrieve.text(Movie.title, query=Request.words, k=50)]
    exclude = ()
    explore = 0.1
    decide = tw.top(10, rules=[tw.rerank.drop(Movie.year < 1930)])


class Mixed(Recommend):
    """By what a movie is worth: a play counts 1, a movie that is kept 3; more where it is watched today."""

    model = None
    score = (Playing.score + 3 * Saving.score) * (1 + 0.01 * MoviePopularity.plays_1d)


class Staged(Recommend):
    """The quick model looks at all candidates, the ranker at its 60 best."""

    model = tw.combine.cascade(Playing, Ranker, top=60)


class Overnight(Recommend, on=Nightly):
    """A long list for each user, made at night from all there is."""

    candidates = [tw.nearest(Movie, to=Nightly.user.taste, k=1000), tw.top_by(MoviePopularity.plays_30d, k=1000)]
    decide = tw.top(60)
    deadline = "10s"


class Morning(Recommend):
    """Ranks what was found at night by what is known now; finds it anew where the night's list is too old."""

    candidates = [tw.batch.candidates(Overnight, by=User, max_age="36h", otherwise=Recommend.candidates)]


class Steady(Recommend):
    """The other way round: the night's list stands in where the live sources give nothing."""

    candidates = [tw.batch.candidates(Overnight, by=User, max_age="7d", instead_of=Similar.candidates)]
