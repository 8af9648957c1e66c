"""Make the catalog that this release writes, for later releases to upgrade: ``python make.py 0001``.

Run with the release itself, before its tables change. It leaves ``catalog-REVISION.sqlite`` and, from the PostgreSQL at
``TIDEWHEEL_TEST_POSTGRES``, ``catalog-REVISION.sql`` beside this file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tidewheel.definitions.ir import Graph, Service
from tidewheel.registry.alerts import raise_alert
from tidewheel.registry.pointers.deployments import canary, deploy
from tidewheel.registry.pointers.thresholds import set_thresholds
from tidewheel.registry.runs.datasets import Dataset, save_dataset
from tidewheel.registry.runs.runs import Lineage, Metric, Verdict, finish_run, log_step, start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import register
from tidewheel.runtime.due import Schedule
from tidewheel.runtime.schedule import claim, finish, register_job
from tidewheel.storage.catalog import Catalog

HERE = Path(__file__).parent
POSTGRES = os.environ.get("TIDEWHEEL_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")
NOW = 1_760_000_000_000_000
SCHEMA = "tidewheel_asset"
NOISE = ("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict")
SCORE = Service(
    name="Score", on="T", model="Fraud", rule_view=None, rules=(), thresholds=(("allow", 0.0), ("block", 0.9))
)


def fill(catalog: Catalog) -> None:
    """Write a bit of everything: runs done, failed and cut off, versions, a canary, a job, an alert."""
    metrics = [Metric("test", "average_precision", 0.61, 0.55, 0.66), Metric("baseline", "average_precision", 0.02)]
    gates = [Verdict("average_precision at least 0.3", True, "0.61", {"value": 0.61})]
    data = Dataset(digest="d" * 64, model="Fraud", view="v" * 64, rows=1200, as_of=NOW, detail={"columns": ["amount"]})
    save_dataset(catalog, data)
    for number in (1, 2):
        run = start_run(catalog, "Fraud", cause="by hand", who="ana", parameters={"seed": 0})
        log_step(catalog, run.id, "data", 1.5, "1200 rows")
        log_step(catalog, run.id, "learn", 2.5, "0 trials")
        lineage = Lineage(as_of=NOW, log_head=5000, dataset=data.digest, libraries={"numpy": "2.0"}, seed=0)
        finish_run(
            catalog, run.id, "done",
            parameters={"seed": 0, "threads": 2, "chosen": {}}, lineage=lineage, metrics=metrics, gates=gates,
            artifacts={"bundle": str(number) * 64},
        )  # fmt: skip
        register(
            catalog, "Fraud",
            run=run.id, bundle=str(number) * 64, view="v" * 64, definition="m" * 64,
            metrics=metrics, gates=gates, who="ana",
        )  # fmt: skip
    failed = start_run(catalog, "Fraud", who="ana")
    finish_run(catalog, failed.id, "failed", error="data: none of 3 rows can be trained on")
    start_run(catalog, "Fraud", who="ana", cause="its process was killed")
    deploy(catalog, "Score", "Fraud@1", freeze_service(catalog, SCORE, Graph()).digest, cause="first", who="ana")
    canary(catalog, "Score", "Fraud@2", 0.1, cause="weekly", who="loop")
    set_thresholds(catalog, "Score", {"block": 0.8}, declared=SCORE.thresholds, cause="fewer blocks", who="ana")
    register_job(catalog, "retrain Fraud", Schedule(every="weekly", at="02:00"))
    claim(catalog, "retrain Fraud", NOW, "keeper 1 #1")
    finish(catalog, "retrain Fraud", NOW, "done", "a challenger runs as canary")
    raise_alert(catalog, "Score", "drift", "amount", "amount moved", {"psi": 0.4})


def main(revision: str) -> None:
    """Write both files."""
    place = HERE / f"catalog-{revision}.sqlite"
    place.unlink(missing_ok=True)
    with Catalog.open(place, clock=lambda: NOW) as catalog:
        fill(catalog)
        with catalog.read() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with Catalog.open(POSTGRES, namespace=SCHEMA, clock=lambda: NOW) as catalog:
        fill(catalog)
    dump = subprocess.run(
        ["pg_dump", "--inserts", "--no-owner", "--no-privileges", f"--schema={SCHEMA}", POSTGRES],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    kept = [line for line in dump.splitlines() if line and not line.startswith(NOISE)]
    (HERE / f"catalog-{revision}.sql").write_text("\n".join(kept) + "\n")
    subprocess.run(["psql", "-q", POSTGRES, "-c", f"DROP SCHEMA {SCHEMA} CASCADE"], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
