"""A service's cache as it is declared, and the mistakes in it."""

from __future__ import annotations

import msgspec
import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, ir
from tidewheel.errors import DefinitionError


class Card(tw.Entity):
    id: tw.Id


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    amount: float


class Chargeback(tw.Event):
    payment: tw.Ref[Payment]


class PaymentView(tw.View, on=Payment):
    amount = Payment.amount


class Fraud(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    metrics = ["roc_auc"]
    split = tw.temporal(test="3d")


class Base(tw.Service, on=Payment):
    model = Fraud
    decide = tw.thresholds(allow=0.0, block=0.9)


def compiled(**attributes: object) -> ir.Service:
    made = type(Base)("Made", (Base,), attributes, on=Payment)
    declared = compile_declarations(made, Card, Payment, Chargeback, PaymentView, Fraud)
    return next(service for service in declared.services if service.name == "Made")


def test_a_cache_is_frozen_with_its_service() -> None:
    assert compiled(cache=tw.cache()).cache == ir.Cache()
    service = compiled(cache=tw.cache("30s", by=Payment.card))
    assert service.cache == ir.Cache(30_000_000, ("card",))
    assert msgspec.json.decode(msgspec.json.encode(service), type=ir.Service) == service
    assert b'"cache"' not in msgspec.json.encode(compiled())


@pytest.mark.parametrize(
    ("cache", "said"),
    [
        ("30s", "is no cache"),
        (tw.cache("30s"), "both an age and a column"),
        (tw.cache(by=Payment.card), "both an age and a column"),
        (tw.cache("soon", by=Payment.card), "soon"),
        (tw.cache("30s", by=Payment.amount), "not a string"),
    ],
)
def test_what_a_service_can_not_keep_scores_by(cache: object, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        compiled(cache=cache)


def test_rules_alone_keep_no_scores() -> None:
    rules = [tw.rule("large", Payment.amount > 1000, then="allow")]
    with pytest.raises(DefinitionError, match="has no model"):
        compiled(cache=tw.cache(), model=None, rules=rules, decide=tw.thresholds(allow=0.0))
