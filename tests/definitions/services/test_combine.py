"""Services whose score is made of several models, compiled: what is kept, and each mistake with its remedy."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.definitions.conftest import Load

from tidewheel.definitions import digest, ir, reachable
from tidewheel.errors import DefinitionError

MODELS = """
class Net(tw.Model):
    view = Row
    label = tw.happened(Chargeback, within="30d")


class Cost(tw.Model):
    view = Row
    label = tw.outcome(Chargeback.cost, within="30d")


class VisitRow(tw.View, on=Visit):
    minutes = Visit.minutes


class Both(tw.View, on=Payment):
    fraud = Fraud.score
    net = Net.score
    amount = Payment.amount


class Meta(tw.Model):
    view = Both
    label = tw.happened(Chargeback, within="30d")


"""


def service(score: str) -> str:
    return f"class S(tw.Service, on=Payment):\n    {score}\n"


def test_a_score_expression_is_taken_apart_into_scores_and_columns(load: Load) -> None:
    graph = load(MODELS + service("score = Fraud.score * Cost.score * Payment.amount + History.mean / 2")).graph
    found = next(node for node in graph.services if node.name == "S")
    assert found.model == "Fraud"
    assert found.members == ("Fraud", "Cost")
    assert found.score_view is not None
    assert [column.name for column in found.score_view.columns] == ["amount", "(History.mean / 2)"]
    assert found.combine is not None
    assert found.combine.expr == ir.Call(
        "add",
        (
            ir.Call("mul", (ir.Call("mul", (ir.Score("Fraud"), ir.Score("Cost"))), ir.Computed("amount"))),
            ir.Computed("(History.mean / 2)"),
        ),
    )


def test_a_service_reaches_its_members_and_what_their_views_read(load: Load) -> None:
    graph = load(MODELS + service("model = tw.combine.stack([Fraud, Net], by=Meta)")).graph
    part = reachable(graph, ["S"])
    assert [model.name for model in part.models] == ["Fraud", "Meta", "Net"]
    assert [view.name for view in part.views] == ["Both", "Row"]
    assert next(node for node in part.services if node.name == "S").model == "Meta"


def test_other_services_keep_their_digests(load: Load) -> None:
    alone, beside = load().graph, load(MODELS + service("model = tw.combine.weighted({Fraud: 0.5, Net: 0.5})")).graph
    digests = [next(digest(node) for node in graph.services if node.name == "Score") for graph in (alone, beside)]
    assert digests[0] == digests[1]


@given(st.lists(st.integers(1, 50), min_size=2, max_size=6))
def test_the_last_member_has_the_whole_deadline(shares: list[int]) -> None:
    names = tuple(f"M{number}" for number in range(len(shares)))
    for kind in ("weighted", "vote", "cascade", "stack"):
        for given_shares in ((), tuple(share / sum(shares) for share in shares)):
            ends = ir.Combine(kind, names, shares=given_shares).ends()  # type: ignore[arg-type]
            assert ends[-1] == 1.0
            assert all(0.0 < a <= b for a, b in pairwise(ends))


MISTAKES = [
    ("model = tw.combine.weighted({Fraud: 0.5, Net: 0.6})", "do not sum to 1: 0.5 + 0.6", "write {Fraud: 0.7"),
    ("model = tw.combine.weighted({Fraud: 1.5, Net: -0.5})", "not positive", "write {Fraud: 0.7"),
    ("model = tw.combine.weighted({Fraud: True, Net: 0.0})", "True is no number", "write one like 0.5"),
    ("model = tw.combine.weighted({Fraud: 1.0})", "fewer than two models", "write model = Fraud for one"),
    ("model = tw.combine.vote([Fraud, Fraud], at=0.5)", "a model is named twice", "once"),
    ("model = tw.combine.vote([Fraud, Row], at=0.5)", "is no model class", "name tw.Model classes"),
    ("model = tw.combine.vote([Fraud, Net], at={Fraud: 0.5})", "at= and the members are not the same", "in both"),
    ("model = tw.combine.cascade(Fraud, Net, unsure=(0.7, 0.3))", "is no interval", "lower score first"),
    (
        "model = tw.combine.cascade(Fraud, Net, unsure=(0.3, 0.7), shares={Fraud: 0.5, Net: 0.6})",
        "do not sum to 1",
        "write {Small: 0.2, Large: 0.8}",
    ),
    (
        "model = tw.combine.weighted({Fraud: 0.5, Cost: 0.5})",
        "Fraud and Cost tell different things: their labels differ",
        "score = Fraud.score * Cost.score",
    ),
    ("model = tw.combine.stack([Fraud, Cost], by=Meta)", "no column with the score of Cost", "cost = Cost.score"),
    (
        "model = tw.combine.stack([Fraud, Cost, Net], by=Meta)",
        "S.model: the view of Meta has no column with the score of Cost",
        "add one to Both",
    ),
    ("model = Fraud\n    score = Net.score", "both say what the score is", "remove one"),
    ("score = Payment.amount * 2", "made of no model's score", "name one: CTR.score"),
    ("score = Fraud.score > 0.5", "a score is a number, but (Fraud.score > 0.5) is bool", ""),
    ("score = Fraud.score * Visit.minutes", "Visit.minutes is not known for a row of Payment", ""),
    ("score = 0.5", "S.score: score = 0.5 is no expression", "CTR.score"),
    (
        "rules = [tw.rule('x', Fraud.score > 0.5, then='y')]\n    model = Fraud",
        "can't be part of an expression",
        "risk",
    ),
]


@pytest.mark.parametrize(("score", "words", "hint"), MISTAKES, ids=[score.split("\n")[0] for score, _, _ in MISTAKES])
def test_a_mistake_has_a_remedy(load: Load, score: str, words: str, hint: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load(MODELS + service(score))
    assert words in str(error.value)
    assert hint in str(error.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "class Wrong(tw.View, on=Visit):\n    fraud = Fraud.score\n    minutes = Visit.minutes\n",
            "Wrong: Fraud scores rows of Payment, and this view's are of Visit",
        ),
        (
            "class Shown(tw.Event):\n    payment: tw.Ref[Payment]\n    card: tw.Ref[Card]\n\n"
            "class Rows(tw.View, on=Payment, each=Shown.card):\n    fraud = Fraud.score\n",
            "Rows: Fraud.score is of an event, and not of an item of it",
        ),
        (
            "class Twice(tw.View, on=Payment):\n    double = Fraud.score * 2\n",
            "Twice.double: <column Fraud.score> can't be part of an expression here",
        ),
    ],
)
def test_a_chain_is_of_one_event_and_a_score_a_column_of_its_own(load: Load, code: str, words: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load(MODELS + code)
    assert words in str(error.value)


CIRCLE = """
class A(tw.Model):
    view = Row
    label = tw.happened(Chargeback, within="30d")


class OfA(tw.View, on=Payment):
    a = A.score


class B(tw.Model):
    view = OfA
    label = tw.happened(Chargeback, within="30d")


class OfB(tw.View, on=Payment):
    b = B.score


A.view = OfB
"""


def test_models_that_need_each_other_are_a_mistake(load: Load) -> None:
    with pytest.raises(
        DefinitionError, match=r"models that need each other: (A -> B -> A|B -> A -> B); break the circle"
    ):
        load(CIRCLE)
