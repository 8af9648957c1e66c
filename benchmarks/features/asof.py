"""Point-in-time join of stored features, against a bare NumPy join, DuckDB's ASOF join, Polars, and Feast.

5 million rows of 10 features for 100,000 zipf keys, 500,000 label rows, in memory and in no order; each contestant
starts from its own form of them and ends with columns of answers. Feast starts from Parquet files with uniform keys,
1 million rows and 100,000 label rows (with hot keys it makes all pairs, and does not end), and so do we beside it.

``python -m benchmarks.features.asof``
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.harness import medians, report
from benchmarks.peers import run as run_peer

from tidewheel.features.replay.stored import join_as_of

KEYS, FEATURES, DAYS = 100_000, 10, 30
LARGE, SMALL = (5_000_000, 500_000), (1_000_000, 100_000)
GOALS = {"numpy": 1 / 1.3, "duckdb ASOF": 1.0, "polars": 1.0, "feast, duckdb store": 4.0, "feast, default store": 15.0}
"""How many times faster than each we are to be."""
NAMES = [f"f{i}" for i in range(FEATURES)]
Floats = npt.NDArray[np.float64]


def make(rows: int, labels: int, *, hot: bool) -> tuple[pa.Table, pa.Table]:
    """Return label rows and feature rows, times in microseconds; with `hot` the first key has a tenth of them."""
    random = np.random.default_rng(3)
    weight = 1.0 / np.arange(1, KEYS + 1) ** 1.05 if hot else np.ones(KEYS)
    span = DAYS * 86_400_000_000

    def keys(n: int) -> npt.NDArray[np.int64]:
        return random.choice(KEYS, n, p=weight / weight.sum()).astype(np.int64)

    table = {"key": keys(rows), "at": random.integers(0, span, rows)}
    table |= {name: random.normal(size=rows) for name in NAMES}
    return pa.table({"key": keys(labels), "at": random.integers(0, span, labels)}), pa.table(table)


def numpy_join(rows: dict[str, Any], table: dict[str, Any]) -> dict[str, Floats]:
    """Return the values by one sort of packed keys and one bisection: the least that a join must do."""
    span = 1 << 42
    packed = table["key"] * span + table["at"]
    order = np.argsort(packed)
    place = np.searchsorted(packed[order], rows["key"] * span + rows["at"], side="right") - 1
    found = order[np.maximum(place, 0)]
    known = (place >= 0) & (table["key"][found] == rows["key"])
    return {name: np.where(known, table[name][found], np.nan) for name in NAMES}


def duckdb_join(db: duckdb.DuckDBPyConnection) -> dict[str, Floats]:
    """Return the values by an ASOF join."""
    found = db.sql(
        f"SELECT l.row, {', '.join('t.' + name for name in NAMES)} FROM labels l"
        " ASOF LEFT JOIN stored t ON l.key = t.key AND t.at <= l.at"
    ).fetchnumpy()
    order = np.argsort(found["row"])
    return {name: np.ma.filled(found[name], np.nan)[order] for name in NAMES}


def polars_join(rows: pl.DataFrame, table: pl.DataFrame) -> dict[str, Floats]:
    """Return the values by ``join_asof``, which wants both sides sorted."""
    joined = rows.sort("at").join_asof(table.sort("at"), on="at", by="key").sort("row")
    return {name: joined[name].fill_null(np.nan).to_numpy() for name in NAMES}


def ours(rows: pa.Table, table: pa.Table) -> dict[str, Floats]:
    joined = join_as_of(rows, table, "key")
    return {name: joined[name].to_numpy() for name in NAMES}


def loaded(rows: pa.Table, table: pa.Table) -> dict[str, Callable[[], dict[str, Floats]]]:
    """Return each contestant with the tables in its own form."""
    db = duckdb.connect()
    db.sql("SET threads = 2")
    numbered = rows.append_column("row", pa.array(np.arange(rows.num_rows)))
    db.register("rows_arrow", numbered)
    db.register("table_arrow", table)
    db.sql("CREATE TABLE labels AS SELECT * FROM rows_arrow")
    db.sql("CREATE TABLE stored AS SELECT * FROM table_arrow")
    frames = pl.from_arrow(numbered), pl.from_arrow(table)
    arrays = [{name: each[name].to_numpy() for name in each.column_names} for each in (rows, table)]
    return {
        "tidewheel": lambda: ours(rows, table),
        "numpy": lambda: numpy_join(*arrays),
        "duckdb ASOF": lambda: duckdb_join(db),
        "polars": lambda: polars_join(*frames),  # type: ignore[arg-type]  # tables become frames
    }


def check(contestants: dict[str, Callable[[], dict[str, Floats]]]) -> None:
    """Stop unless all give the same values."""
    answers = {name: run() for name, run in contestants.items()}
    for name, found in answers.items():
        for column in NAMES:
            # A key may have two rows of one microsecond, of which each may take another: sums tell them apart no more.
            differing = ~np.isclose(found[column], answers["numpy"][column], equal_nan=True)
            if differing.mean() > 1e-4:
                sys.exit(f"{name} differs from numpy in {differing.sum()} rows of {column}")


def beside_feast(folder: Path) -> tuple[dict[str, float], dict[str, int]]:
    """Return the seconds of Feast's two stores and of ours from the same files, and how many rows each gave."""
    rows, table = make(*SMALL, hot=False)
    for name, each in (("rows", rows), ("table", table)):
        times = each["at"].cast(pa.timestamp("us", "UTC"))
        pq.write_table(
            each.set_column(each.column_names.index("at"), "event_timestamp", times), folder / f"{name}.parquet"
        )

    def from_files() -> pa.Table:
        read = [pq.read_table(folder / f"{name}.parquet") for name in ("rows", "table")]
        return join_as_of(read[0], read[1], "key", at="event_timestamp")

    seconds = medians({"tidewheel": from_files})
    theirs = run_peer("feast_asof.py", {"folder": str(folder), "features": NAMES, "runs": 3})
    values = from_files()["f0"].to_numpy()
    for store, found in theirs.items():
        if found["rows"] == SMALL[1] and not np.isclose(found["total"], np.nansum(values)):
            sys.exit(f"feast's {store} store gives other values")
        print(f"  feast, {store} store: {found['seconds']:.2f} s, {found['rows']} rows of {SMALL[1]}")
    return (
        {"tidewheel": seconds["tidewheel"]} | {f"feast, {s} store": f["seconds"] for s, f in theirs.items()},
        {f"feast, {s} store, label rows lost": SMALL[1] - f["rows"] for s, f in theirs.items()},
    )


def main() -> bool:
    """Measure all; return whether the goals are met."""
    contestants = loaded(*make(*LARGE, hot=True))
    check(contestants)
    large = medians(contestants, runs=5)
    with tempfile.TemporaryDirectory() as folder:
        small, lost = beside_feast(Path(folder))
    ratios = {name: large[name] / large["tidewheel"] for name in large if name != "tidewheel"}
    ratios |= {name: small[name] / small["tidewheel"] for name in small if name != "tidewheel"}
    figures = {f"{name}, s": s for name, s in large.items()} | {f"{name}, 1M, s": s for name, s in small.items()}
    return report("features/asof", figures | {name: float(n) for name, n in lost.items()}, ratios, GOALS)


if __name__ == "__main__":
    sys.exit(not main())
