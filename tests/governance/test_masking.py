"""Personal values are masked wherever values are shown to people."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.governance.bank import EMAIL, KEY, make, opened

from tidewheel.cli.main import cli
from tidewheel.definitions.projects.masking import MASK
from tidewheel.errors import SchemaError


def test_reasons_and_listings_show_no_personal_value(tmp_path: Path) -> None:
    folder = make(tmp_path / "bank")
    file = tmp_path / "bad.jsonl"
    file.write_text(
        f'{{"id": "p1", "card": "{KEY}", "shop": "s1", "amount": "much", "email": "{EMAIL}", "at": 5}}\n'
        f'{{"id": "p2", "card": ["{KEY}"], "shop": "s1", "amount": 1, "email": {{"is": "{EMAIL}"}}, "at": 5}}\n'
    )
    with opened(folder) as workspace:
        assert workspace.ingest(str(file), "Payment").quarantined == 2
        payment = workspace.project.declaration("Payment")
        with pytest.raises(SchemaError, match="amount: missing") as caught:
            workspace.append(payment(id="p3", card=KEY, shop="s1", amount=None, email=EMAIL))
        assert EMAIL not in str(caught.value)
        number = workspace.stores.log.bad_rows()[0].seq
    for arguments in (["list"], ["list", "--json"], ["show", str(number)], ["show", str(number), "--json"]):
        told = CliRunner().invoke(cli, ["-C", str(folder), "quarantine", *arguments], catch_exceptions=False).output
        assert "amount" in told
        assert [secret for secret in (KEY, EMAIL) if secret in told] == []
    assert MASK in told


def test_why_shows_no_personal_value(tmp_path: Path) -> None:
    folder = make(tmp_path / "bank")
    with opened(folder) as workspace:
        workspace.deploy("Screen")
        event = {"id": "p1", "card": KEY, "shop": "s1", "amount": 5.0, "email": EMAIL}
        workspace.decide("Screen", event)
        again = workspace.decide("Screen", {**event, "id": "p2"})
        told = workspace.why(again.decision_id)
    assert told.replay.equal
    assert told.inputs == {"id": "p2", "card": MASK, "shop": "s1", "amount": 5.0, "email": MASK}
    assert told.unit == MASK
    assert {state["key"] for state in told.states} == {MASK, "s1"}
    assert [secret for secret in (KEY, EMAIL) if secret in str(told)] == []
