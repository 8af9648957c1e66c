"""Trials on a cluster come out as they do here; one whose worker is killed is done again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import need_extra

from tidewheel.definitions.ir import Tune
from tidewheel.definitions.models.tuning import float_range
from tidewheel.engine import Engine
from tidewheel.training.tuning.search import Search, search
from tidewheel.training.tuning.watch import Watch


@pytest.fixture(scope="module", params=["ray", "pyspark"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Engine]:
    need_extra(request.param)
    engine = opened(request.param)
    yield engine
    engine.close()


def opened(package: str) -> Engine:
    if package == "ray":
        from tidewheel.engine.ray import RayEngine

        return RayEngine(cpus=2)
    from tidewheel.engine.spark import SparkEngine

    return SparkEngine(master="local[2,4]")  # a task may fail three times, as on a cluster


def found_by(engine: Engine | None, mark: str = "") -> Search:
    def objective(parameters: Mapping[str, Any], watch: Watch) -> float:
        if mark and not Path(mark).exists():
            Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        value = float((parameters["x"] - 1.0) ** 2)
        for step in range(1, 5):
            if watch.report(step, value + 5 - step):
                break
        return value

    how = Tune(trials=8, pruner="median", parallel=2)
    return search({"x": float_range(-4.0, 4.0)}, {}, objective, how=how, greater_is_better=False, seed=1, engine=engine)


def told(found: Search) -> list[Any]:
    return [(t.number, t.parameters, t.value, t.state, t.steps) for t in found.trials]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.slow
def test_the_same_trials_on_a_cluster(cluster: Engine, tmp_path: Path) -> None:
    here = told(found_by(None))
    assert told(found_by(cluster)) == here
    assert told(found_by(cluster, mark=str(tmp_path / "killed"))) == here
    assert (tmp_path / "killed").exists()
