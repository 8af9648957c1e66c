"""A real Dagster, in a virtual environment of its own, runs the job that is compiled for it."""

from __future__ import annotations

from pathlib import Path

from tests.bridges.compiled import command_line, run_there, two_nodes
from tests.shop import done, filled_shop

from tidewheel.bridges.orchestrators import dagster, training_pipeline

RUN = "import made; assert made.defs.resolve_job_def('shop').execute_in_process().success"
APART = {"DAGSTER_HOME": "", "DAGSTER_DISABLE_TELEMETRY": "true"}


def test_dagster_runs_the_nodes_in_order_and_a_failed_one_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    run_there(tmp_path, dagster(two_nodes(log, first_fails=True)), RUN, **APART)
    assert log.read_text().split() == ["train", "train", "deploy"]


def test_dagster_trains_and_deploys_by_the_command_line(tmp_path: Path) -> None:
    shop = filled_shop(tmp_path / "shop")
    text = dagster(training_pipeline("shop", str(shop), ["SentBack"], deploy="whole"))
    run_there(tmp_path, text, RUN, PATH=command_line(tmp_path), **APART)
    assert "SentBack@1" in done("status", "--json", folder=shop).out
    assert len(done("runs", "--json", folder=shop).json) == 1
