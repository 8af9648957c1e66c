"""MLflow's client on an SQLite store: a run with parameters and metrics, a version, an alias, all read back.

Reads JSON on standard input: a folder, how many numbers, megabytes and runs. Prints JSON: milliseconds.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient


def track(client: MlflowClient, experiment: str, numbers: int, file: Path | None = None) -> None:
    """Record a run by the fewest calls that MLflow has for it."""
    run = client.create_run(experiment).info.run_id
    now = time.time_ns() // 1_000_000
    client.log_batch(
        run,
        metrics=[Metric(f"m{number}", number / 7, now, 0) for number in range(numbers)],
        params=[Param(f"p{number}", str(number)) for number in range(numbers)],
    )
    if file is not None:
        client.log_artifact(run, str(file))
    client.set_terminated(run)
    version = client.create_model_version("Fraud", f"runs:/{run}/model", run).version
    client.set_registered_model_alias("Fraud", "production", version)
    found = client.get_model_version_by_alias("Fraud", "production")
    again = client.get_run(found.run_id)
    assert (again.info.run_id, len(again.data.metrics), again.data.params["p49"]) == (run, numbers, "49")


def median_ms(run: Any, times: int, prepare: Any = lambda: None) -> float:
    taken = []
    for _ in range(times):
        prepare()
        began = time.perf_counter()
        run()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def main() -> None:
    given = json.loads(sys.stdin.read())
    folder = Path(given["folder"])
    folder.mkdir()
    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    experiment = client.create_experiment("bench", artifact_location=(folder / "artifacts").as_uri())
    client.create_registered_model("Fraud")
    file = folder / "model.bin"
    file.write_bytes(bytes(given["megabytes"] * 1_000_000))
    track(client, experiment, given["numbers"], file)
    said = {
        "version": mlflow.__version__,
        "track": median_ms(lambda: track(client, experiment, given["numbers"]), given["runs"]),
        "track_with_10_MB": median_ms(
            lambda: track(client, experiment, given["numbers"], file),
            given["runs"],
            lambda: file.write_bytes(os.urandom(file.stat().st_size)),
        ),
        "resolve_alias": median_ms(lambda: client.get_model_version_by_alias("Fraud", "production"), 50),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
