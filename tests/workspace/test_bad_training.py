"""Data that nothing can be learned from, and versions in a bad way: each told, and nothing left half done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor

import tidewheel as tw
from tidewheel.errors import ConflictError, CorruptError, DefinitionError, TrainingError
from tidewheel.registry.pointers.pointers import find_deployment
from tidewheel.registry.runs.runs import list_runs
from tidewheel.workspace import Workspace

DAY = 86_400_000_000
START = 1_700_000_000_000_000 // DAY * DAY


class Payment(tw.Event):
    id: tw.Id
    amount: float | None
    token: tw.Category


class Dispute(tw.Event):
    id: tw.Id
    payment: tw.Ref[Payment]
    loss: float | None


class Row(tw.View, on=Payment):
    amount = Payment.amount
    token = Payment.token


class Fraud(tw.Model):
    view = Row
    label = tw.happened(Dispute, within="2d")
    estimator = LGBMClassifier(n_estimators=5, min_child_samples=5, verbose=-1)
    split = tw.temporal(test="10d")
    metrics = ["roc_auc"]
    gates: Any = []


class Loss(Fraud):
    label = tw.outcome(Dispute.loss, within="2d")
    estimator = LGBMRegressor(n_estimators=5, min_child_samples=5, verbose=-1)
    metrics = ["rmse"]


class Calibrated(Fraud):
    calibrate = tw.isotonic()


class Screen(tw.Service, on=Payment):
    model = Fraud
    decide = tw.thresholds(go=0.0, hold=0.5)
    fallback = [tw.action("go")]


DECLARED = [Payment, Dispute, Row, Fraud, Calibrated, Loss, Screen]


@contextmanager
def shop(
    folder: Path, rows: int, dispute: Callable[[int], float | bool | None], *, put_aside: int = 0, **columns: Any
) -> Iterator[Workspace]:
    """Open a workspace with payments over forty days; `dispute` says of each what it lost, or False for none.

    So many of the disputes are no rows, and are quarantined.
    """
    at = [START + k * 40 * DAY // rows for k in range(rows)]
    made = {
        "id": [f"p{k}" for k in range(rows)],
        "amount": pa.array([float(k % 13) for k in range(rows)]),
        "token": [f"t{k % 5}" for k in range(rows)],
        **columns,
    }
    lost = [(k, dispute(k)) for k in range(rows)]
    back = [(k, loss) for k, loss in lost if loss is not False]
    with tw.open(":memory:", DECLARED) as workspace:
        assert _ingest(workspace, folder, Payment, made, at) == 0
        if back:
            told = {
                "id": [f"d{k}" for k, _ in back],
                "payment": [f"p{k}" for k, _ in back],
                "loss": pa.array([loss for _, loss in back], pa.float64()),
            }
            assert _ingest(workspace, folder, Dispute, told, [at[k] + DAY // 2 for k, _ in back]) == put_aside
        yield workspace


def _ingest(workspace: Workspace, folder: Path, event: type[tw.Event], columns: dict[str, Any], at: list[int]) -> int:
    """Bring rows in; return how many were quarantined."""
    file = folder / f"{event.__name__}.parquet"
    pq.write_table(pa.table({**columns, "at": pa.array(at, pa.timestamp("us", "UTC"))}), file)
    return workspace.ingest(str(file), event).quarantined


def refused(workspace: Workspace, model: str, match: str) -> None:
    """Check that a training ends with an error, as a failed run without a version."""
    with pytest.raises(TrainingError, match=match):
        workspace.train(model)
    run = list_runs(workspace.stores.catalog, model)[0]
    assert run.status == "failed"
    assert run.error
    assert workspace.versions() == []
    assert find_deployment(workspace.stores.catalog, "Screen") is None


def sixth(k: int) -> float | bool:
    return float(k % 7) if k % 6 == 0 else False


def test_a_label_of_one_class(tmp_path: Path) -> None:
    with shop(tmp_path, 300, lambda k: False) as workspace:
        refused(workspace, "Fraud", "all 210 labels of the train rows are 0")


def test_ten_rows(tmp_path: Path) -> None:
    with shop(tmp_path, 10, lambda k: 1.0 if k % 2 else False) as workspace:
        refused(workspace, "Calibrated", "7 train rows are too few to hold some out: 20 of each class are needed")


def test_features_that_are_all_null(tmp_path: Path) -> None:
    with shop(tmp_path, 300, sixth, amount=pa.nulls(300, pa.float64()), token=["t"] * 300) as workspace:
        refused(workspace, "Fraud", "all 2 columns are null or the same on all 210 train rows")


def test_labels_that_are_null_are_left_out_and_counted_and_no_numbers_do_not_come_in(tmp_path: Path) -> None:
    def loss(k: int) -> float | bool | None:
        return (None, float("nan"), False)[k % 4] if k % 4 < 3 else float(k % 7)

    with shop(tmp_path, 400, loss, put_aside=100) as workspace:
        counts = workspace.train(Loss).counts
        assert counts["labelled"] == 100
        assert sum(counts[why] for why in counts if why not in ("rows", "labelled", "train", "test", "gap")) == 300
    with shop(tmp_path, 400, lambda k: None) as workspace:
        refused(workspace, "Loss", "none of 400 Payment rows can be trained on")


def test_every_row_a_category_of_its_own(tmp_path: Path) -> None:
    rows = 12_000
    with shop(tmp_path, rows, sixth, token=[f"token {k}" for k in range(rows)]) as workspace:
        (finding,) = workspace.train(Fraud).findings
        assert (finding.kind, finding.column, finding.level) == ("like an id", "token", "warning")


def test_a_gate_that_names_no_metric() -> None:
    broken = type("Broken", (Fraud,), {"gates": [tw.at_least("", 0.5)]})
    with pytest.raises(DefinitionError, match="the gate at_least names no metric"):
        tw.open(":memory:", [*DECLARED, broken])


def test_versions_in_a_bad_way(tmp_path: Path) -> None:
    with shop(tmp_path, 300, sixth) as workspace:
        for seed in (0, 1):
            workspace.train(Fraud, seed=seed)
        workspace.deploy("Fraud@1")
        with pytest.raises(ConflictError, match="Screen"):
            workspace.delete_version("Fraud@1")
        assert workspace.version("Fraud@1")[0].number == 1
        bundle = workspace.stores.artifacts.get(workspace.version("Fraud@2")[0].bundle)
        bundle.chmod(0o644)
        bundle.write_bytes(b"something else")
        with pytest.raises(CorruptError):
            workspace.deploy("Fraud@2")
        standing = find_deployment(workspace.stores.catalog, "Screen")
        assert standing is not None
        assert (standing.champion, standing.challenger) == ("Fraud@1", "")
