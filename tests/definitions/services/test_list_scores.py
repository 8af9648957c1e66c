"""Lists that are ordered by several models, compiled: what is kept, and each mistake with its remedy."""

from __future__ import annotations

import pytest
from tests.definitions.conftest import Load
from tests.definitions.services.test_surfaces import PROJECT

from tidewheel.definitions import ir, views_of
from tidewheel.errors import DefinitionError

SHOP = PROJECT.format(page="viewer: tw.Ref[User]\n    device: tw.Category")
MODELS = """
class Cheap(tw.View, on=Request, each=Shown.movie):
    pop = Pop.plays
class Click(tw.Model):
    view = Cheap
    label = tw.grade({Play: 1}, within="1d")
class Seen(tw.Event):
    page: tw.Ref[Page]
    movie: tw.Ref[Movie]
class Wrong(tw.View, on=Page, each=Seen.movie):
    pop = Pop.plays
class Liked(tw.Event):
    page: tw.Ref[Page]
    movie: tw.Ref[Movie]
class Far(tw.Model):
    view = Wrong
    label = tw.happened(Liked, within="1d")
class Meta(tw.Model):
    view = Cheap
    label = tw.happened(Play, within="1d")
class Alone(tw.View, on=Request):
    unread = Request.unread
class Single(tw.Model):
    view = Alone
    label = tw.happened(Shown, within="1d")
"""


def service(score: str, top: int = 5) -> str:
    return (
        f"class S(tw.Service, on=Request):\n    candidates = [tw.top_by(Pop.plays, k=50)]\n    {score}\n"
        f"    decide = tw.top({top})\nclass Surface(S, on=Page): ...\n"
    )


def compiled(load: Load, score: str) -> ir.Service:
    return next(node for node in load(MODELS + service(score), shop=SHOP).graph.services if node.name == "S")


def test_an_expression_reads_scores_and_what_the_rows_can(load: Load) -> None:
    found = compiled(load, "score = Ranker.score * Click.score + History.plays * Pop.plays")
    assert found.members == ("Ranker", "Click")
    assert found.score_view is not None
    assert found.score_view.each is not None
    assert [column.name for column in found.score_view.columns] == ["(History.plays * Pop.plays)"]
    assert found.score_view in views_of(found)


def test_a_surface_stands_for_the_columns_of_every_model_and_of_the_score(load: Load) -> None:
    text = service("score = Click.score * History.plays")
    services = load(MODELS + text, shop=SHOP).graph.services
    surface = next(node for node in services if node.name == "Surface")
    assert surface.ranking is not None
    assert surface.ranking.columns == (("user", "viewer"),)
    text = service("model = tw.combine.weighted({Click: 0.5, Ranker: 0.5})")
    surface = next(node for node in load(MODELS + text, shop=SHOP).graph.services if node.name == "Surface")
    assert surface.ranking is not None
    assert surface.ranking.columns == (("device", "device"), ("user", "viewer"))


def test_a_cascade_says_how_many_candidates_go_on(load: Load) -> None:
    found = compiled(load, "model = tw.combine.cascade(Meta, Click, Ranker, top=(40, 20))")
    assert found.combine is not None
    assert found.combine.top == (40, 20)
    assert found.combine.ends() == (1 / 3, 2 / 3, 1.0)
    assert found.model == "Ranker", "whose label tells outcomes"


MISTAKES = [
    ("model = tw.combine.cascade(Click, Ranker, unsure=(0.3, 0.7))", "the cascade of a list", "top=50"),
    ("model = tw.combine.cascade(Click, Ranker)", "a cascade says which rows", "top=50 for a list"),
    ("model = tw.combine.cascade(Click, Ranker, top=4)", "too few for a list of 5", "top=50"),
    ("model = tw.combine.cascade(Click, Ranker, top=(9, 8))", "one falling number", "top=(200, 50)"),
    ("model = tw.combine.cascade(Meta, Click, Ranker, top=(8, 9))", "one falling number", "top=(200, 50)"),
    ("model = tw.combine.cascade(Click, Ranker, top=True)", "no number of candidates", "like 50"),
    ("model = tw.combine.stack([Click, Ranker], by=Meta)", "no column with the score of Click", "click = Click.score"),
    ("model = tw.combine.weighted({Click: 0.5, Meta: 0.5})", "tell different things", "Click.score * Meta.score"),
    ("score = Click.score * Single.score", "views have a row for each item", "each=Shown.movie"),
    ("score = Click.score * Far.score", "score rows of different things", "the same on= and each="),
    ("score = Click.score * Shown.at", "Shown.at is not known when candidates are scored", "served_as"),
    ("model = tw.batch.scores(Single, by=User, max_age='1d')", "views have a row for each item", ""),
    ("model = tw.batch.scores(Click, by=User, max_age='1d', any_version=True)", "two versions", "any_version"),
]


@pytest.mark.parametrize(("score", "words", "hint"), MISTAKES, ids=[score for score, _, _ in MISTAKES])
def test_a_mistake_has_a_remedy(load: Load, score: str, words: str, hint: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load(MODELS + service(score), shop=SHOP)
    assert words in str(error.value)
    assert hint in str(error.value)


STACKED = """
class Both(tw.View, on=Request, each=Shown.movie):
    click = Click.score
    ranker = Ranker.score
class Over(tw.Model):
    view = Both
    label = tw.happened(Play, within="1d")
"""


def test_a_stack_reads_what_its_members_read_on_every_surface(load: Load) -> None:
    for score in ("model = tw.combine.stack([Click, Ranker], by=Over)", "model = Over"):
        services = load(MODELS + STACKED + service(score), shop=SHOP).graph.services
        surface = next(node for node in services if node.name == "Surface")
        assert surface.model == "Over", "whose label tells outcomes"
        assert surface.ranking is not None
        assert surface.ranking.columns == (("device", "device"), ("user", "viewer"))


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (
            "on=Request, each=Shown.movie):\n    a = Single.score",
            "Single.score is of an event, and not of an item of it",
        ),
        ("on=Request):\n    a = Click.score", "Click.score is of an item, and not of the event"),
        ("on=Request, each=Shown.movie):\n    a = Far.score", "Far scores items of Seen, and this view's are of Shown"),
    ],
)
def test_a_score_is_of_the_same_item(load: Load, view: str, words: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load(MODELS + f"class Odd(tw.View, {view}\n", shop=SHOP)
    assert words in str(error.value)


def test_items_are_ordered_and_events_are_not(load: Load) -> None:
    with pytest.raises(DefinitionError, match="Click scores items of a Request"):
        load(MODELS + "class One(tw.Service, on=Request):\n    score = Click.score * 2\n", shop=SHOP)
    text = "class One(tw.Service, on=Request):\n    model = tw.combine.cascade(Single, Far, top=5)\n"
    with pytest.raises(DefinitionError, match="the cascade of a single score"):
        load(MODELS + text, shop=SHOP)


NIGHT = """
class Nightly(tw.Tick, each=User, every="1d", at="03:00"): ...
class Short(tw.Event):
    id: tw.Id
    device: tw.Category
    user: tw.Ref[User]
    other: tw.Ref[User]
class Night(tw.Service, on=Nightly):
    candidates = [tw.top_by(Pop.plays, k=50)]
    model = Click
    decide = tw.top(40)
class Twice(Night, on=Short): ...
class Morning(tw.Service, on=Request):
    candidates = [{source}]
    model = Click
    decide = tw.top(5)
class Page2(Morning, on=Page): ...
"""


def test_a_list_made_ahead_names_whose_it_is_on_both_sides(load: Load) -> None:
    source = 'tw.batch.candidates(Night, by=User, max_age="1d", otherwise=[tw.top_by(Pop.plays, k=5)])'
    services = {node.name: node for node in load(MODELS + NIGHT.format(source=source), shop=SHOP).graph.services}
    for name, key in (("Morning", "user"), ("Page2", "viewer")):
        ranking = services[name].ranking
        assert ranking is not None
        (found,) = ranking.candidates
        assert (found.name, found.service, found.key) == ("stored(Night)", "Night", "user")
        assert found.stored == ir.Stored((key,), "User", 86_400_000_000)
        assert [one.name for one in found.sources()] == ["stored(Night)", "top_by(Pop.plays)"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('tw.batch.candidates(Click, by=User, max_age="1d")', "is no service"),
        ('tw.batch.candidates(Twice, by=User, max_age="1d")', "2 columns of Short say whose list of Twice it is"),
        ('tw.batch.candidates(Night, by=Movie, max_age="1d")', "Movie"),
        ('tw.batch.candidates(Night, by=User, max_age="soon")', "soon"),
        (
            'tw.batch.candidates(Night, by=User, max_age="1d", otherwise=[tw.top_by(Pop.plays, k=5)], '
            "instead_of=[tw.top_by(Pop.plays, k=5)])",
            "give otherwise= or instead_of=",
        ),
        (
            'tw.batch.candidates(Night, by=User, max_age="1d", '
            'otherwise=[tw.batch.candidates(Night, by=User, max_age="2d")])',
            "are live ones",
        ),
    ],
)
def test_a_list_made_ahead_has_its_mistakes(load: Load, source: str, words: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load(MODELS + NIGHT.format(source=source), shop=SHOP)
    assert words in str(error.value)
