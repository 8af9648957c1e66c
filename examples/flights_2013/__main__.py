"""``make demo``: the whole loop on every flight that left New York in 2013.

History to the end of August trains version 1. September to December is replayed in time order
through the running HTTP service; outcomes arrive when they did; challengers are trained, gated,
canaried, judged.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import socket
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import uvloop
from examples.flights_2013 import summary as told
from examples.flights_2013.prepare import DAY, instant, read_events
from examples.flights_2013.replay import Replayed, replay
from examples.flights_2013.server import running
from examples.flights_2013.told import ToldProgress
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import tidewheel as tw
from tidewheel.monitoring.page import render

HERE = Path(__file__).parent
SPLIT = instant(2013, 9, 1)
AFTERWARDS = 3 * DAY
"""How long after the last flight the report is made, so that its outcomes are known."""


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo-run"), help="where the workspace is made anew")
    parser.add_argument("--until", default="2014-01-01", help="replay flights before this day")
    arguments = parser.parse_args()
    until = instant(*map(int, arguments.until.split("-")))
    began = time.monotonic()
    with _progress() as progress:
        live = _prepare(arguments.folder, until, progress)
        _learn(arguments.folder, progress)
        replayed = _serve(arguments.folder, live, progress)
        summary = _report(arguments.folder, replayed, began, progress)
    told.show(summary)
    print(f"wrote {arguments.folder}/report.html and demo-summary.json")


def _progress() -> Progress:
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return ToldProgress(*columns, TimeRemainingColumn(), refresh_per_second=3)


def _prepare(folder: Path, until: int, progress: Progress) -> dict[str, pa.Table]:
    """Make an empty workspace with the history in files; return what will happen live."""
    task = progress.add_task("reading the year's flights and weather", total=1)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("project.py", "tidewheel.toml"):
        shutil.copy(HERE / name, folder)
    events = read_events()
    for name, table in events.before(SPLIT).items():
        pq.write_table(table, folder / f"{name}.parquet")
    progress.advance(task)
    live = events.since(SPLIT)
    return {name: table.filter(pc.less(table["at"], until)) for name, table in live.items()}


def _learn(folder: Path, progress: Progress) -> None:
    """Take the history in, train version 1 and deploy it."""
    with tw.open(folder) as workspace:
        workspace.advance(SPLIT)
        files = sorted(folder.glob("*.parquet"), key=lambda path: path.stem != "Flight")
        task = progress.add_task("ingesting history to the end of August", total=len(files))
        for file in files:
            workspace.ingest(str(file), file.stem)
            progress.advance(task)
        task = progress.add_task("folding it into features", total=1)
        workspace.sync()
        progress.advance(task)
        task = progress.add_task("training version 1", total=1.0)

        def training(stage: str, share: float) -> None:
            progress.update(task, description=f"training version 1: {stage}")

        trained = workspace.train("Late", progress=training)
        progress.update(task, completed=1.0, description=f"training {trained.version}")
        workspace.deploy(trained.version, cause="first version")


def _serve(folder: Path, live: dict[str, pa.Table], progress: Progress) -> Replayed:
    """Replay the rest of the year through ``tidewheel up``."""
    task = progress.add_task("starting the service", total=1)
    port = _free_port()
    with running(folder, port):
        progress.advance(task)
        task = progress.add_task("replaying September to December", total=live["Flight"].num_rows)
        shown = time.monotonic()

        def advanced(done: int, total: int) -> None:
            nonlocal shown
            if done == total or time.monotonic() - shown > 0.2:
                shown = time.monotonic()
                progress.update(task, completed=done)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(replay(live, "127.0.0.1", port, "Delays", "Flight", advanced))


def _report(folder: Path, replayed: Replayed, began: float, progress: Progress) -> dict[str, object]:
    """Judge what was served by what came, and write the page and the summary."""
    task = progress.add_task("replaying decisions, writing the report", total=3)
    with tw.open(folder) as workspace:
        workspace.advance(workspace.stores.clock.now() + AFTERWARDS)
        report = workspace.report("Delays", by="month")
        progress.advance(task)
        (folder / "report.html").write_text(render(workspace.report("Delays", by="week")))
        progress.advance(task)
        whole = workspace.report("Delays", by="month", versions=False)
        summary = told.summarize(workspace, report, whole, replayed, time.monotonic() - began)
        progress.advance(task)
    told.write_json(summary, Path("demo-summary.json"))
    return summary


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
