"""Several models in one score, through a workspace: trained, deployed as line-ups, decided, reported, checked."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.workspace.shop import history

import tidewheel as tw
from tidewheel.definitions import ir
from tidewheel.errors import ConflictError, NotFoundError
from tidewheel.outcomes import COLUMNS, Joined
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.models.scoring import score_words
from tidewheel.registry.pointers.deployments import Deployment, get_deployment
from tidewheel.registry.versions.versions import get_version
from tidewheel.rollout import RetrainLoop, Steering
from tidewheel.rollout.drift import of_member
from tidewheel.rollout.shadow import lineup_scores, shadow_scores
from tidewheel.training.fit.scoring import bundle_scores
from tidewheel.training.transfer.chains import learned_rows
from tidewheel.workspace import Workspace
from tidewheel.workspace.rollouts.loop import WorkspaceLoop

DAY = 86_400_000_000
EXAMPLE = Path(__file__).parents[2] / "examples" / "orders"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("orders") / "orders"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".tidewheel"))
    (folder / "tidewheel.toml").write_text('project = "project.py"\nport = 0\nmax_map = "256MB"\n')
    with tw.open(folder) as opened:
        for name, events in zip(("Customer", "Order", "Return"), history(orders=900), strict=True):
            _ingest(opened, name, events, folder)
        for model in ("Quick", "Thorough", "Judge"):
            opened.train(model)
        opened.train("Thorough", seed=7)
        yield opened


def _ingest(workspace: Workspace, name: str, events: list[Any], folder: Path) -> None:
    names = [name for name in ("id", "tier", "customer", "order", "category", "amount") if hasattr(events[0], name)]
    columns = {name: [getattr(event, name) for event in events] for name in names}
    columns["at"] = pa.array([event.at for event in events], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    workspace.ingest(str(folder / f"{name}.parquet"), name)


def order(number: object, amount: float = 60.0) -> dict[str, object]:
    """An order of a customer without any before it, so that what was decided before changes nothing."""
    return {"id": f"new-{number}", "customer": f"of {number}", "category": "toys", "amount": amount}


def test_a_model_of_scores_learns_from_rows_that_theirs_did_not(workspace: Workspace) -> None:
    catalog, artifacts = workspace.stores.catalog, workspace.stores.artifacts
    manifest = load_bundle(artifacts, get_version(catalog, "Judge@1").bundle).manifest
    assert [(link.model, link.version) for link in manifest.inner] == [("Quick", "Quick@1"), ("Thorough", "Thorough@1")]
    assert all(link.bundle == get_version(catalog, link.version).bundle for link in manifest.inner)
    known = np.union1d(*(learned_rows(catalog, artifacts, link.version) for link in manifest.inner))
    mine = learned_rows(catalog, artifacts, "Judge@1")
    assert mine.size > 50
    assert not np.isin(mine, known).any()
    run = workspace.run_story("Judge@1").run
    assert run.lineage.rows["learned by Quick@1"] > 300
    assert run.lineage.parents == {"score of Quick": "Quick@1", "score of Thorough": "Thorough@1"}


def test_a_score_column_is_what_the_pinned_version_gives(workspace: Workspace) -> None:
    rows = workspace.view("Judge@1")
    shown = workspace.view("Thorough@1")
    assert rows["thorough"].null_count == 0
    assert rows.num_rows == shown.num_rows
    newest = workspace.view("Both")
    assert newest["quick"].equals(rows["quick"])
    assert not newest["thorough"].equals(rows["thorough"]), "of Thorough@2, which a training would pin now"


def test_a_first_lineup_names_every_member(workspace: Workspace) -> None:
    with pytest.raises(ConflictError, match=r"Mean also needs a version of Thorough; .*Quick@1\+Thorough@1"):
        workspace.deploy("Quick@1", service="Mean")
    with pytest.raises(ConflictError, match=r"deploy them together: tidewheel deploy Quick@1\+Judge@1\+Thorough@1"):
        workspace.deploy("Quick@1+Judge@1")
    with pytest.raises(NotFoundError, match="no service 'Mean' with the model Judge and Quick"):
        workspace.deploy("Quick@1+Judge@1", service="Mean")


def scored(workspace: Workspace, service: str, number: object) -> tuple[float, dict[str, float | None]]:
    """Decide an order; return the score and its stages', once all of it replays."""
    answer = workspace.decide(service, order(number))
    assert not answer.fallback, answer.reason
    told = workspace.why(answer.decision_id)
    assert told.replay.equal, told.replay
    assert told.replay.score_equal
    assert answer.score is not None
    return answer.score, {stage.name: stage.score for stage in told.stages}


def test_line_ups_are_deployed_decide_move_and_are_reported(workspace: Workspace) -> None:
    for service in ("Mean", "Majority", "Thrifty", "Loss"):
        lineup = "Thorough@1" if service == "Loss" else "Quick@1+Thorough@1"
        workspace.deploy(lineup, service=service)
    workspace.deploy("Quick@1+Thorough@1+Judge@1", service="Stacked")
    workspace.deploy("Judge@1", service="Chained")
    mean, of = scored(workspace, "Mean", "mean")
    quick, thorough = of["Quick"], of["Thorough"]
    assert quick is not None
    assert thorough is not None
    assert mean == pytest.approx(0.25 * quick + 0.75 * thorough)
    assert scored(workspace, "Majority", "vote")[0] == ((quick >= 0.5) + (thorough >= 0.5)) / 2
    assert scored(workspace, "Thrifty", "cascade")[0] == (thorough if 0.2 <= quick <= 0.8 else quick)
    assert scored(workspace, "Loss", "loss")[0] == pytest.approx(60.0 * thorough)
    stacked, chained = scored(workspace, "Stacked", "stack")[0], scored(workspace, "Chained", "chain")[0]
    assert stacked == chained

    assert {d.service for d in workspace.deploy("Thorough@2")} == {"Mean", "Majority", "Thrifty", "Loss", "Stacked"}
    assert get_deployment(workspace.stores.catalog, "Mean").champion == "Quick@1+Thorough@2"
    assert get_deployment(workspace.stores.catalog, "Stacked").champion == "Quick@1+Thorough@2+Judge@1"
    moved = scored(workspace, "Stacked", "stack 2")[1]["Thorough"]
    assert moved == scored(workspace, "Mean", "mean 2")[1]["Thorough"] != thorough
    assert scored(workspace, "Chained", "chain 2")[0] == chained, "a chain stays as it was trained"
    assert workspace.rollback("Mean")[0].champion == "Quick@1+Thorough@1"

    report = workspace.report("Mean")
    assert "Quick@1+Thorough@1" in str(report)
    found = workspace.check_features()
    assert (found.differences, found.skipped) == (0, 0)
    assert found.checked > 10
    with pytest.raises(ConflictError, match="Mean serves it"):
        workspace.delete_version("Quick@1")


def test_a_chain_is_scored_in_batch_as_its_service_decides(workspace: Workspace) -> None:
    workspace.deploy("Judge@1", service="Chained")
    answers = [workspace.decide("Chained", order(f"batch {number}", 10.0 + number)) for number in range(5)]
    workspace.sync()
    decided = [workspace.serving.find(answer.decision_id) for answer in answers]
    found = workspace.score("Order", "Judge@1", since=min(record.arrived for record in decided))
    scores = dict(zip(found["event_id"].to_pylist(), found["score"].to_pylist(), strict=True))
    assert scores == {answer.event_id: answer.score for answer in answers}
    inner = {row["event_id"]: row["score"] for row in workspace.scores("Quick").to_pylist()}
    for record in decided:
        assert inner[record.event_id] == {stage.name: stage.score for stage in record.stages}["Quick"]
    assert set(workspace.scores("Thorough")["model"].to_pylist()) == {"Thorough@1"}, "the one that it was trained on"


def test_a_chain_in_batch_gives_what_it_was_trained_with(workspace: Workspace) -> None:
    done = workspace.score_run("Order", "Judge@1", until=1_900_000_000_000_000)
    found = workspace.scores("Judge", done.run)
    bundle = load_bundle(workspace.stores.artifacts, get_version(workspace.stores.catalog, "Judge@1").bundle)
    expected = bundle_scores(bundle, workspace.view("Judge@1"))
    assert found["score"].to_pylist() == expected.tolist()
    assert workspace.score_run("Order", "Judge@1", until=1_900_000_000_000_000).already


class Weeks(WorkspaceLoop):
    """The workspace two weeks on: what was decided has had its outcomes, where `right` scored more than `wrong`."""

    right = wrong = ""

    def now(self) -> int:
        return super().now() + 15 * DAY

    def joined(self, service: ir.Service, since: int, columns: Sequence[str] = COLUMNS, model: str = "") -> Joined:
        found = super().joined(service, since, columns)
        if not self.right:
            return found
        version, rows = get_deployment(self.catalog, service.name).service_version, found.decisions["decision_id"]
        records = self.decisions(service.name, since, self.now())
        records = records.take(pc.index_in(rows, value_set=records["decision_id"].combine_chunks()))
        right, wrong = (lineup_scores(self, version, lineup, records) for lineup in (self.right, self.wrong))
        label = (right - wrong > np.median(right - wrong)).astype(np.float64)
        return Joined(found.decisions, label, found.weight, np.zeros(label.size, np.int8))


def test_a_retrained_member_is_a_canary_and_judged_with_its_line_up(workspace: Workspace) -> None:
    view, policy = Weeks(workspace), ir.Retrain("monthly", 0.5, 0.25, 3 * DAY, "", 0.0)
    models = [msgspec.structs.replace(m, retrain=policy if m.name == "Thorough" else None) for m in view.graph.models]
    mean = workspace.service("Mean")
    view.graph = msgspec.structs.replace(view.graph, models=tuple(models), services=(mean,))
    workspace.deploy("Quick@1+Thorough@2", service="Mean")
    loop = RetrainLoop(view)
    assert loop.look_for_drift(mean) == []
    assert loop.retrain("Thorough", "monthly")
    deployment = get_deployment(workspace.stores.catalog, "Mean")
    assert deployment.champion == "Quick@1+Thorough@2"
    challenger = deployment.challenger
    assert challenger.startswith("Quick@1+Thorough@")
    for number in range(220):
        asked = order(f"canary {number}", amount=5.0 + number % 110) | {"category": ("toys", "shoes")[number // 110]}
        workspace.decide("Mean", asked)
    workspace.sync()
    view.right, view.wrong = deployment.champion, challenger
    worse = loop._judge(mean, policy, deployment, view.joined(mean, deployment.since))
    assert worse.verdict == "rollback", worse
    view.right, view.wrong = view.wrong, view.right
    judged = loop.watch(mean)
    assert judged is not None
    assert judged.verdict == "promote", judged
    assert get_deployment(workspace.stores.catalog, "Mean").champion == challenger


def test_a_member_s_row_is_its_own(workspace: Workspace) -> None:
    workspace.deploy("Quick@1+Thorough@1", service="Mean")
    answer = workspace.decide("Mean", order("a row"))
    view = workspace.loop_view()
    lately = view.joined(workspace.service("Mean"), 0, (*COLUMNS, "stages"))
    told = {stage.name: stage for stage in workspace.why(answer.decision_id).stages}
    for model, stage in told.items():
        own = of_member(lately, f"{model}@1")
        (row,) = own.decisions.filter(pc.equal(own.decisions["decision_id"], answer.decision_id)).to_pylist()
        assert (row["model"], row["score"]) == (stage.model, stage.score)
        bundle = view.bundle(row["model"])
        words = np.frombuffer(row["features"], "<f8").reshape(1, -1)
        assert score_words(bundle, words)[0] == stage.score


def test_a_shadow_of_a_line_up_scores_what_it_would_have_answered(workspace: Workspace) -> None:
    workspace.deploy("Quick@1+Thorough@1", service="Mean")
    workspace.deploy("Thorough@2", service="Loss")
    workspace.deploy("Thorough@2", service="Mean", shadow=True)
    deployment = get_deployment(workspace.stores.catalog, "Mean")
    assert (deployment.champion, deployment.challenger) == ("Quick@1+Thorough@1", "Quick@1+Thorough@2")
    expected = {}
    for number in range(5):
        asked = order(f"shadow {number}", amount=20.0 + 30 * number)
        answer, loss = workspace.decide("Mean", asked), workspace.decide("Loss", asked)
        workspace.sync()
        quick = next(stage.score for stage in workspace.why(answer.decision_id).stages if stage.name == "Quick")
        assert quick is not None
        assert loss.score is not None
        expected[answer.decision_id] = 0.25 * quick + 0.75 * loss.score / (20.0 + 30 * number)
    view, until = workspace.loop_view(), time.monotonic() + 60
    while len(found := _shadows(view, deployment)) < len(expected):
        assert time.monotonic() < until, "the shadow did not score what was answered"
        Steering(view).step(workspace.service("Mean"))
    assert found == pytest.approx(expected, abs=1e-12)


def _shadows(view: WorkspaceLoop, deployment: Deployment) -> dict[str, float]:
    return {row["decision_id"]: row["score"] for row in shadow_scores(view, deployment).to_pylist()}
