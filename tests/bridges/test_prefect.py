"""A real Prefect, in a virtual environment of its own, runs the flow that is compiled for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bridges.compiled import command_line, run_there, two_nodes
from tests.shop import done, filled_shop

from tidewheel.bridges.orchestrators import prefect, training_pipeline

RUN = "import made; made.pipeline()"


def run_flow(folder: Path, text: str, **told: str) -> None:
    """Have Prefect run a flow, with a server of its own that ends with it."""
    apart = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "200",
    }
    run_there(folder, text, RUN, **apart, **told)


def test_prefect_runs_the_nodes_in_order_and_a_failed_one_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    run_flow(tmp_path, prefect(two_nodes(log, first_fails=True)))
    assert log.read_text().split() == ["train", "train", "deploy"]


@pytest.mark.slow
def test_prefect_trains_and_deploys_by_the_command_line(tmp_path: Path) -> None:
    shop = filled_shop(tmp_path / "shop")
    text = prefect(training_pipeline("shop", str(shop), ["SentBack"], deploy="whole"))
    run_flow(tmp_path, text, PATH=command_line(tmp_path))
    assert "SentBack@1" in done("status", "--json", folder=shop).out
