"""Aggregates that give several columns: how they are named, reached and refused."""

from __future__ import annotations

import msgspec
import pytest
from tests.definitions.conftest import Load

import tidewheel as tw
from tidewheel.definitions import compile_declarations, ir
from tidewheel.errors import DefinitionError


class User(tw.Entity):
    id: tw.Id


class Play(tw.Event):
    id: tw.Id
    user: tw.Ref[User]
    genre: tw.Category
    minutes: float


class Taste(tw.Features, by=User):
    favourites = tw.top_k(Play.genre, 3, "30d", exact_to=64, default="none")
    lately = tw.last_n(Play.minutes, 2, where=Play.minutes > 1)
    median = tw.quantile(Play.minutes, 0.5, "30d", hop="6h", delay="1d")
    growth = lately[0] / lately[-1]
    top = tw.top_k(Play.minutes, 2)[1]


class Row(tw.View, on=Play):
    taste = tw.lookup(Taste, Play.user)
    best = Taste.favourites
    usual = Play.genre == taste.favourites[0]
    same = Taste.lately[0] > 1

    @tw.derived(Play.genre, *Taste.favourites)
    def known(genre, one, two, three):
        return (genre == one) | (genre == two) | (genre == three)


DAY = 86_400_000_000


def test_a_list_is_a_column_for_each_place() -> None:
    group = compile_declarations(Taste).groups[0]
    found = {feature.name: feature.value for feature in group.features}
    places = ["favourites_1", "favourites_2", "favourites_3", "lately_1", "lately_2"]
    assert list(found) == [*places, "median", "growth", "top"]
    first = found["favourites_1"]
    assert isinstance(first, ir.Aggregate)
    assert (first.op, first.n, first.place, first.exact_to, first.default) == ("top_k", 3, 1, 64, "none")
    assert first.text
    assert {feature.name for feature in group.features if feature.text} == set(places[:3])
    second = found["lately_2"]
    assert isinstance(second, ir.Aggregate)
    assert (second.op, second.n, second.place, second.window) == ("last_n", 2, 2, 0)
    median = found["median"]
    assert isinstance(median, ir.Aggregate)
    assert (median.q, median.exact_to, median.hop, median.delay) == (0.5, 256, DAY // 4, DAY)
    assert found["growth"] == ir.Call("div", (ir.Feature("", "lately_1"), ir.Feature("", "lately_2")))
    assert isinstance(found["top"], ir.Aggregate)


def test_a_view_reaches_a_list_by_group_and_by_lookup() -> None:
    view = compile_declarations(Row).views[0]
    found = {column.name: column for column in view.columns}
    assert list(found)[:3] == ["taste.favourites_1", "taste.favourites_2", "taste.favourites_3"]
    assert found["best_3"].value == ir.Feature("taste", "favourites_3")
    assert found["best_3"].text
    assert found["usual"].value == ir.Call("eq", (ir.Col(("genre",)), ir.Feature("taste", "favourites_1")))
    known = found["known"].value
    assert isinstance(known, ir.Derived)
    assert known.args[1:] == tuple(ir.Feature("taste", f"favourites_{i}") for i in (1, 2, 3))


def test_lists_have_places_and_names() -> None:
    assert repr(Taste.favourites) == "<3 columns Taste.favourites>"
    assert len(Taste.lately) == 2
    with pytest.raises(DefinitionError, match=r"Taste.lately> has no column \[2\]"):
        Taste.lately[2]
    reading = Taste(favourites_1="jazz", favourites_2=None, favourites_3=None, median=5.0)
    assert reading.favourites == ("jazz", None, None)
    assert "not named yet" in repr(tw.last_n(Play.minutes, 2))


def test_places_do_not_change_what_others_are_called() -> None:
    plain = ir.Aggregate("last", "Play", (("user",),), ir.Col(("genre",)), text=True)
    assert msgspec.json.decode(msgspec.json.encode(plain)).keys() == {"type", "op", "source", "keys", "value", "text"}


G = "class A(tw.Features, by=Card):\n    "


@pytest.mark.parametrize(
    ("code", "words", "hint"),
    [
        (G + "x = tw.top_k(Payment.country, 0)", "tw.top_k() gives 1 to 100 columns, not 0", "'30d'"),
        (G + "x = tw.last_n(Payment.amount, '30d')", "tw.last_n() gives 1 to 100 columns, not '30d'", "'30d'"),
        (G + "x = tw.quantile(Payment.amount, 95)", "takes q from 0 to 1, not 95", "q=0.5"),
        (G + "x = tw.quantile(Payment.country, 0.5)", "A.x: tw.quantile() can't take country", ""),
        (G + "x = tw.top_k(Payment.country, 3, '1d', exact_to=2)", "A.x: exact_to=2 is no whole number", "16"),
        (G + "x = tw.top_k(Payment.country, 3, '1d', wher=True)", "tw.top_k() has no option 'wher'", "where"),
        (G + "x = tw.last_n(Payment.amount, 3, default='a')", "A.x: default='a' does not fit", ""),
        (G + "x = tw.last_n(Payment, 3)", "A.x: tw.last_n() takes a column, not the whole Payment", ""),
        (
            G + "x = tw.last_n(Payment.amount, 2)\n    x_2 = tw.count(Payment)",
            "A.x: 'x_2' is a feature of its own, and one of <2 columns A.x>",
            "rename",
        ),
        (
            G + "x = tw.last_n(Payment.amount, 2)\n    y = x > 1",
            "'>' not supported",
            "",
        ),
        (
            G + "x = tw.last_n(Payment.amount, 2)\nclass V(tw.View, on=Payment):\n    y = Payment.amount > A.x",
            "V.y: <2 columns A.x> can't stand for one column",
            "favourites[0]",
        ),
        (
            G
            + "x = tw.last_n(Payment.amount, 2)\nclass V(tw.View, on=Payment):\n    y = A.x\n    y_1 = Payment.amount",
            "V: 'y' becomes several columns, and 'y_1' is there already",
            "rename",
        ),
    ],
)
def test_mistakes(load: Load, code: str, words: str, hint: str) -> None:
    with pytest.raises((DefinitionError, TypeError)) as error:
        load(code)
    assert words in str(error.value)
    assert hint in str(error.value)
