"""Declaring expectations: what is frozen, and which mistakes are caught."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest, ir
from tidewheel.errors import DefinitionError

LIMIT = 3.0


class Payment(tw.Event):
    id: tw.Id
    amount: float
    tip: float | None
    country: tw.Category


class PaymentQuality(tw.expect.Suite, on=Payment):
    plausible = tw.expect.between(Payment.amount, 0, 1e6, policy="quarantine")
    known = tw.expect.in_set(Payment.country, ["SE", "NO"], tolerate=0.1)
    told = tw.expect.null_rate(Payment.tip, 0.5)
    order = tw.expect.increasing(Payment.at, by=Payment.country)
    alive = tw.expect.fresh("15min")
    usual = tw.expect.volume(0.2, 5)

    @tw.expect.check(Payment.amount, Payment.tip, policy="stop")
    def generous(amount, tip):  # type: ignore[no-untyped-def]  # arrays in, array out
        """Not too generous."""
        return np.isnan(tip) | (tip < LIMIT * amount)


def test_expectations_are_part_of_their_event_and_survive_the_wire() -> None:
    (source,) = compile_declarations(PaymentQuality).sources
    assert [e.name for e in source.expects] == ["alive", "generous", "known", "order", "plausible", "told", "usual"]
    by_name = {e.name: e for e in source.expects}
    assert by_name["known"] == ir.Expectation("known", "in_set", ("country",), tolerate=0.1, values=("NO", "SE"))
    assert by_name["order"].columns == ("at", "country")
    assert by_name["generous"].source.startswith("LIMIT = 3.0\nimport numpy as np\ndef generous(amount, tip):\n    ret")
    assert msgspec.json.decode(msgspec.json.encode(source), type=ir.Source) == source


def test_an_event_without_a_suite_keeps_its_digest() -> None:
    (source,) = compile_declarations(Payment).sources
    assert source.expects == ()
    assert b"expects" not in msgspec.json.encode(source)
    assert digest(source) != digest(compile_declarations(PaymentQuality).sources[0])


def suite(**expectations: object) -> type[tw.expect.Suite]:
    return type("Suite", (tw.expect.Suite,), expectations, on=Payment)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: suite(x=tw.expect.between(Payment.country, 0)), "between() is for float, int, time"),
        (lambda: suite(x=tw.expect.matches(Payment.amount, "a")), "matches() is for"),
        (lambda: suite(x=tw.expect.in_set(Payment.country, [1.0])), "1.0 can be no value of 'country'"),
        (lambda: suite(x=tw.expect.between(Payment.amount)), "no bound"),
        (lambda: suite(x=tw.expect.between(Payment.amount, 2, 1)), "no value lies between"),
        (lambda: suite(x=tw.expect.in_set(Payment.country, [])), "no values"),
        (lambda: suite(x=tw.expect.matches(Payment.country, "(")), "no regular expression"),
        (lambda: suite(x=tw.expect.unique()), "takes 1 to 64 columns"),
        (lambda: suite(x=tw.expect.null_rate(Payment.tip, 1.5)), "no share of rows"),
        (lambda: suite(x=tw.expect.null_rate(Payment.tip, 0.5, policy="quarantine")), "no single row is to blame"),  # type: ignore[arg-type]  # wrong
        (lambda: suite(x=tw.expect.between(Payment.amount, 0, policy="drop")), "no policy 'drop'"),  # type: ignore[arg-type]  # wrong
        (lambda: suite(x=tw.expect.volume(2, 1)), "no volume lies between"),
        (lambda: suite(x=Payment.amount), "'x' is no expectation"),
        (lambda: suite(x=tw.expect.between("amount", 0)), "'amount' is no column of Payment"),
        (lambda: suite(x=tw.expect.check(Payment.amount)(lambda a, b: a)), "takes 2 arguments, 1 columns"),
        (lambda: type("Suite", (tw.expect.Suite,), {}), "it is on nothing"),
    ],
)
def test_mistakes_are_told(make: object, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_declarations(make())  # type: ignore[operator]  # each is a function
    assert said in str(caught.value)
