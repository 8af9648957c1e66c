"""``tw.split`` and ``tw.sample`` become plain data; mistakes in them are told at load, with a remedy."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest, ir
from tidewheel.errors import DefinitionError

DAY = 86_400_000_000


class Card(tw.Entity):
    id: tw.Id
    limit: float


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    country: tw.Category
    amount: float


class Dispute(tw.Event):
    payment: tw.Ref[Payment]
    loss: float


class History(tw.Features, by=Card):
    spent_7d = tw.sum(Payment.amount, "7d")


class Row(tw.View, on=Payment):
    amount = Payment.amount
    country = Payment.country


def compiled(label: Any = None, **attributes: Any) -> ir.Model:
    body = {"view": Row, "label": label or tw.happened(Dispute, within="3d"), **attributes}
    model = type("Fraud", (tw.Model,), body)
    return compile_declarations(model).models[0]


def test_what_is_declared_is_what_is_kept() -> None:
    assert compiled().split == ir.Split(30 * DAY, 3 * DAY)
    assert compiled(split=tw.split.by_group(Card, test=0.3)).split == ir.Split(0, 0, "group", 0.3, ("card",))
    sliding = compiled(split=tw.split.sliding(folds=3, test="7d", train="60d", blocked_by=Payment.card)).split
    assert sliding == ir.Split(7 * DAY, 3 * DAY, "sliding", by=("card",), folds=3, train=60 * DAY)
    assert compiled(sample=tw.sample.keep(negatives=0.1)).sample == (ir.Sample("keep", (("0", 0.1), ("1", 1.0))),)
    steps = compiled(sample=[tw.sample.stratified(Payment.country, rows=5), tw.sample.weights("amount")]).sample
    assert steps == (ir.Sample("stratified", by=("country",), rows=5), ir.Sample("weights", column="amount"))


def test_a_model_without_them_keeps_its_hash() -> None:
    plain = compiled()
    assert digest(plain) == digest(compiled(split=tw.temporal(test="30d"), sample=[]))
    assert digest(plain) != digest(compiled(sample=tw.sample.balanced()))


def test_an_expression_over_anything_a_view_could_read_weighs_rows() -> None:
    weights = compiled(sample=tw.sample.weights(History.spent_7d / Payment.card.limit)).weights
    assert weights is not None
    assert [lookup.group for lookup in weights.lookups] == ["History"]
    assert len(weights.columns) == 1


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"split": 0.2}, "0.2 is no split"),
        ({"split": tw.split.temporal(test="7d", gap="1d")}, "gap is shorter than the label's horizon"),
        ({"split": tw.split.by_group(Payment.amount)}, "Payment.amount makes no groups"),
        ({"split": tw.split.by_group(Dispute.payment)}, "is no column of Payment"),
        ({"sample": 0.1}, "0.1 is no sampling"),
        ({"sample": tw.sample.weights("amuont")}, "names no column of Row"),
        ({"sample": tw.sample.weights("country")}, "Row.country is text"),
        ({"sample": tw.sample.weights(Payment.country)}, "a weight can't be text"),
        ({"sample": [tw.sample.weights(Payment.amount), tw.sample.weights(Payment.amount)]}, "two expressions"),
        ({"sample": tw.sample.stratified(Payment.card.limit, rows=5)}, "attribute of Card"),
    ],
)
def test_mistakes_are_told(attributes: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        compiled(**attributes)


def test_classes_are_not_sampled_where_the_label_is_a_number() -> None:
    number = tw.outcome(Dispute.loss, within="3d")
    for sample in (tw.sample.keep(negatives=0.1), tw.sample.balanced(), tw.sample.class_weights(positives=2)):
        with pytest.raises(DefinitionError, match="speaks of classes, and the label is a number"):
            compiled(number, sample=sample)
    assert compiled(number, sample=tw.sample.at_most(100)).sample[0].rows == 100


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: tw.sample.keep(negatives=0.0),
        lambda: tw.sample.keep(positives=1.5),
        lambda: tw.sample.stratified(Payment.country),
        lambda: tw.sample.at_most(0),
        lambda: tw.sample.class_weights(positives=-1.0),
        lambda: tw.sample.weights(True),
        lambda: tw.split.random(test=1.0),
        lambda: tw.split.expanding(folds=0, test="7d"),
    ],
)
def test_numbers_out_of_range_are_refused_where_they_stand(wrong: Any) -> None:
    with pytest.raises(DefinitionError) as error:
        wrong()
    assert error.value.remedy
