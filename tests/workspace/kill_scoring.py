"""A scoring run in small slices that kills itself at a named place, for a test."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from tests.workspace import shop
from tests.workspace.kill_after import kill_after
from tests.workspace.shop import SHOP, Order

from tidewheel.features.replay.batch_files import JobFiles
from tidewheel.storage.lake.delta import Lake
from tidewheel.workspace.opening import open_workspace
from tidewheel.workspace.scores import score_jobs

if __name__ == "__main__":
    folder, point = sys.argv[1:]
    made = score_jobs.Batch

    def small(job: score_jobs.Job, folder: Path) -> score_jobs.Batch:
        return made(msgspec.structs.replace(job, rows=100), folder)

    score_jobs.Batch = small  # type: ignore[assignment, misc]  # many slices, so that there is much to be killed in
    with open_workspace(folder, SHOP) as ws:
        what, _, number = point.partition(" ")
        if what == "slice":
            kill_after(JobFiles, "write_cut", int(number))
        elif what == "commit":
            kill_after(Lake, "append", int(number))
        elif what == "finish":
            kill_after(JobFiles, "finish", 1)
        done = ws.score_run(Order, "SentBack@1", until=shop.START + 100 * shop.DAY + 1)
        (Path(folder) / "run.txt").write_text(done.run)
