"""Aggregates that count the row asked for: what they keep, and what is refused."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.definitions import canonical_aggregates, compile_declarations, ir, state_id
from tidewheel.errors import DefinitionError


class Card(tw.Entity):
    id: tw.Id


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    amount: float


class Refund(tw.Event):
    payment: tw.Ref[Payment]


def group(cls: type) -> ir.Group:
    return next(node for node in compile_declarations(cls).groups if not node.attributes)


def test_they_keep_what_is_kept_without() -> None:
    class A(tw.Features, by=Card):
        n = tw.count(Payment, "1h", include_request=True)
        last = tw.last(Payment.amount, default=0.0, include_request=True)
        mean = tw.mean(Payment.amount, "1d", include_request=True)
        spread = tw.var(Payment.amount, "1d", include_request=True)
        often = tw.top_k(Payment.amount, 2, "1d", include_request=True)

    class B(tw.Features, by=Card):
        renamed = tw.count(Payment, "1h", was="n")
        last = tw.last(Payment.amount)
        total = tw.sum(Payment.amount, "1d")
        values = tw.count(Payment, "1d", where=tw.not_(tw.transform.is_null(Payment.amount)))
        spread = tw.var(Payment.amount, "1d")
        often = tw.top_k(Payment.amount, 2, "1d")

    assert not any(aggregate.include_request for aggregate in canonical_aggregates(group(A)))
    assert state_id(group(A)) == state_id(group(B)), "neither names nor the request are part of a state"


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        (tw.count(Payment, "1d", delay="1h", include_request=True), "neither delay= nor past_cap="),
        (tw.count(Refund, "1d", include_request=True), "the row's own columns"),
        (tw.count(Payment, "1d", include_request=1), "neither True nor False"),
    ],
)
def test_what_is_refused(feature: object, words: str) -> None:
    class A(tw.Features, by=Card):
        x = feature

    with pytest.raises(DefinitionError) as error:
        compile_declarations(A)
    assert words in str(error.value)
