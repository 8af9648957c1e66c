"""Bytewax: the same events folded into count, sum, min and max of five-minute tiles a key, in memory, in one process.

Reads JSON on standard input: cards, amounts and times (microseconds), in order of time. Prints JSON: seconds, and the
totals of all tiles, so that the answers can be compared. Only the tiles of one of the two hops are kept.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, TumblingWindower
from bytewax.testing import TestingSink, TestingSource, run_main

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Tile = tuple[int, float, float, float]


def fold(tile: Tile, event: tuple[str, float, int]) -> Tile:
    amount = event[1]
    return tile[0] + 1, tile[1] + amount, min(tile[2], amount), max(tile[3], amount)


def merge(one: Tile, two: Tile) -> Tile:
    return one[0] + two[0], one[1] + two[1], min(one[2], two[2]), max(one[3], two[3])


def main() -> None:
    given: dict[str, Any] = json.load(sys.stdin)
    events = list(zip(given["cards"], given["amounts"], given["at"], strict=True))
    found: list[Any] = []
    flow = Dataflow("tiles")
    keyed = op.key_on("key", op.input("in", flow, TestingSource(events, batch_size=1000)), lambda event: event[0])
    # Its watermark goes on with the machine's clock: without a wait, events that it is slow to take are late to it.
    clock: Any = EventClock(
        lambda event: EPOCH + timedelta(microseconds=event[2]), wait_for_system_duration=timedelta(minutes=1)
    )
    windower = TumblingWindower(length=timedelta(minutes=5), align_to=EPOCH)
    folded = win.fold_window("fold", keyed, clock, windower, lambda: (0, 0.0, float("inf"), float("-inf")), fold, merge)
    op.output("out", folded.down, TestingSink(found))
    start = time.perf_counter()
    run_main(flow)
    seconds = time.perf_counter() - start
    tiles = [tile for _, (_, tile) in found]
    print(
        json.dumps({"seconds": seconds, "count": sum(tile[0] for tile in tiles), "sum": sum(tile[1] for tile in tiles)})
    )


if __name__ == "__main__":
    main()
