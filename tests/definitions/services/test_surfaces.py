"""A ranking service on another event: what stands for the columns of its model's, and what can't."""

from __future__ import annotations

import pytest
from tests.definitions.conftest import Load

from tidewheel.errors import DefinitionError

PROJECT = """
import tidewheel as tw
from lightgbm import LGBMRanker

class User(tw.Entity):
    id: tw.Id
class Movie(tw.Entity):
    id: tw.Id
class Request(tw.Event):
    id: tw.Id
    user: tw.Ref[User]
    device: tw.Category
    unread: float
class Page(tw.Event):
    id: tw.Id
    {page}
class Shown(tw.Event):
    request: tw.Ref[Request]
    movie: tw.Ref[Movie]
class Play(tw.Event):
    request: tw.Ref[Request]
    user: tw.Ref[User]
    movie: tw.Ref[Movie]
class History(tw.Features, by=User):
    plays = tw.count(Play, "30d", by=Play.user)
class Pop(tw.Features, by=Movie):
    plays = tw.count(Play, "30d")
class Row(tw.View, on=Request, each=Shown.movie):
    device = Request.device
    plays = History.plays
    pop = Pop.plays
class Ranker(tw.Model):
    view = Row
    label = tw.grade({{Play: 1}}, within="1d")
    estimator = LGBMRanker()
class Recommend(tw.Service):
    candidates = [tw.retrieve.function(asked, Request.device, k=5), tw.top_by(Pop.plays, k=5)]
    model = Ranker
    decide = tw.top(5)
class Home(Recommend, on=Page): ...
""".replace("class Recommend", "def asked(device):\n    return []\nclass Recommend")


def test_columns_stand_by_name_and_references_by_type(load: Load) -> None:
    (home,) = load(shop=PROJECT.format(page="viewer: tw.Ref[User]\n    device: tw.Category")).graph.services
    assert home.ranking is not None
    assert home.ranking.columns == (("device", "device"), ("user", "viewer"))
    assert home.candidate_view is not None
    assert home.candidate_view.on == "Page"


def test_a_surface_needs_an_id(load: Load) -> None:
    text = PROJECT.format(page="viewer: tw.Ref[User]\n    device: tw.Category")
    with pytest.raises(DefinitionError, match="Page has no id"):
        load(shop=text.replace("class Page(tw.Event):\n    id: tw.Id", "class Page(tw.Event):"))


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("viewer: tw.Ref[User]", r"reads Request.device \(category\), and Page.device does not exist"),
        ("viewer: tw.Ref[User]\n    device: float", r"Page.device is of another kind \(float\)"),
        ("a: tw.Ref[User]\n    b: tw.Ref[User]\n    device: tw.Category", "Page.user does not exist, and a and b may"),
        ("user: tw.Ref[Movie]\n    a: tw.Ref[User]\n    device: tw.Category", r"another kind \(Movie\)"),
    ],
)
def test_what_nothing_stands_for_is_a_mistake(load: Load, page: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        load(shop=PROJECT.format(page=page))


def test_a_single_score_is_for_the_models_event(load: Load) -> None:
    text = PROJECT.format(page="viewer: tw.Ref[User]\n    device: tw.Category")
    with pytest.raises(DefinitionError, match=r"for Page, its model's view for Request|has a row for each item"):
        load("class One(tw.Service, on=Page):\n    model = Ranker\n", shop=text)


def test_a_list_keeps_no_scores(load: Load) -> None:
    text = PROJECT.format(page="viewer: tw.Ref[User]\n    device: tw.Category").replace(
        "top(5)", "top(5)\n    cache = tw.cache()"
    )
    with pytest.raises(DefinitionError, match=r"Home\.cache: .* answers with lists; remove cache"):
        load(shop=text)
