"""A real Airflow, in a virtual environment of its own, runs the DAG that is compiled for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.bridges.compiled import command_line, two_nodes
from tests.conftest import need_extra_venv
from tests.shop import done, filled_shop

from tidewheel.bridges.orchestrators import airflow, training_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give an Airflow with an empty database."""
    need_extra_venv("airflow")
    home = tmp_path / "airflow"
    (home / "dags").mkdir(parents=True)
    call(home, "db", "migrate")
    return home


def call(home: Path, *arguments: str, path: str = os.environ["PATH"]) -> None:
    """Run one command of Airflow's, with programs searched for on `path`."""
    told = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONPATH": "", "PATH": path}
    command = [str(need_extra_venv("airflow")), "-W", "ignore", "-m", "airflow", *arguments]
    ran = subprocess.run(command, env=os.environ | told, capture_output=True, text=True, timeout=280, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]


def run_dag(home: Path, text: str, path: str = os.environ["PATH"]) -> None:
    """Have Airflow take a DAG from its folder and run it once."""
    (home / "dags" / "made.py").write_text(text)
    call(home, "dags", "reserialize")
    call(home, "dags", "test", "shop", path=path)


def test_airflow_runs_the_nodes_in_order(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    run_dag(home, airflow(two_nodes(log)))
    assert log.read_text().split() == ["train", "deploy"]


def test_airflow_trains_and_deploys_by_the_command_line(home: Path, tmp_path: Path) -> None:
    shop = filled_shop(tmp_path / "shop")
    text = airflow(training_pipeline("shop", str(shop), ["SentBack"], deploy="whole"))
    run_dag(home, text, path=command_line(tmp_path))
    assert "SentBack@1" in done("status", "--json", folder=shop).out
