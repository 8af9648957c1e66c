"""Who owns a declaration, how long its rows are kept, and which columns are personal."""

from __future__ import annotations

from typing import Annotated

import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest, ir, state_id
from tidewheel.errors import DefinitionError


class Card(tw.Entity, owner="cards"):
    id: Annotated[tw.Id, tw.personal]
    holder: Annotated[tw.Text | None, tw.personal]


class Payment(tw.Event, keep="90d", owner="payments"):
    id: tw.Id
    card: tw.Ref[Card]
    amount: float
    email: Annotated[tw.Text, tw.personal] | None
    income: Annotated[float, tw.personal]


class Lately(tw.Features, by=Card, owner="risk"):
    spent = tw.sum(Payment.amount, "30d")


def test_marks_and_owners_reach_the_graph() -> None:
    graph = compile_declarations(Lately)
    card, payment = graph.sources
    assert [column.name for column in payment.columns if column.personal] == ["card", "email", "income"]
    assert payment.column("email") == ir.Column("email", "text", None, True, personal=True)
    assert payment.column("income") == ir.Column("income", "float", personal=True)
    assert [column.personal for column in card.columns] == [True, True]
    assert card.column("holder") == ir.Column("holder", "text", None, True, personal=True)
    assert (payment.keep, payment.owner, card.owner) == (90 * 86_400_000_000, "payments", "cards")
    assert graph.groups[0].owner == "risk"


def test_an_owner_changes_no_digest_and_no_state() -> None:
    group = compile_declarations(Lately).groups[0]
    nobody = ir.Group(**{name: getattr(group, name) for name in group.__struct_fields__ if name != "owner"})
    assert nobody.owner == ""
    assert (digest(nobody), state_id(nobody)) == (digest(group), state_id(group))


def test_rows_outlive_the_windows_that_count_them() -> None:
    class Longer(tw.Features, by=Card):
        spent = tw.sum(Payment.amount, "90d")

    with pytest.raises(DefinitionError, match=r"Longer looks back 9\dd, and Payment is kept 90d"):
        compile_declarations(Longer)

    class Ever(tw.Features, by=Card):
        spent = tw.sum(Payment.amount)

    with pytest.raises(DefinitionError, match="Ever looks back without end"):
        compile_declarations(Ever)


def test_an_event_id_is_never_personal() -> None:
    class Visit(tw.Event):
        id: Annotated[tw.Id, tw.personal]

    with pytest.raises(DefinitionError, match="can't be personal"):
        compile_declarations(Visit)
