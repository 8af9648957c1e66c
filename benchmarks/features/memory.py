"""A backfill of a long history in bounded memory: peak resident memory and rate, history made on the spot.

Payments of a million cards, one event in ten of one hot card, are put into the lake as an import of history.
A process of its own then makes a view's rows for the last hundredth of them: every event is folded, in ten
windowed aggregates and two for life. What is shown is that process's peak of resident memory, as the system
counts it; the goal is to stay below 2 GiB. In the same run the rows of a small history are made by replay in
memory too, and compared to the bit.

EVENTS=200000000 make bench NAME=features/memory
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from benchmarks.harness import report

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.replay.batch import BUCKET_ROWS, Batch, Job
from tidewheel.features.replay.materialise import materialise
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog

EVENTS = int(os.environ.get("EVENTS", "20_000_000"))
SMALL = 200_000
CARDS = 1_000_000
AT_ONCE = 1_000_000
LIMIT = 2 << 30
HOUR = 3_600_000_000
DAY = 24 * HOUR
START, SPAN = 1_700_000_000_000_000, 90 * DAY

PAYMENT = ir.Source("Payment", (ir.Column("id", "id"), ir.Column("card", "key"), ir.Column("amount", "float")))
AMOUNT = ir.Col(("amount",))
WINDOWS = ((HOUR, HOUR // 12), (DAY, HOUR), (0, 0))
OPS = ("count", "sum", "mean", "min", "max")
FEATURES = tuple(
    ir.FeatureColumn(
        f"{op}_{window // HOUR}h",
        ir.Aggregate(op, "Payment", (("card",),), None if op == "count" else AMOUNT, window=window, hop=hop),
    )
    for window, hop in WINDOWS
    for op in (OPS if window else OPS[:2])
)
GROUP = ir.Group("Cards", ("Payment.card",), FEATURES)
VIEW = ir.View(
    "PaymentView",
    "Payment",
    (ir.Lookup("card", "Cards", (("card",),)),),
    tuple(ir.ViewColumn(feature.name, ir.Feature("card", feature.name)) for feature in FEATURES),
)
GRAPH = ir.Graph(sources=(PAYMENT,), groups=(GROUP,), views=(VIEW,))


def payments(events: int) -> Iterator[pa.RecordBatch]:
    """The history, in order of arrival."""
    random = np.random.default_rng(5)
    names = pa.array([f"c{card}" for card in range(CARDS)])
    for start in range(0, events, AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, events))
        cards = np.where(random.random(len(rows)) < 0.1, 0, random.integers(0, CARDS, len(rows)))
        arrived = START + rows * (SPAN // events)
        yield pa.RecordBatch.from_pydict(
            {
                "id": (ids := pa.array(rows).cast(pa.string())),
                "card": names.take(pa.array(cards)),
                "amount": np.round(random.lognormal(3.0, 1.0, len(rows)), 2),
                "_id": ids,
                "_at": arrived - random.integers(0, HOUR, len(rows)),
                "_arrived": arrived,
                "_row": rows,
                "_import": pa.repeat("history", len(rows)),
            }
        )


def make_history(folder: Path, events: int) -> None:
    """Put the history where a workspace keeps it; the index of ids, which no backfill reads, is left empty."""
    lake, log = Lake.open(folder / "lake"), EventLog.open(folder / "log", sync="second")
    staged = lake.write_import("Payment", "history", payments(events))
    assert staged == events
    log.append_import("history", "Payment", events, START, START + SPAN)
    log.close()


def backfill(folder: Path, events: int) -> dict[str, float]:
    """Make the last hundredth of the rows; tell how long it took and what memory it peaked at."""
    lake, log = Lake.open(folder / "lake"), EventLog.open(folder / "log", sync="second")
    history, begun = History(lake, log, GRAPH.sources), time.monotonic()
    first = START + (events - events // 100) * (SPAN // events)
    buckets = max(4, -(-events // BUCKET_ROWS))
    batch = Batch(Job(GRAPH, VIEW, first, START + 2 * SPAN, events + 1, buckets), folder / "job")
    told = [0.0]

    def progress(stage: str, share: float, rows: int) -> None:
        if time.monotonic() - told[0] > 10:
            told[0] = time.monotonic()
            rate = rows / (told[0] - begun)
            print(
                f"  {stage:<5} {share:6.1%} {rows:>13,} rows {rate:>11,.0f}/s  peak {_peak() >> 20:,} MiB", flush=True
            )

    rows = materialise(batch, history, lake, "features/PaymentView", progress=progress)
    log.close()
    return {"rows": rows, "seconds": time.monotonic() - begun, "peak_bytes": _peak()}


def check_equal(folder: Path) -> None:
    """A small history gives the same rows, to the bit, as replay in memory."""
    make_history(folder, SMALL)
    backfill(folder, SMALL)
    lake, log = Lake.open(folder / "lake"), EventLog.open(folder / "log", sync="second")
    history = History(lake, log, GRAPH.sources)
    names = [feature.name for feature in FEATURES]
    found = lake.scan("features/PaymentView", [*names, "_offset"]).sort_by("_offset")
    rows = history.scan("Payment", ["card"]).slice(SMALL - SMALL // 100)
    assert found.select(names).equals(read_view(history, GRAPH, VIEW, rows).select(names))
    log.close()


def _peak() -> int:
    """The most memory that this process had resident. (What getrusage tells begins with the parent's.)"""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))


def main() -> bool:
    if len(sys.argv) > 1 and sys.argv[1] == "backfill":
        print(json.dumps(backfill(Path(sys.argv[2]), EVENTS)))
        return True
    base = Path(tempfile.mkdtemp(prefix="memory-"))
    try:
        check_equal(base / "small")
        print("  200,000 events: equal to replay in memory, to the bit", flush=True)
        begun = time.monotonic()
        make_history(base / "large", EVENTS)
        print(f"  history of {EVENTS:,} events made in {time.monotonic() - begun:.0f} s", flush=True)
        command = [sys.executable, "-m", "benchmarks.features.memory", "backfill", str(base / "large")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                print(line, end="", flush=True)
        assert child.returncode == 0
        found = json.loads(line)
    finally:
        shutil.rmtree(base)
    figures = {
        "events": EVENTS,
        "rows": found["rows"],
        "seconds": found["seconds"],
        "events_per_second": EVENTS / found["seconds"],
        "peak_mib": found["peak_bytes"] / (1 << 20),
    }
    ratios = {"below_2_gib": LIMIT / found["peak_bytes"]}
    return report("features/memory", figures, ratios, {"below_2_gib": 1.0})


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
