from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tidewheel.definitions import Project, load_project

SHOP = """
from __future__ import annotations

import tidewheel as tw


class Card(tw.Entity):
    id: tw.Id
    issued_in: tw.Category
    limit: float | None


class Terminal(tw.Entity):
    id: tw.Id


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    terminal: tw.Ref[Terminal]
    second: tw.Ref[Terminal] | None
    amount: float
    items: int
    online: bool
    shop: tw.Key
    country: tw.Category
    since: datetime | None


class Chargeback(tw.Event):
    id: tw.Id
    payment: tw.Ref[Payment]
    cost: float


class Appeal(tw.Event):
    chargeback: tw.Ref[Chargeback]


class Visit(tw.Event):
    card: tw.Ref[Card]
    minutes: float


class History(tw.Features, by=Card):
    payments = tw.count(Payment, "1d")
    mean = tw.mean(Payment.amount, "30d")
    country = tw.last(Payment.country)


class Row(tw.View, on=Payment):
    amount = Payment.amount
    card = History


class Fraud(tw.Model):
    view = Row
    label = tw.happened(Chargeback, within="30d")


class Score(tw.Service, on=Payment):
    model = Fraud
    decide = tw.thresholds(allow=0.0, block=0.9)
""".replace("import tidewheel", "from datetime import datetime\nimport tidewheel", 1)

Load = Callable[..., Project]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a project made of the shop above (unless told otherwise) and some more lines."""

    def write(more: str = "", *, shop: str = SHOP, **files: str) -> Project:
        (tmp_path / "tidewheel.toml").write_text('project = "project.py"\n')
        (tmp_path / "project.py").write_text(shop + "\n\n" + textwrap.dedent(more))
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return load_project(tmp_path)

    return write
