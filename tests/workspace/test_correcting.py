"""Events of a declared workspace that are corrected: by a post, by a file, in time and too late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import tidewheel as tw
from tidewheel.collect.checking.checks import row_check
from tidewheel.definitions import compile_declarations
from tidewheel.errors import ConflictError, DefinitionError
from tidewheel.outcomes.labels import label_rows
from tidewheel.workspace import Workspace

HOUR = 3_600_000_000
T = 1_700_000_000_000_000


class Card(tw.Entity):
    id: tw.Id


class Payment(tw.Event, revisable="7d"):
    id: tw.Id
    card: tw.Ref[Card]
    amount: float
    revision: int | None


class Dispute(tw.Event):
    id: tw.Id
    payment: tw.Ref[Payment]


class Paid(tw.Features, by=Card):
    payments = tw.count(Payment, "30d")
    spent = tw.sum(Payment.amount, "30d")
    ever = tw.max(Payment.amount)


class Disputed(tw.Features, by=Card):
    disputes = tw.count(Dispute)
    worth = tw.sum(Dispute.payment.amount, "30d")


class PaymentView(tw.View, on=Payment):
    amount = Payment.amount
    card = Paid
    disputed = Disputed


class Gate(tw.Service, on=Payment):
    rules = [tw.rule("rich", Paid.spent > 100, then="stop")]
    decide = tw.thresholds(go=0.0)


class Watch(tw.Service, on=Payment):
    rules = [tw.rule("disputed", Disputed.worth > 100, then="stop")]
    decide = tw.thresholds(go=0.0)


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with tw.open(":memory:", [Card, Payment, Dispute, Paid, Disputed, PaymentView, Gate, Watch]) as opened:
        yield opened


def pay(id: str, card: str, amount: float, revision: int | None = None) -> Payment:
    return Payment(id=id, card=card, amount=amount, revision=revision)


def test_a_correction_moves_a_payment_to_another_card(workspace: Workspace) -> None:
    workspace.deploy("Gate")
    workspace.append([pay("a", "c1", 5.0), pay("b", "c1", 90.0)])
    assert workspace.read(Paid, card="c1").as_dict() == {"payments": 2, "spent": 95.0, "ever": 90.0}
    before = workspace.decide(Gate, {"id": "d1", "card": "c1", "amount": 1.0})
    workspace.sync()
    [outcome] = workspace.append(pay("b", "c2", 200.0, revision=1))
    assert (outcome.status, outcome.offset) == ("logged", 4)
    assert workspace.read(Paid, card="c1").as_dict() == {"payments": 2, "spent": 6.0, "ever": 5.0}
    assert workspace.read(Paid, card="c2").as_dict() == {"payments": 1, "spent": 200.0, "ever": 200.0}
    after = workspace.decide(Gate, {"id": "d2", "card": "c2", "amount": 1.0})
    assert (before.decision, after.decision) == ("go", "stop")
    assert workspace.append(pay("b", "c1", 1.0, revision=1))[0].status == "duplicate", "no higher revision"
    report = workspace.check_features(sample=0)
    assert (report.checked, report.differences) == (2, 0), "each is replayed as it was, before and after the correction"
    counters = workspace.log_status().counters["Payment"]
    assert (counters["logged"], counters["corrected"], counters["duplicates"]) == (5, 1, 1)
    rows = workspace.view(PaymentView)
    assert rows["_id"].to_pylist() == ["a", "b", "d1", "d2"]
    assert rows["amount"].to_pylist() == [5.0, 90.0, 1.0, 1.0], "each as it first became known"


def test_a_dispute_goes_by_what_its_payment_is_corrected_to(workspace: Workspace) -> None:
    workspace.deploy("Watch")
    disputes = [Dispute(id=f"d{n}", payment=payment) for n, payment in enumerate("aab")]
    workspace.append([pay("a", "c1", 60.0), *disputes])
    assert workspace.read(Disputed, card="c1").as_dict() == {"disputes": 2, "worth": 120.0}
    before = workspace.decide(Watch, {"id": "p1", "card": "c1", "amount": 1.0})
    workspace.append([pay("a", "c2", 70.0, revision=1), pay("b", "c2", 1.0)])
    assert workspace.read(Disputed, card="c1").as_dict() == {"disputes": 0, "worth": None}
    assert workspace.read(Disputed, card="c2").as_dict() == {"disputes": 3, "worth": 141.0}
    after = workspace.decide(Watch, {"id": "p2", "card": "c1", "amount": 1.0})
    assert (before.decision, after.decision) == ("stop", "go")
    workspace.sync()
    report = workspace.check_features(sample=0)
    assert (report.checked, report.differences) == (2, 0), "each is replayed as it was"


def ingest(workspace: Workspace, file: Path, *rows: tuple[str, str, float, int | str, int, int]) -> None:
    lines = ["id,card,amount,revision,at,known", *(",".join(map(str, row)) for row in rows)]
    file.write_text("\n".join(lines))
    workspace.ingest(str(file), Payment, arrived="known")


def test_corrections_in_files(workspace: Workspace, tmp_path: Path) -> None:
    day = 24 * HOUR
    ingest(
        workspace,
        tmp_path / "one.csv",
        ("a", "c1", 1.0, "", T, T),
        ("a", "c1", 2.0, 2, T, T + HOUR),
        ("a", "c1", 9.0, 1, T, T + 2 * HOUR),  # older than what is known: a duplicate
        ("b", "c1", 4.0, "", T, T + 2 * HOUR),
    )
    workspace.flush()
    ingest(workspace, tmp_path / "two.csv", ("a", "c2", 8.0, 3, T + HOUR, T + 7 * day))
    instants = [T + 1, T + HOUR, T + HOUR + 1, T + 3 * HOUR, T + 7 * day, T + 7 * day + 1]
    n = len(instants)
    asked = pa.table({"id": ["x"] * n, "card": ["c1"] * n, "amount": [0.0] * n, "revision": [None] * n, "at": instants})
    assert workspace.view(PaymentView, asked)["card.spent"].to_pylist() == [1.0, 1.0, 2.0, 6.0, 6.0, 4.0]
    assert workspace.view(PaymentView, asked, visibility="event")["card.spent"].to_pylist() == [4.0] * n
    assert workspace.read(Paid, card="c1", at=T + 8 * day).spent == 4.0
    assert workspace.read(Paid, card="c2", at=T + 8 * day).spent == 8.0
    assert workspace.read(Paid, card="c1").ever == 4.0
    assert workspace.log_status().counters["Payment"]["corrected"] == 2
    with pytest.raises(ConflictError, match="1 rows correct Payment longer after"):
        ingest(workspace, tmp_path / "three.csv", ("a", "c1", 8.0, 4, T, T + 7 * day + 1))


def test_a_revision_nobody_declared_is_refused_with_its_reason() -> None:
    [dispute] = [source for source in compile_declarations(Dispute).sources if source.name == "Dispute"]
    bad = row_check(dispute).check({"id": "a", "payment": "p", "revision": 1}, now=T)
    assert "no column 'revision'" in bad.reason  # type: ignore[union-attr]  # quarantined


def test_a_label_goes_by_the_newest_revision_known() -> None:
    class Loss(tw.Event, revisable="7d"):
        id: tw.Id
        payment: tw.Ref[Payment]
        amount: float
        revision: int | None

    class Model(tw.Model):
        view = PaymentView
        label = tw.outcome(Loss.amount, within="1d")

    graph = compile_declarations(Model)
    [source] = [source for source in graph.sources if source.name == "Loss"]
    rows = pa.table({"_id": ["p"], "_at": [T]})
    outcomes = pa.table(
        {
            "_id": ["l", "l"],
            "payment": ["p", "p"],
            "amount": [5.0, 7.0],
            "revision": [None, 1],
            "_at": [T + HOUR, T + HOUR],
            "_arrived": [T + HOUR, T + 50 * HOUR],
            "_offset": [1, 2],
        }
    )

    def labelled(as_of: int) -> list[float]:
        return label_rows(graph.models[0].label, {"Loss": source}, rows, {"Loss": outcomes}, as_of).y.tolist()

    found = [labelled(T + h * HOUR) for h in (50, 51)]
    assert found == [[5.0], [7.0]]


def test_what_a_revisable_event_needs() -> None:
    class NoRevision(tw.Event, revisable="7d"):
        id: tw.Id

    class NoId(tw.Event, revisable="7d"):
        revision: int

    class Brief(tw.Event, revisable="7d", keep="30d"):
        id: tw.Id
        card: tw.Ref[Card]
        revision: int | None

    class Complaint(tw.Event):
        id: tw.Id
        about: tw.Ref[Brief]

    class Gone(tw.Features, by=Card):
        complaints = tw.count(Complaint, "1d")

    for cls, words in (
        (NoRevision, "which revision"),
        (NoId, "needs an id"),
        (Gone, "of any age, and Brief is kept 30d"),
    ):
        with pytest.raises(DefinitionError, match=words):
            compile_declarations(cls)


def test_a_backfill_in_slices_takes_back_what_is_corrected(workspace: Workspace) -> None:
    rows = [pay("a", "c1", 5.0), Dispute(id="d", payment="a"), pay("b", "c1", 1.0), pay("a", "c2", 7.0, revision=1)]
    for row in [*rows, pay("c", "c1", 1.0), pay("e", "c2", 1.0)]:
        workspace.append(row)
    expected = workspace.view(PaymentView)
    assert workspace.backfill(PaymentView).rows == 4
    found = workspace.backfilled(PaymentView)
    assert found.select(expected.column_names).equals(expected)
    assert found["card.spent"].to_pylist() == [None, 5.0, 1.0, 7.0]
    assert found["disputed.worth"].to_pylist() == [None, 5.0, None, 7.0]
