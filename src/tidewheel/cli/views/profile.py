"""A file's profile in the terminal: statistics with small plots, and the declaration."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import pyarrow as pa

from tidewheel.cli.output import cell, print_table
from tidewheel.collect.profiling.scan import is_number

if TYPE_CHECKING:
    from tidewheel.collect.profiling.infer import InferredColumn, InferredSource

BLOCKS = "▁▂▃▄▅▆▇█"
BINS = 16


def print_profile(source: InferredSource) -> None:
    """Print a file's columns: what they are, how they spread, what is missing."""
    rows = [_row(source, column) for column in source.columns]
    kind = "entity" if source.entity else "event"
    at = f", which happened at {source.at}" if source.at else ""
    title = f"{source.file.path.name}: {source.file.rows:,} rows of an {kind} {source.name}{at}"
    print_table(["column", "kind", "null", "different", "from", "to", "spread", "why"], rows, title=title)
    for name, why in source.left_out.items():
        click.echo(f"left out: {name!r}: {why}")
    about = "about " * (source.file.rows > len(source.file.sample))
    for bad in source.bad:
        click.echo(f"would be quarantined: {about}{bad}")
    if source.repeated:
        click.echo(f"taken once: rows that repeat an id, {source.repeated:,}")
    if source.zoneless:
        names = ", ".join(source.zoneless)
        click.echo(f"times without a zone in {names}: say with --timezone which clock they were read off")


def told(source: InferredSource) -> dict[str, Any]:
    """Return a file's profile as plain data."""
    return {
        "file": str(source.file.path),
        "format": source.file.format,
        "rows": source.file.rows,
        "name": source.name,
        "entity": source.entity,
        "at": source.at,
        "columns": [
            {
                "column": column.scan.name,
                "name": column.name,
                "kind": column.kind,
                "target": column.target,
                "why": column.why,
                "type": str(column.scan.type),
                "nulls": column.scan.nulls,
                "distinct": column.scan.distinct,
                "low": _plain(column.scan.low),
                "high": _plain(column.scan.high),
                "mean": column.scan.mean,
                "spread": spread(source, column),
            }
            for column in source.columns
        ],
        "left_out": source.left_out,
        "would_quarantine": [asdict(bad) for bad in source.bad],
        "repeated": source.repeated,
        "zoneless": source.zoneless,
    }


def spread(source: InferredSource, column: InferredColumn) -> str:
    """Draw how a column's values spread: a histogram of numbers, the most frequent of others."""
    scan = column.scan
    if is_number(scan.type) and column.kind in ("float", "int"):
        known = source.file.sample[scan.name].drop_null().cast(pa.float64(), safe=False).to_numpy()
        return histogram(known[np.isfinite(known)])
    if scan.counts is None or column.kind in ("id", "text", "vector"):
        return ""
    known_rows = max(1, scan.rows - scan.nulls)
    most = sorted(scan.counts.items(), key=lambda pair: (-pair[1], str(pair[0])))[:3]
    return ", ".join(f"{str(value)[:20]} {count / known_rows:.0%}" for value, count in most)


def histogram(values: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    """Draw numbers as blocks, from the 1st to the 99th percentile.

    Examples
    --------
    >>> histogram(np.array([0.0] * 8 + [1.0]))
    '█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂'
    """
    if not len(values):
        return ""
    low, high = np.quantile(values, [0.01, 0.99])
    if low == high:
        low, high = float(values.min()), float(values.max())
    counts, _ = np.histogram(np.clip(values, low, high), BINS, (low, high if high > low else low + 1))
    heights = np.ceil(counts / counts.max() * (len(BLOCKS) - 1)).astype(int)
    return "".join(BLOCKS[height] for height in heights)


def _row(source: InferredSource, column: InferredColumn) -> list[Any]:
    scan = column.scan
    kind = f"{column.kind} {column.target}".strip()
    share = f"{scan.nulls / max(1, scan.rows):.1%}" if scan.nulls else "-"
    ends = [cell(_plain(value))[:24] for value in (scan.low, scan.high)]
    return [scan.name, kind, share, scan.distinct, *ends, spread(source, column), column.why]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)
