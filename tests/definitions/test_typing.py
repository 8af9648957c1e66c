"""mypy --strict and pyright pass the examples without a plug-in, and catch a misspelt column."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ["fraud", "flights", "orders", "ads"]

GOOD = """
from __future__ import annotations

from datetime import datetime
from typing import Annotated

import numpy as np

import tidewheel as tw


class Card(tw.Entity, ttl="90d"):
    id: tw.Id
    issued_in: tw.Category


class Payment(tw.Event, keep="400d", owner="payments"):
    id: tw.Id
    email: Annotated[tw.Text | None, tw.personal]
    card: tw.Ref[Card]
    gift: tw.Ref[Card, None]
    amount: float
    tip: float | None
    country: tw.Category
    online: bool
    look: Annotated[tw.Vector, 8]


class Chargeback(tw.Event):
    payment: tw.Ref[Payment]
    reason: tw.Category | None


class History(tw.Features, by=Card, owner="risk"):
    mean_30d = tw.mean(Payment.amount, "30d", where=(Payment.amount > 1) & (Payment.country == "SE"), by=Payment.card)
    tips = tw.sum(Payment.tip, "1d", where=tw.not_(Payment.online))
    n = tw.count(Chargeback, "1d", by=Chargeback.payment.card, hop="1h", delay="1h", default=1.0, was="m")
    last_country = tw.last(Payment.country, "3h")
    last_card = tw.last(Payment.gift, by=Payment.card)
    latest = tw.max(Payment.at, by=Payment.card)
    look = tw.last(Payment.look, by=Payment.card)
    kinds = tw.distinct(Payment.gift, "7d", exact_to=100, by=Payment.card)
    share = (n + 0.1) / (mean_30d + 100)
    usual = tw.quantile(Payment.amount, 0.5, "30d", exact_to=64, by=Payment.card)
    countries = tw.top_k(Payment.country, 3, "30d", by=Payment.card)
    amounts = tw.last_n(Payment.amount, 2, by=Payment.card)
    gifts = tw.last_n(Payment.gift, 2, by=Payment.card)
    growth = amounts[0] / amounts[1]


class Row(tw.View, on=Payment):
    amount = Payment.amount
    issued_in = Payment.card.issued_in
    card = tw.lookup(History, Payment.card)
    over = Payment.amount / card.mean_30d
    same = Payment.country == card.last_country
    late = card.latest > Payment.at
    filled = tw.transform.fill(Payment.tip, 0.0) > 1
    some = tw.isin(Payment.country, ["SE"]) & (card.n > 1)
    mixed = (Payment.amount > 1) & (card.n > 1)
    alike = tw.transform.cosine(Payment.look, card.look) > 0.5
    look = Payment.look
    mine = Payment.gift == "c1"
    abroad_again = Payment.country == card.countries[0]
    all_countries = card.countries
    more = Payment.amount > card.amounts[1] + card.usual
    old = Payment.card.tw_age > 3600
    status = Payment.card.tw_status
    expired = Payment.card.tw_status == "expired"

    @tw.derived(Payment.country, card.last_country)
    def abroad(country: tw.Array, last: tw.Array) -> tw.Array:
        return country != last


class Model(tw.Model, owner="risk"):
    view = Row
    label = tw.happened(Chargeback, within="30d", by=Chargeback.payment)
    search = {"a": tw.int_range(1, 2), "b": tw.log_range(0.1, 1), "c": tw.tune.choice("x", "y")}
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


payment = Payment(
    id="p", email=None, card="c", gift=None, amount=1, tip=None, country="SE", online=True, look=[1], at=datetime.now()
)
Chargeback(payment="p", reason=None)
Card(id="c", issued_in="SE", at=5)
text: str = payment.card
moment: int | None = payment.at
gift: str | None = payment.gift
mean: float = History().mean_30d
country: str = History().last_country
countries: tuple[str | None, ...] = History().countries
amounts: tuple[float | None, ...] = History().amounts
newest: tw.transform.Column[str] = History.gifts[0]
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
    "Payment(id='p', email=None, card=5, gift=None, amount=1, tip=None, country='SE', online=True, look=[])": "card",
    "tw.sum(Payment.country)": "sum",
    "tw.count('Payment')": "count",
    "tw.mean(Payment.amount, wher=True)": "wher",
    "tw.top_k(Payment.country, '30d')": "top_k",
    "History.countries > 1": "ColumnList",
    "History.mean_3d": "mean_3d",
    "tw.lookup(History, Payment.card).mean_3d": "mean_3d",
    "tw.nothing": "nothing",
}


Found = dict[str, list[tuple[int, str]]]
"""{module: [(line, message), ...]}."""


def unavailable(reason: str) -> NoReturn:
    """Skip here; fail where everything must run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    return found or unavailable(f"{name} is not installed; python -m pip install {name}")


def mypy(folder: Path) -> Found:
    command = [tool("mypy"), "--strict", "--no-error-summary", "--hide-error-context", "--no-incremental"]
    config = ["--config-file", str(ROOT / "pyproject.toml")]
    done = subprocess.run([*command, *config, *map(str, sorted(folder.glob("*.py")))], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: Found = {}
    for line in done.stdout.splitlines():
        match = re.match(r".*?(\w+)\.py:(\d+): error: (.*)", line)
        if match:
            found.setdefault(match[1], []).append((int(match[2]), match[3]))
    return found


def pyright(folder: Path) -> Found:
    command = [tool("pyright"), "--outputjson", "--pythonpath", sys.executable, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        unavailable(f"pyright did not run: {done.stderr.strip()[-300:]}")
    found: Found = {}
    for item in report["generalDiagnostics"]:
        if item["severity"] == "error":
            entry = (item["range"]["start"]["line"] + 1, item["message"])
            found.setdefault(Path(item["file"]).stem, []).append(entry)
    return found


@pytest.fixture(scope="module", params=[mypy, pyright])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Give what a checker says about the examples and the snippet, from one run."""
    folder = tmp_path_factory.mktemp("checked")
    for name in EXAMPLES:
        shutil.copy(ROOT / "examples" / name / "project.py", folder / f"{name}.py")
    (folder / "snippet.py").write_text(GOOD + "\n".join(BAD) + "\n")
    result: Found = request.param(folder)
    return result


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_pass(found: Found, example: str) -> None:
    assert found.get(example, []) == []


def test_good_code_passes(found: Found) -> None:
    assert [entry for entry in found["snippet"] if entry[0] <= GOOD.count("\n")] == []


@pytest.mark.parametrize("code", BAD)
def test_slips_are_caught(found: Found, code: str) -> None:
    line = GOOD.count("\n") + 1 + list(BAD).index(code)
    assert any(BAD[code] in message for number, message in found["snippet"] if number == line), found["snippet"]
