"""mypy --strict and pyright pass the examples without a plug-in, and catch a misspelt column."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = [ROOT / "examples" / name / "project.py" for name in ("fraud", "flights")]

GOOD = """
from __future__ import annotations

from datetime import datetime

import numpy as np

import tidewheel as tw


class Card(tw.Entity):
    id: tw.Id
    issued_in: tw.Category


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    gift: tw.Ref[Card, None]
    amount: float
    tip: float | None
    country: tw.Category
    online: bool


class Chargeback(tw.Event):
    payment: tw.Ref[Payment]
    reason: tw.Category | None


class History(tw.Features, by=Card):
    mean_30d = tw.mean(Payment.amount, "30d", where=(Payment.amount > 1) & (Payment.country == "SE"), by=Payment.card)
    tips = tw.sum(Payment.tip, "1d", where=tw.not_(Payment.online))
    n = tw.count(Chargeback, "1d", by=Chargeback.payment.card, hop="1h", delay="1h", default=1.0, was="m")
    last_country = tw.last(Payment.country, "3h")
    last_card = tw.last(Payment.gift, by=Payment.card)
    latest = tw.max(Payment.at, by=Payment.card)
    kinds = tw.distinct(Payment.gift, "7d", exact_to=100, by=Payment.card)
    share = (n + 0.1) / (mean_30d + 100)


class Row(tw.View, on=Payment):
    amount = Payment.amount
    issued_in = Payment.card.issued_in
    card = tw.lookup(History, Payment.card)
    over = Payment.amount / card.mean_30d
    same = Payment.country == card.last_country
    late = card.latest > Payment.at
    filled = tw.fill(Payment.tip, 0.0) > 1
    some = tw.isin(Payment.country, ["SE"]) & (card.n > 1)
    mixed = (Payment.amount > 1) & (card.n > 1)
    mine = Payment.gift == "c1"

    @tw.derived(Payment.country, card.last_country)
    def abroad(country: tw.Array, last: tw.Array) -> tw.Array:
        return country != last


class Model(tw.Model):
    view = Row
    label = tw.happened(Chargeback, within="30d", by=Chargeback.payment)
    search = {"a": tw.int_range(1, 2), "b": tw.log_range(0.1, 1), "c": tw.choice("x", "y")}
    metrics = ["brier", tw.precision_at(recall=0.5)]
    gates = [tw.at_least("brier", 0.3), tw.parity()]
    split = tw.temporal(test="30d")
    retrain = "weekly"


class Score(tw.Service, on=Payment):
    rules = [tw.rule("burst", History.n > 20, then="block"), tw.rule("big", Payment.amount > 9000, then="block")]
    model = Model
    decide = tw.thresholds(allow=0.0, block=0.95)
    prevents = ["block"]
    fallback = [tw.previous(Model), tw.table(by=Payment.card), tw.action("allow")]
    unit = Payment.card


payment = Payment(id="p", card="c", gift=None, amount=1, tip=None, country="SE", online=True, at=datetime.now())
Chargeback(payment="p", reason=None)
Card(id="c", issued_in="SE", at=5)
text: str = payment.card
moment: int | None = payment.at
gift: str | None = payment.gift
mean: float = History().mean_30d
country: str = History().last_country
Row.abroad.fn(np.array(["SE"]), np.array(["NO"]))
Row.card.mean_30d
"""

BAD = {
    "Payment.amout": "amout",
    "Row.card.mean_3d": "mean_3d",
    "Chargeback.payment.ammount": "ammount",
    "Chargeback.payment.card.issued": "issued",
    "payment.amout": "amout",
    "Payment(id='p')": "card",
    "Payment(id='p', card=5, gift=None, amount=1, tip=None, country='SE', online=True)": "card",
    "tw.sum(Payment.country)": "sum",
    "tw.count('Payment')": "count",
    "tw.mean(Payment.amount, wher=True)": "wher",
    "History.mean_3d": "mean_3d",
    "tw.lookup(History, Payment.card).mean_3d": "mean_3d",
    "tw.nothing": "nothing",
}


def tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        reason = f"{name} is not installed; python -m pip install {name}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def mypy(folder: Path, *files: Path) -> dict[str, list[str]]:
    """Return {line: messages} of mypy --strict."""
    command = [
        tool("mypy"),
        "--strict",
        "--no-error-summary",
        "--hide-error-context",
        "--cache-dir",
        str(folder / "cache"),
    ]
    config = ["--config-file", str(ROOT / "pyproject.toml")]
    done = subprocess.run([*command, *config, *map(str, files)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        match = re.match(r"[^:]+:(\d+): error: (.*)", line)
        if match:
            found.setdefault(match[1], []).append(match[2])
    return found


def pyright(folder: Path, *files: Path) -> dict[str, list[str]]:
    """Return {line: messages} of pyright."""
    command = [tool("pyright"), "--outputjson", "--pythonpath", sys.executable, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        reason = f"pyright did not run: {done.stderr.strip()[-300:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    found: dict[str, list[str]] = {}
    for item in report["generalDiagnostics"]:
        if item["severity"] == "error":
            found.setdefault(str(item["range"]["start"]["line"] + 1), []).append(item["message"])
    return found


CHECKERS = [mypy, pyright]


@pytest.mark.parametrize("check", CHECKERS)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_examples_pass(check: object, example: Path, tmp_path: Path) -> None:
    assert check(tmp_path, example) == {}  # type: ignore[operator]


@pytest.mark.parametrize("check", CHECKERS)
def test_good_code_passes_and_slips_are_caught(check: object, tmp_path: Path) -> None:
    file = tmp_path / "snippet.py"
    first = GOOD.count("\n") + 1
    file.write_text(GOOD + "\n".join(BAD) + "\n")
    found = check(tmp_path, file)  # type: ignore[operator]
    in_good = {line: messages for line, messages in found.items() if int(line) < first}
    assert in_good == {}
    for number, (code, word) in enumerate(BAD.items(), first):
        assert any(word in message for message in found.get(str(number), [])), f"{code} passes: {found}"
