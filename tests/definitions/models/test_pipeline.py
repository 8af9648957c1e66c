"""``tw.pipeline`` becomes plain data; steps stand in an order in which they can run, and mistakes are told at load."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest, ir
from tidewheel.errors import DefinitionError


class Payment(tw.Event):
    id: tw.Id
    amount: float


class Dispute(tw.Event):
    payment: tw.Ref[Payment]


class Row(tw.View, on=Payment):
    amount = Payment.amount


@tw.pipeline.step()
def shares(test: Any, least: float = 0.5) -> Any:
    return {"positives": test}


@tw.pipeline.step(after="gates", retries=2, wait="2s")
def report(shares: Any, metrics: Any) -> None:
    return None


def compiled(**attributes: Any) -> ir.Model:
    body = {"view": Row, "label": tw.happened(Dispute, within="3d"), **attributes}
    return compile_declarations(type("Fraud", (tw.Model,), body)).models[0]


def test_steps_stand_where_they_can_run_whatever_the_order_of_declaration() -> None:
    pipeline = compiled(steps=[report, shares]).pipeline
    assert pipeline is not None
    assert pipeline.steps == (
        ir.Step("shares", "data", ("test",)),
        ir.Step("report", "gates", ("shares", "metrics"), 2, 2_000_000),
    )


def test_a_model_without_them_keeps_its_hash() -> None:
    assert digest(compiled()) == digest(compiled(steps=[], limits=None))
    assert compiled().pipeline is None
    assert compiled(limits=tw.pipeline.limits(memory="1.5GB")).pipeline == ir.Pipeline((), ir.Limits(0, 3 << 29))


def test_a_step_is_still_a_function() -> None:
    assert shares(3) == {"positives": 3}


@tw.pipeline.step()
def loop(other: Any) -> None:
    return None


@tw.pipeline.step()
def other(loop: Any) -> None:
    return None


@tw.pipeline.step(after="data")
def early(scores: Any) -> None:
    return None


@tw.pipeline.step(after="register")
def late(scores: Any) -> None:
    return None


@tw.pipeline.step()
def misspelt(scors: Any) -> None:
    return None


@tw.pipeline.step()
def nowhere() -> None:
    return None


@tw.pipeline.step(after="data")
def fit() -> None:
    return None


@pytest.mark.parametrize(
    ("steps", "match"),
    [
        ([loop, other], "loop, other wait for each other"),
        ([early], r"early comes after data, and 'scores' is made in evaluate; write after=\"evaluate\""),
        ([late], "late comes after 'register', which is no step"),
        ([misspelt], "asks for 'scors', which nothing makes; did you mean 'scores'"),
        ([nowhere], "nowhere takes nothing; say after="),
        ([fit], "there is a 'fit' in the pipeline already"),
        ([shares, shares], "there is a 'shares' in the pipeline already"),
        ([print], "is no step"),
    ],
)
def test_what_can_not_run(steps: list[Any], match: str) -> None:
    with pytest.raises(DefinitionError, match=match):
        compiled(steps=steps)


def test_mistakes_in_the_declaration() -> None:
    with pytest.raises(DefinitionError, match="limits nothing"):
        tw.pipeline.limits()
    with pytest.raises(DefinitionError, match="no size"):
        tw.pipeline.limits(memory="much")
    with pytest.raises(DefinitionError, match="limits nothing"):
        compiled(limits="30min")
    with pytest.raises(DefinitionError, match="retries=-1"):
        tw.pipeline.step(retries=-1)
    with pytest.raises(DefinitionError, match="after='to fit'"):
        tw.pipeline.step(after="to fit")
    with pytest.raises(DefinitionError, match="takes what has no name"):
        tw.pipeline.step()(lambda *rows: None)
    with pytest.raises(DefinitionError, match="is no function"):
        tw.pipeline.step()(print)
