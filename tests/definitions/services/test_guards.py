"""Guards as they are declared, and the mistakes in them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest, ir
from tidewheel.errors import DefinitionError


class Payment(tw.Event):
    id: tw.Id
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
    declared = compile_declarations(made, Payment, Chargeback, PaymentView, Fraud)
    return next(service for service in declared.services if service.name == "Made")


def test_guards_are_frozen_with_their_service() -> None:
    service = compiled(guards=[tw.guard.latency("20ms"), tw.guard.outcome(at_least=0.1)], cooldown="2h")
    assert service.guards == (
        ir.Guard("latency", 20_000.0, 0.01),
        ir.Guard("outcome", low=0.1),
    )
    assert service.cooldown == 7_200_000_000
    assert msgspec.json.decode(msgspec.json.encode(service), type=ir.Service) == service


def test_a_service_without_guards_is_what_it_was() -> None:
    written = msgspec.json.encode(compiled())
    assert b'"guards"' not in written
    assert b'"cooldown"' not in written
    assert digest(compiled()) != digest(compiled(guards=[tw.guard.fallbacks()]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: tw.guard.latency("20ms", percentile=100), "percentile"),
        (lambda: tw.guard.latency("fast"), "fast"),
        (lambda: tw.guard.fallbacks("many"), "share"),
        (lambda: tw.guard.divergence(2.0), "share"),
        (lambda: tw.guard.outcome(), "never fire"),
        (lambda: tw.guard.outcome(at_least=2.0, at_most=1.0), "nothing lies between"),
        (lambda: tw.guard.outcome(at_least=float("nan")), "no number"),
        (lambda: tw.guard.fallbacks(rows=0), "no whole number from 1 up"),
    ],
)
def test_mistakes_are_told_where_they_are_made(make: Callable[[], ir.Guard], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        make()


def test_what_a_service_can_not_be_guarded_by() -> None:
    with pytest.raises(DefinitionError, match="no guard"):
        compiled(guards=["p99"])
    rules = [tw.rule("large", Payment.amount > 1000, then="allow")]
    with pytest.raises(DefinitionError, match="the service has none"):
        compiled(guards=[tw.guard.fallbacks()], model=None, rules=rules, decide=tw.thresholds(allow=0.0))
