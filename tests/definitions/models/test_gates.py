"""Gates as they are declared, and the mistakes in them."""

from __future__ import annotations

import msgspec
import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest, ir
from tidewheel.errors import DefinitionError


class Card(tw.Entity):
    id: tw.Id


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    amount: float
    country: tw.Category


class Chargeback(tw.Event):
    payment: tw.Ref[Payment]


class History(tw.Features, by=Card):
    mean_7d = tw.mean(Payment.amount, "7d")


class PaymentView(tw.View, on=Payment):
    amount = Payment.amount
    country = Payment.country
    card = History


class Base(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    metrics = ["roc_auc", "brier"]


def compiled(**attributes: object) -> ir.Model:
    made = type("Made", (Base,), attributes)
    return next(model for model in compile_declarations(made, Card, Payment, Chargeback).models if model.name == "Made")


def test_the_old_names_are_the_same_gates() -> None:
    for name in ("at_least", "beats_champion", "parity", "p99_below"):
        assert getattr(tw.gate, name) is getattr(tw, name)


def test_gates_slices_and_blocks_are_frozen() -> None:
    model = compiled(
        slices=[PaymentView.country, PaymentView.card.mean_7d],
        blocks=Payment.card,
        gates=[tw.gate.ask("a@b", when=tw.gate.fair("country", ratio=0.8), expires="1d")],
    )
    assert model.slices == ("country", "card.mean_7d")
    assert model.blocks == "card"
    assert model.gates[0].approvers == ("a@b",)
    assert model.gates[0].expires == 86_400_000_000
    assert compiled(blocks="1h").blocks == "3600000000"
    assert tw.gate.memory_below("1.5KB").value == 1536.0


def test_a_gate_of_the_first_release_keeps_its_hash() -> None:
    text = digest(ir.Gate("at_least", "roc_auc", 0.6))
    assert text == digest(tw.at_least("roc_auc", 0.6))
    assert b"approvers" not in msgspec.json.encode(ir.Gate("at_least", "roc_auc", 0.6))


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"gates": [tw.at_least("", 0.3)]}, "names no metric"),
        ({"gates": [tw.at_least("roc_acu", 0.3)]}, "'roc_acu'.*did you mean 'roc_auc'"),
        ({"gates": [tw.gate.no_slice_worse("mae", by="country")]}, "'mae', which is not among the metrics"),
        ({"gates": [tw.gate.fair("county", ratio=0.8)]}, "'county', which is no column of PaymentView.*'country'"),
        ({"gates": ["parity"]}, "is no gate"),
        ({"slices": ["county"]}, "'county' is no column of PaymentView.*did you mean 'country'"),
        ({"blocks": Payment.card.id}, "a column of Payment itself"),
        ({"blocks": Card}, "a column of Payment, or a duration"),
    ],
)
def test_mistakes_in_a_model_are_named(attributes: dict[str, object], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        compiled(**attributes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tw.gate.fair("c"), "would pass anything"),
        (lambda: tw.gate.fair("c", "luck", ratio=0.8), "no group measure 'luck'"),
        (lambda: tw.gate.fair("c", ratio=1.2), "no share"),
        (lambda: tw.gate.ask(), "nobody is asked"),
        (lambda: tw.gate.ask("a", when=tw.gate.ask("b")), "ask several times"),
        (lambda: tw.gate.memory_below("300"), "is no size"),
        (lambda: tw.gate.latency_below("5ms", percentile=100), "not between 0 and 100"),
        (lambda: tw.gate.no_slice_worse("brier", by=[]), "names columns"),
        (lambda: tw.gate.no_slice_worse("brier", by="c", margin=-1), "below 0"),
        (lambda: tw.gate.no_slice_worse("brier", by="c", rows=0), "no whole number from 1 up"),
        (lambda: tw.gate.calibrated(0.1, bins=0), "no whole number from 1 up"),
    ],
)
def test_mistakes_in_a_gate_are_named(make: object, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        make()  # type: ignore[operator]  # one of the lambdas above
