"""Backfill of windowed features, against a bare sweep, DuckDB and Polars.

5 million events of 100,000 zipf keys, 500,000 label rows; count, sum, mean, min, max over 1 h, 1 d and 7 d,
the last value and the distinct categories of 7 d. Windows reach back to the hop that holds t - W and
end before t. Inputs are in memory and in no order; each contestant starts from its own form of them
(arrays, a DuckDB table, a Polars frame) and ends with columns of answers.

``python -m benchmarks.features.windows``
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
from benchmarks.features.windows_data import NAMES, WINDOWS, Floats, Table, make
from benchmarks.features.windows_ours import OPS, ours
from benchmarks.features.windows_sweep import sweep
from benchmarks.harness import medians, report

GOALS = {
    "sweep (2 threads)": 1.0,
    "duckdb ASOF (count, sum, last only)": 1.0,
    "polars rolling (no last, no distinct)": 1.0,
    "duckdb RANGE (500k events)": 30.0,
}
"""How many times faster than each we are to be."""
LETTERS = ("1h", "1d", "7d")


def load(table: Table) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB with the events and labels as tables of its own."""
    db = duckdb.connect()
    db.sql("SET threads = 2")
    events = pa.table({"key": table.key, "ts": table.at, "amount": table.amount, "category": table.category})
    labels = pa.table({"row": np.arange(len(table.label_at)), "key": table.label_key, "ts": table.label_at})
    db.register("events_arrow", events)
    db.register("labels_arrow", labels)
    db.sql("CREATE TABLE events AS SELECT * FROM events_arrow")
    db.sql("CREATE TABLE labels AS SELECT * FROM labels_arrow")
    return db


def tail(at: str, window: int, hop: int) -> str:
    """SQL of the instant at which a window begins."""
    return f"({at} - {window}) // {hop} * {hop}"


def duckdb_asof(db: duckdb.DuckDBPyConnection) -> dict[str, Floats]:
    """Return counts and sums as differences of running ones, found by ASOF joins at both ends, and the last."""
    joins, columns = [], []
    for letters in LETTERS:
        joins.append(
            f"ASOF LEFT JOIN running t{letters} ON l.key = t{letters}.key AND t{letters}.ts < l.tail_{letters}"
        )
        columns.append(f"coalesce(h.n, 0) - coalesce(t{letters}.n, 0) AS count_{letters}")
        columns.append(f"coalesce(h.total, 0) - coalesce(t{letters}.total, 0) AS sum_{letters}")
    tails = ", ".join(f"{tail('ts', w, h)} AS tail_{x}" for x, (w, h) in zip(LETTERS, WINDOWS, strict=True))
    result = db.sql(f"""
        WITH running AS MATERIALIZED (
            SELECT key, ts, amount, count(*) OVER w AS n, sum(amount) OVER w AS total FROM events
            WINDOW w AS (PARTITION BY key ORDER BY ts ROWS UNBOUNDED PRECEDING)),
        l AS (SELECT *, {tails} FROM labels)
        SELECT l.row, {", ".join(columns)}, CASE WHEN h.ts >= l.tail_7d THEN h.amount END AS last_7d
        FROM l ASOF LEFT JOIN running h ON l.key = h.key AND h.ts < l.ts {" ".join(joins)}""").fetchnumpy()
    return in_order(result)


def duckdb_range(db: duckdb.DuckDBPyConnection) -> dict[str, Floats]:
    """Return everything by window functions over the union of events and labels."""
    columns, windows = [], []
    for letters, (window, hop) in zip(LETTERS, WINDOWS, strict=True):
        columns += [
            f"{op}(amount) OVER w{letters} AS {name}_{letters}"
            for name, op in (("count", "count"), ("sum", "sum"), ("mean", "avg"), ("min", "min"), ("max", "max"))
        ]
        # A frame's bound may differ from row to row, so the tail can be at the hop.
        back = f"ts - {tail('ts', window, hop)}"
        frame = f"RANGE BETWEEN {back} PRECEDING AND 1 PRECEDING"
        windows.append(f"w{letters} AS (PARTITION BY key ORDER BY ts {frame})")
    columns += [
        "last_value(amount IGNORE NULLS) OVER w7d AS last_7d",
        "count(DISTINCT category) OVER w7d AS distinct_7d",
    ]
    return in_order(
        db.sql(f"""
        SELECT * FROM (
            SELECT row, {", ".join(columns)} FROM (
                SELECT NULL AS row, key, ts, amount, category FROM events
                UNION ALL SELECT row, key, ts, NULL, NULL FROM labels)
            WINDOW {", ".join(windows)})
        WHERE row IS NOT NULL""").fetchnumpy()
    )


def in_order(result: dict[str, Floats]) -> dict[str, Floats]:
    """Put DuckDB's columns in the labels' order, as plain floats."""
    order = np.argsort(result.pop("row"))
    return {name: np.ma.filled(np.ma.asarray(column, float), np.nan)[order] for name, column in result.items()}


def polars_frames(table: Table) -> pl.DataFrame:
    """Return labels and events as one frame: Polars rolls over the rows it reads at."""
    nothing = pl.lit(None, pl.Int64)
    events = pl.DataFrame({"key": table.key, "at": table.at, "amount": table.amount}).with_columns(row=nothing)
    labels = pl.DataFrame({"key": table.label_key, "at": table.label_at, "row": np.arange(len(table.label_at))})
    return pl.concat([events, labels.with_columns(amount=pl.lit(None, pl.Float64)).select(events.columns)])


def polars_rolling(frame: pl.DataFrame) -> dict[str, Floats]:
    """Return count, sum, mean, min and max; its windows begin at t - W exactly, having no hops."""
    made = frame.sort("key", "at")
    amount = pl.col("amount")
    aggregates = [amount.count(), amount.sum(), amount.mean(), amount.min(), amount.max()]
    parts = [made.select("row")]
    for letters, (window, _) in zip(LETTERS, WINDOWS, strict=True):
        named = [a.alias(f"{op}_{letters}") for op, a in zip(OPS, aggregates, strict=True)]
        rolled = made.rolling("at", period=f"{window}i", closed="left", group_by="key").agg(named)
        parts.append(rolled.drop("key", "at"))
    done = pl.concat(parts, how="horizontal").filter(pl.col("row").is_not_null()).sort("row")
    return {name: done[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in NAMES[:15]}


def check(name: str, got: dict[str, Floats], expected: Floats, zero_is_null: bool = False) -> None:
    """Stop unless the columns agree: counts, extremes and lasts exactly, sums to 1e-6 of their size."""
    for column, values in got.items():
        wanted = expected[:, NAMES.index(column)]
        if zero_is_null:
            wanted, values = np.nan_to_num(wanted), np.nan_to_num(values)
        exact = column.split("_")[0] in ("count", "min", "max", "last", "distinct")
        scale = 0.0 if exact else 1e-6
        np.testing.assert_allclose(values, wanted, rtol=scale, atol=100 * scale, err_msg=f"{name} {column}")
    print(f"  {name}: {len(got)} columns agree")


def contest(n: int, labels: int) -> tuple[Table, Floats, dict[str, Callable[[], object]]]:
    """Make the input, check that ours and the sweep agree; return both as contestants."""
    table = make(n, labels)
    print(f"{n:,} events, {labels:,} labels, {table.n_keys:,} keys")
    answers = ours(table)
    check("sweep", dict(zip(NAMES, sweep(table, 2).T, strict=True)), answers)
    return table, answers, {"tidewheel": lambda: ours(table), "sweep (2 threads)": lambda: sweep(table, 2)}


def large() -> dict[str, float]:
    """Seconds at full size."""
    table, answers, contestants = contest(5_000_000, 500_000)
    db, frame = load(table), polars_frames(table)
    check("duckdb ASOF", duckdb_asof(db), answers, zero_is_null=True)
    exact = sweep(table, 2, exact_tail=True)
    check("polars rolling, windows without hops", polars_rolling(frame), exact, zero_is_null=True)
    contestants["sweep (1 thread)"] = lambda: sweep(table, 1)
    contestants["duckdb ASOF (count, sum, last only)"] = lambda: duckdb_asof(db)
    contestants["polars rolling (no last, no distinct)"] = lambda: polars_rolling(frame)
    return medians(contestants, runs=3)


def small() -> dict[str, float]:
    """Seconds at a tenth of the size, where DuckDB's RANGE windows can follow."""
    table, answers, contestants = contest(500_000, 50_000)
    db = load(table)
    check("duckdb RANGE", duckdb_range(db), answers)
    contestants["duckdb RANGE (500k events)"] = lambda: duckdb_range(db)
    return medians(contestants, runs=3)


def main() -> None:
    at_large, at_small = large(), small()
    ratios = {name: seconds / at_large["tidewheel"] for name, seconds in at_large.items() if name != "tidewheel"}
    ratios |= {"duckdb RANGE (500k events)": at_small["duckdb RANGE (500k events)"] / at_small["tidewheel"]}
    figures = {f"{name} [s]": seconds for name, seconds in at_large.items()}
    figures |= {f"500k: {name} [s]": seconds for name, seconds in at_small.items()}
    figures["label rows/s"] = 500_000 / at_large["tidewheel"]
    report("features/windows", figures, ratios, GOALS)


if __name__ == "__main__":
    main()
