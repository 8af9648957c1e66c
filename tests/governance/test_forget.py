"""An entity is erased everywhere, byte for byte; what is left still answers, and parity says what it passes over."""

from __future__ import annotations

import json
import time
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from tests.governance.bank import EMAIL, HOLDER, KEY, PROJECT, STORY, card_of, files_with_secrets, fill, make, opened

from tidewheel.errors import BusyError, InputError, NotFoundError
from tidewheel.registry.models.plain import read_plain
from tidewheel.registry.runs.runs import get_run
from tidewheel.registry.runs.steps import step_records
from tidewheel.storage.scores import put_scores
from tidewheel.workspace import Workspace


def test_nothing_of_it_remains_in_any_file(tmp_path: Path) -> None:
    folder = make(tmp_path / "bank")
    with opened(folder) as workspace:
        decisions = fill(workspace, tmp_path)
        data = workspace.stores.layout.root
        assert {hit for hits in files_with_secrets(data).values() for hit in hits} == {KEY, HOLDER, EMAIL, STORY}
        before = workspace.check_features(sample=0)
        assert before.equal
        assert (before.checked, before.redacted) == (len(decisions), 0)
        stored = pa.table({"email": [EMAIL], "_offset": [1], "_arrived": [1]})
        workspace.stores.lake.append("features/PaymentView-0", stored, position=("backfill", 1))
        scored = pa.table({"entity": [KEY], "instant": [1], "score": [0.5], "_offset": [1], "_arrived": [1]})
        workspace.stores.lake.append("scores/Fraud", scored, position=("score:1", 1))
        writer = workspace.stores.scores.writer(0)
        assert put_scores(writer, "Fraud", 1, "Card", "0" * 16, scored) == 1
        writer.close()
        table = workspace.stores.artifacts.put(msgspec.json.encode({"scores": {KEY: 0.5, "card-1": 0.25}}))
        report = workspace.forget(f"Card={KEY}")
        assert report.clean, str(report)
        assert (report.counts["lake: stored rows of views"], report.counts["artifacts"]) == (2, 1)
        kept = workspace.stores.artifacts.read(workspace.stores.artifacts.current(table))
        assert msgspec.json.decode(kept) == {"scores": {"card-1": 0.25}}
        assert report.rows == {"Card": 1, "Dispute": 1, "Payment": 12}
        assert report.counts["log: quarantine"] == 1
        assert report.counts["lake: decisions"] >= 8
        assert files_with_secrets(data) == {}

        after = workspace.check_features(sample=0)
        assert after.equal, after.first_difference
        assert (after.checked + after.redacted, after.redacted > 8) == (len(decisions), True)
        assert [entry.rows for entry in workspace.erasures()] == [report.rows]
        payments = {row["_id"]: row["card"] for row in workspace.history.scan("Payment", ["card"]).to_pylist()}
        assert payments == {f"p{k}": None if card_of(k) == KEY else card_of(k) for k in range(60)}
        assert workspace.read("ShopHistory", shop="s0").payments_7d == 20
        assert workspace.read("CardHistory", card=KEY).spent_7d is None

        answer = workspace.decide("Screen", {"id": "new", "card": "card-1", "shop": "s0", "amount": 1.0, "email": None})
        assert workspace.why(answer.decision_id).replay.equal
        told = [workspace.why(decision) for decision in decisions]
        assert [secret for secret in (KEY, EMAIL) if secret in str(told)] == []
        again = workspace.forget(f"Card={KEY}")
        assert (again.clean, again.rows) == (True, {})


def test_a_second_opening_refuses_it(tmp_path: Path) -> None:
    folder = make(tmp_path / "bank")
    with opened(folder) as workspace, opened(folder) as other:
        _ = other.stores.log
        with pytest.raises(BusyError, match="others have it open"):
            workspace.forget(f"Card={KEY}")
        other.close()
        with pytest.raises(NotFoundError, match="no entity 'Cart'"):
            workspace.forget("Cart=c42")
        with pytest.raises(InputError, match="names no entity"):
            workspace.forget("c42")


TRAINED = (
    PROJECT
    + """
from sklearn.neighbors import KNeighborsClassifier


@tw.pipeline.step()
def seen(rows):
    return rows


class Row(tw.View, on=Payment):
    amount = Payment.amount


class Disputed(tw.Model):
    view = Row
    label = tw.happened(Dispute, within="1d")
    estimator = KNeighborsClassifier()
    split = tw.temporal(test="10d")
    metrics = ["roc_auc"]
    steps = [seen]
"""
)
HOUR = 3_600_000_000


def test_what_steps_of_trainings_left_goes_too(tmp_path: Path) -> None:
    folder = make(tmp_path / "bank")
    (folder / "project.py").write_text(TRAINED)
    start = time.time_ns() // 1000 - 100 * 24 * HOUR
    payments, disputes = tmp_path / "payments.jsonl", tmp_path / "disputes.jsonl"
    with payments.open("w") as one, disputes.open("w") as two:
        for k in range(120):
            at = start + 6 * k * HOUR
            row = {"id": f"p{k}", "card": card_of(k), "shop": "s", "amount": float(k % 7), "email": EMAIL, "at": at}
            one.write(json.dumps(row) + "\n")
            if k % 4 == 0:
                told = {"id": f"d{k}", "payment": f"p{k}", "story": STORY, "at": at + HOUR}
                two.write(json.dumps(told) + "\n")
    with opened(folder) as workspace:
        workspace.ingest(str(payments), "Payment")
        workspace.ingest(str(disputes), "Dispute")
        run = workspace.train("Disputed").run_id
        catalog, data = workspace.stores.catalog, workspace.stores.layout.root
        left = {step.step for step in step_records(catalog, run) if step.output}
        assert {"data", "fit", "seen"} <= left
        assert len([name for name in files_with_secrets(data) if name.startswith("artifacts")]) >= 2
        assert workspace.forget(f"Card={KEY}").clean
        assert [step.step for step in step_records(catalog, run) if step.output] == []
        assert [name for name, hits in files_with_secrets(data).items() if KEY in hits] == []
        rows = read_plain(workspace.stores.artifacts.read(_now(workspace, run, "step seen")))
        assert KEY not in rows["card"].to_pylist()
        assert rows.num_rows == 120
        again = workspace.train("Disputed")
        assert {step.step for step in step_records(catalog, again.run_id) if step.reused} == set()


def _now(workspace: Workspace, run: str, name: str) -> str:
    return workspace.stores.artifacts.current(get_run(workspace.stores.catalog, run).artifacts[name])
