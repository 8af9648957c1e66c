"""What a model declares of parents and pickles: compiled, or refused where it stands."""

from __future__ import annotations

from typing import Any

import pytest
from lightgbm import LGBMClassifier

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest, ir
from tidewheel.errors import DefinitionError


class Sale(tw.Event):
    id: tw.Id
    amount: float


class Refund(tw.Event):
    sale: tw.Ref[Sale]
    amount: float


class SaleView(tw.View, on=Sale):
    amount = Sale.amount


def declared(**attributes: Any) -> ir.Model:
    label = attributes.pop("label", tw.happened(Refund, within="3d"))
    base = {"view": SaleView, "label": label, "estimator": LGBMClassifier(), "__module__": __name__}
    model = type("Back", (tw.Model,), base | attributes)
    return compile_declarations(Sale, Refund, SaleView, model).models[0]


def test_parents_are_part_of_a_declaration_s_hash() -> None:
    plain, begun = declared(), declared(init_from="Back@champion")
    taught = declared(teacher=tw.learner.teacher("Big@3", weight=0.7, temperature=2))
    assert begun.init_from == "Back@champion"
    assert taught.teacher == ir.Teacher("Big@3", 0.7, 2)
    assert declared(allow_pickle=True).allow_pickle
    assert len({digest(model) for model in (plain, begun, taught, declared(allow_pickle=True))}) == 4


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"init_from": "Back@"}, "'Back@' names no version"),
        ({"init_from": 3}, "3 names no version"),
        ({"teacher": "Big@3"}, "'Big@3' is no teacher"),
        ({"allow_pickle": "yes"}, "allow_pickle='yes'"),
    ],
)
def test_mistakes_are_told(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        declared(**attributes)


def test_a_number_has_no_temperature() -> None:
    teacher = tw.learner.teacher("Big@3", weight=0.5, temperature=2.0)
    with pytest.raises(DefinitionError, match="a temperature softens probabilities"):
        declared(teacher=teacher, label=tw.outcome(Refund.amount, within="3d"))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"weight": 1.5}, "weight=1.5"),
        ({"weight": True}, "weight=True"),
        ({"weight": 0.5, "temperature": 0.0}, "temperature=0.0"),
        ({"weight": 0.5, "temperature": float("inf")}, "temperature=inf"),
    ],
)
def test_a_teacher_has_a_share_and_a_temperature(how: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        tw.learner.teacher("Big@3", **how)
