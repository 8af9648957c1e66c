"""Track a run: 50 metrics, 50 parameters, register, move an alias, read it all back; beside MLflow on SQLite.

Both write the pointer with SQLite's full sync. With a 10 MB artifact hashing and the disk are the limit; both are given
a new file of chance bytes, written before the clock starts. What is read back is checked on both sides before anything
is timed.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import peers
from benchmarks.harness import report

from tidewheel.registry.pointers.environments import find_standing, promote
from tidewheel.registry.runs.runs import Metric, close_run, get_run, start_run
from tidewheel.registry.versions.versions import add_version, get_version
from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.catalog import Catalog

NUMBERS, RUNS, RESOLVES, MEGABYTES = 50, 15, 300, 10
GOALS = {"track": 30.0, "track_with_10_MB": 2.0, "resolve_alias": 100.0}


def track(catalog: Catalog, artifacts: ArtifactStore, file: Path | None = None) -> None:
    """Record a run, make a version of it, point production at it, and read all back."""
    run = start_run(catalog, "Fraud")
    left = {"model": artifacts.put(file)} if file else {}
    metrics = [Metric("test", f"m{number}", number / 7) for number in range(NUMBERS)]
    parameters = {f"p{number}": str(number) for number in range(NUMBERS)}
    with catalog.write() as connection:  # as a training does it: a version always has a whole run
        at = catalog.now()
        close_run(connection, run.id, "done", at=at, parameters=parameters, metrics=metrics, artifacts=left)
        version = add_version(connection, "Fraud", at=at, run=run.id, bundle="", metrics=metrics)
    promote(catalog, version, "production")
    standing = find_standing(catalog, "Fraud", "production")
    assert standing is not None
    again = get_run(catalog, get_version(catalog, f"Fraud@{standing.number}").run)
    assert (again.id, len(again.metrics), again.parameters["p49"]) == (run.id, NUMBERS, "49")


def median_ms(run: Callable[[], object], times: int, prepare: Callable[[], object] = lambda: None) -> float:
    """Return the median milliseconds of a call, each prepared before it."""
    taken = []
    for _ in range(times):
        prepare()
        began = time.perf_counter()
        run()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        artifacts = ArtifactStore.open(folder / "artifacts")
        with Catalog.open(folder / "catalog.sqlite") as catalog:
            track(catalog, artifacts)
            file = folder / "model.bin"
            ours = {
                "track": median_ms(lambda: track(catalog, artifacts), RUNS),
                "track_with_10_MB": median_ms(
                    lambda: track(catalog, artifacts, file),
                    RUNS,
                    lambda: file.write_bytes(os.urandom(MEGABYTES * 1_000_000)),
                ),
                "resolve_alias": median_ms(lambda: find_standing(catalog, "Fraud", "production"), RESOLVES),
            }
        given = {"folder": str(folder / "mlflow"), "numbers": NUMBERS, "megabytes": MEGABYTES, "runs": 5}
        theirs = peers.run("mlflow_track.py", given)
    for what, mine in ours.items():
        print(f"{what:<20} tidewheel {mine:9.3f} ms   MLflow {theirs['version']} {theirs[what]:9.3f} ms")
    figures = {f"{what}_ms": mine for what, mine in ours.items()} | {f"mlflow_{what}_ms": theirs[what] for what in ours}
    report("training/track", figures, {what: theirs[what] / mine for what, mine in ours.items()}, GOALS)


if __name__ == "__main__":
    main()
