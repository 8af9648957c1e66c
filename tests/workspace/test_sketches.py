"""Lists of texts and numbers on their way: served, read, replayed, in training rows, from the lake."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

import tidewheel as tw


class User(tw.Entity):
    id: tw.Id


class Play(tw.Event):
    id: tw.Id
    user: tw.Ref[User]
    genre: tw.Category
    minutes: float


class Taste(tw.Features, by=User):
    favourites = tw.top_k(Play.genre, 3, "30d", default="none")
    lately = tw.last_n(Play.minutes, 2)
    genres = tw.last_n(Play.genre, 2, "30d")
    median = tw.quantile(Play.minutes, 0.5, "30d")


class PlayView(tw.View, on=Play):
    user = Taste
    best = Taste.favourites
    usual = Play.genre == Taste.favourites[0]

    @tw.derived(Play.genre, *Taste.genres)
    def again(genre: tw.Array, one: tw.Array, two: tw.Array) -> tw.Array:
        return np.where((genre == one) | (genre == two), 1.0, 0.0)


class Gate(tw.Service, on=Play):
    rules = [tw.rule("usual", Play.genre == Taste.favourites[0], then="skip")]
    decide = tw.thresholds(play=0.0)


PLAYS = [("jazz", 3.0), ("rock", 5.0), ("rock", 7.0), ("jazz", 9.0), ("jazz", 20.0)]


def test_lists_are_the_same_everywhere() -> None:
    with tw.open(":memory:", [User, Play, Taste, PlayView, Gate]) as workspace:
        workspace.deploy("Gate")
        decided = []
        for k, (genre, minutes) in enumerate(PLAYS):
            play = {"id": f"p{k}", "user": "u1", "genre": genre, "minutes": minutes}
            decided.append(workspace.decide("Gate", play).decision)
            workspace.sync()
        assert decided[:3] == ["play", "play", decided[2]]
        assert decided[4] == ("skip" if decided[2] == "play" else "play"), "a tie goes to one of two, and to the same"
        live = workspace.read(Taste, user="u1")
        past = workspace.read(Taste, user="u1", at="2100-01-01T00:00:00Z")
        assert live.favourites == ("jazz", "rock", "none")
        assert (live.favourites_1, live.genres, live.lately) == ("jazz", ("jazz", "jazz"), (20.0, 9.0))
        assert live.median == 7.0
        assert (past.lately, past.median) == (live.lately, None), "a lifetime and a window, long after"
        assert workspace.check_features(sample=0).differences == 0
        rows = workspace.view(PlayView)
        workspace.flush()
        assert workspace.view(PlayView).equals(rows)
    assert rows.schema.field("best_1").type == rows.schema.field("user.genres_2").type == pa.string()
    found = rows.to_pylist()
    assert [row["user.genres_1"] for row in found] == [None, "jazz", "rock", "rock", "jazz"]
    assert [row["user.lately_2"] for row in found] == [None, None, 3.0, 5.0, 7.0]
    assert [row["user.median"] for row in found] == [None, 3.0, 4.0, 5.0, 6.0]
    assert [row["best_3"] for row in found] == ["none"] * 5
    assert [row["again"] for row in found] == [0.0, 0.0, 1.0, 0.0, 1.0]
    assert [row["best_1"] == row["user.favourites_1"] for row in found] == [True] * 5
