"""A list of ten from 100 and 500 candidates: what a candidate costs, beside reading and scoring each alone.

The world of ``examples/movies``: ten features a row (the user's, the movie's, the user's of the movie's genre, a
cosine), a LightGBM ranker of 100 trees, states in LMDB. CPU time of this thread; rows and scores are compared first, to
the bit.

``python -m benchmarks.serving.ranking``
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import thread_time_ns
from typing import Any

import numpy as np
from benchmarks.harness import report
from examples.movies import project
from examples.movies.generate import world, write

import tidewheel as tw
from tidewheel.features.reading.online import OnlineReader
from tidewheel.retrieval.vectors import VectorIndex

COUNTS, RUNS, MOVIES = (100, 500), 7, 600
GOALS = {"a candidate of 500, under 5 us": 1.0, "500 candidates, against one by one": 10.0}
EVENT = {"id": "q", "user": "u1", "movie": None, "words": ""}


def cpu_us(run: Callable[[], object], times: int) -> float:
    """Return the microseconds of CPU that a call takes: the median of some runs."""
    found = []
    for _ in range(RUNS):
        start = thread_time_ns()
        for _ in range(times):
            run()
        found.append((thread_time_ns() - start) / times / 1000)
    return statistics.median(found)


def measured(workspace: Any) -> tuple[dict[str, float], dict[str, float]]:
    """Return figures and ratios of the deployed service."""
    arm = workspace.serving.desk.services["Recommend"].decider.champion
    lists, now = arm.lists, workspace.stores.clock.now()
    views = lists.reader._assembly.views
    alone = OnlineReader(workspace.stores.state, views)
    ids = [f"m{i}" for i in range(MOVIES)]
    rows = lists.reader.read(EVENT, ids[:500], now)
    scores = lists.score(rows.words[0])
    for place, own in enumerate(map(rows.inputs, range(len(rows.words[0])))):
        row = alone.read(EVENT | own, rows.instant)
        assert row.words[0].tobytes() == rows.words[0][place].tobytes()
        assert lists.score(row.words[0].reshape(1, -1))[0] == scores[place]
    figures = {"columns": float(len(views[0].names))}
    for n in COUNTS:
        some, words = ids[:n], rows.words[0][:n].copy()
        read = cpu_us(partial(lists.reader.read, EVENT, some, now), 40)
        score = cpu_us(partial(lists.score, words), 40)
        figures |= {f"{n}, read, us": read, f"{n}, score, us": score, f"{n}, a candidate, us": (read + score) / n}
        print(f"  {n:>4} candidates  read {read:8.1f} us  score {score:8.1f} us  {(read + score) / n:6.2f} us each")

    def one_by_one() -> None:
        for own in map(rows.inputs, range(50)):
            lists.score(alone.read(EVENT | own, now).words[0].reshape(1, -1))

    single = cpu_us(one_by_one, 4) / 50
    figures["one alone, us"] = single
    each = figures["500, a candidate, us"]
    figures |= searches()
    return figures, {
        "a candidate of 500, under 5 us": 5 / each,
        "500 candidates, against one by one": single / each,
    }


def searches() -> dict[str, float]:
    """Return microseconds of an exact search among many vectors of 64 numbers."""
    random = np.random.default_rng(2)
    found = {}
    for n in (10_000, 100_000):
        index = VectorIndex([f"{i:06}" for i in range(n)], random.normal(size=(n, 64)).astype(np.float32))
        query = random.normal(size=64)
        found[f"nearest 400 of {n}, us"] = cpu_us(partial(index.nearest, query, 400), 10)
    return found


def main() -> bool:
    """Measure; return whether the goals are met."""
    with tempfile.TemporaryDirectory() as folder, tw.open(":memory:", project) as workspace:
        rows = world(datetime.now(UTC) - timedelta(days=3), movies=MOVIES, requests=1500)
        write(Path(folder), rows)
        for name in rows:
            workspace.ingest(f"{folder}/{name}.parquet", name)
        workspace.sync()
        workspace.deploy(workspace.train("Ranker").version, service="Recommend")
        workspace.decide("Recommend", EVENT)
        figures, ratios = measured(workspace)
    return report("serving/ranking", figures, ratios, GOALS)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
