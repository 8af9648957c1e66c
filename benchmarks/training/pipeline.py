"""What a run costs besides its work: six steps that do nothing, each change of state on disk before it is told.

Beside it bare SQLite: the same twelve changes, a transaction each, full sync. The goal is at most 100 ms.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from benchmarks.harness import medians, report

from tidewheel.registry.runs.runs import finish_run, start_run
from tidewheel.registry.runs.steps import step_records
from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.catalog import Catalog
from tidewheel.training.outputs import Outputs
from tidewheel.training.steps import Steps

STEPS, MOST_MS, RUNS = 6, 100.0, 15


def nothing() -> None:
    """Do no work."""


def run(catalog: Catalog, outputs: Outputs | None = None) -> str:
    """Run six steps; with `outputs` each leaves an artifact as well."""
    opened = start_run(catalog, "Nothing")
    steps = Steps(catalog, opened.id, outputs=outputs)
    for number in range(STEPS):
        steps.run(f"step {number}", nothing, key=f"{opened.id} {number}" if outputs else "")
    finish_run(catalog, opened.id, "done")
    return opened.id


def bare(connection: sqlite3.Connection) -> None:
    """Write each step's beginning and end, a transaction each."""
    for number in range(STEPS):
        connection.execute("INSERT INTO steps (step, status) VALUES (?, 'running')", (number,))
        connection.execute("UPDATE steps SET status = 'done' WHERE step = ? AND status = 'running'", (number,))


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE steps (step INTEGER, status TEXT)")
        with Catalog.open(folder / "catalog.sqlite") as catalog:
            outputs = Outputs(catalog, ArtifactStore.open(folder / "artifacts"))
            records = step_records(catalog, run(catalog))
            assert [record.status for record in records] == ["done"] * STEPS
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
            contestants = {
                "tidewheel, six steps": lambda: run(catalog),
                "tidewheel, six steps that leave something": lambda: run(catalog, outputs),
                "bare SQLite, twelve transactions": lambda: bare(connection),
            }
            times = {what: 1000 * seconds for what, seconds in medians(contestants, RUNS).items()}
        connection.close()
    ours, kept, theirs = times.values()
    print(f"six steps: {ours:.1f} ms; with an artifact each: {kept:.1f} ms; bare SQLite, full sync: {theirs:.1f} ms")
    figures = {"steps_ms": ours, "steps_with_artifacts_ms": kept, "sqlite_ms": theirs, "bare_over_ours": theirs / ours}
    report("training/pipeline", figures, {"100_ms_over_ours": MOST_MS / ours}, {"100_ms_over_ours": 1.0})


if __name__ == "__main__":
    main()
