"""How a search goes is declared with `tw.tune.search`; old declarations keep their hashes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest, ir
from tidewheel.errors import DefinitionError


def compiled(**attributes: Any) -> ir.Model:
    class Payment(tw.Event):
        id: tw.Id
        amount: float

    class Chargeback(tw.Event):
        payment: tw.Ref[Payment]

    class PaymentView(tw.View, on=Payment):
        amount = Payment.amount

    given = {"view": PaymentView, "label": tw.happened(Chargeback, within="3d"), **attributes}
    return compile_declarations(type("Fraud", (tw.Model,), given)).models[0]


SPACE = {"num_leaves": tw.int_range(2, 9)}


def test_its_number_of_trials_counts() -> None:
    model = compiled(
        search=SPACE, trials=7, tune=tw.tune.search(trials=50, pruner="median", patience=15, limit="10min")
    )
    assert model.trials == 50
    assert model.tune == ir.Tune(50, "tpe", "median", 15, 1, 600_000_000)
    assert msgspec.json.decode(msgspec.json.encode(model), type=ir.Model) == model


def test_a_model_without_it_keeps_its_hash() -> None:
    model = compiled(search=SPACE, trials=7)
    assert model.tune is None
    assert "tune" not in msgspec.to_builtins(model)
    assert digest(model) != digest(compiled(search=SPACE, tune=tw.tune.search(trials=7)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sampler": "annealing"}, "no sampler 'annealing'"),
        ({"pruner": "mean"}, "no pruner 'mean'"),
        ({"trials": 0}, "trials=0"),
        ({"parallel": 1.5}, "parallel=1.5"),
        ({"patience": -1}, "patience=-1"),
    ],
)
def test_what_it_refuses(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        tw.tune.search(**wrong)


def test_nothing_to_tune() -> None:
    with pytest.raises(DefinitionError, match="nothing to tune"):
        compiled(tune=tw.tune.search())
    with pytest.raises(DefinitionError, match="no way to tune"):
        compiled(search=SPACE, tune=50)
