"""A small bank with personal columns, in a folder: events in the log and the lake, decisions, quarantine."""

from __future__ import annotations

from pathlib import Path

import tidewheel as tw
from tidewheel.workspace import Workspace

PROJECT = """
from typing import Annotated

import tidewheel as tw


class Card(tw.Entity):
    id: Annotated[tw.Id, tw.personal]
    holder: Annotated[tw.Text, tw.personal]
    issued_in: tw.Category


class Shop(tw.Entity):
    id: tw.Id


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    shop: tw.Ref[Shop]
    amount: float
    email: Annotated[tw.Text, tw.personal] | None


class Dispute(tw.Event):
    id: tw.Id
    payment: tw.Ref[Payment]
    story: Annotated[tw.Text, tw.personal]


class CardHistory(tw.Features, by=Card):
    spent_7d = tw.sum(Payment.amount, "7d")


class ShopHistory(tw.Features, by=Shop):
    cards_7d = tw.distinct(Payment.card, "7d")
    payments_7d = tw.count(Payment, "7d")
    last_email = tw.last(Payment.email)
    disputes_7d = tw.count(Dispute, "7d")


class Screen(tw.Service, on=Payment):
    rules = [
        tw.rule("busy", CardHistory.spent_7d > 1000, then="hold"),
        tw.rule("strange", ShopHistory.cards_7d > 100, then="hold"),
        tw.rule("odd", (ShopHistory.last_email == "x") & (Payment.card.issued_in == "SE"), then="hold"),
    ]
    decide = tw.thresholds(go=0.0)
    unit = Payment.card
    deadline = "5s"
"""
KEY, HOLDER, EMAIL, STORY = "card-4242-xyz", "Annabella Quist", "annabella@quist.example", "it was not Annabella at all"
SECRETS = [text.encode() for text in (KEY, HOLDER, EMAIL, STORY)]


def make(folder: Path) -> Path:
    """Write the project."""
    folder.mkdir()
    (folder / "project.py").write_text(PROJECT)
    (folder / "tidewheel.toml").write_text('max_map = "64MB"\npartitions = 2\n')
    return folder


def card_of(k: int) -> str:
    return KEY if k % 5 == 0 else f"card-{k % 7}"


def fill(workspace: Workspace, folder: Path, rows: int = 60) -> list[str]:
    """Bring events in by file, in process and by decisions, some of them flushed; return the decisions' ids."""
    file = folder / "cards.jsonl"
    file.write_text(
        "".join(f'{{"id": "card-{k}", "holder": "Holder {k}", "issued_in": "SE", "at": {k + 1}}}\n' for k in range(7))
        + f'{{"id": "{KEY}", "holder": "{HOLDER}", "issued_in": "SE", "at": 9}}\n'
        + f'{{"id": "{KEY}", "holder": "{HOLDER}", "issued_in": "nowhere", "at": "never"}}\n'
    )
    workspace.ingest(str(file), "Card")
    made = []
    workspace.deploy("Screen")
    for k in range(rows):
        payment = {"id": f"p{k}", "card": card_of(k), "shop": f"s{k % 3}", "amount": float(k),
                   "email": EMAIL if card_of(k) == KEY else f"{k}@else.example"}  # fmt: skip
        if k % 3 == 0:
            workspace.append(workspace.project.declaration("Payment")(**payment))
        else:
            made.append(workspace.decide("Screen", payment).decision_id)
        if k == rows // 2:
            workspace.flush()
    dispute = workspace.project.declaration("Dispute")
    workspace.append([dispute(id="d0", payment="p5", story=STORY), dispute(id="d1", payment="p1", story="not theirs")])
    workspace.sync()
    return made


def files_with_secrets(data: Path) -> dict[str, list[str]]:
    """Return which files under a folder hold which of the secrets, byte for byte."""
    found = {}
    for path in sorted(data.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            hits = [secret.decode() for secret in SECRETS if secret in content]
            if hits:
                found[path.relative_to(data).as_posix()] = hits
    return found


def opened(folder: Path) -> Workspace:
    return tw.open(folder)
