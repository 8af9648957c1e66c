"""Our side of the benchmark: group, replay, put back in the labels' order."""

from __future__ import annotations

import numpy as np
from benchmarks.features.windows_data import WINDOWS, Floats, Table

from tidewheel.kernel import (
    AggregateSpec,
    Events,
    build_layout,
    count_visible,
    group_sorted,
    hash_numbers,
    replay,
    take,
)

OPS = ("count", "sum", "mean", "min", "max")
SPECS = [AggregateSpec(op, 0, 0, window, hop) for window, hop in WINDOWS for op in OPS]
SPECS += [AggregateSpec("last", 0, 0, *WINDOWS[2]), AggregateSpec("distinct", 0, 1, *WINDOWS[2])]
LAYOUT = build_layout(SPECS)


def ours(table: Table) -> Floats:
    """Return float64[labels, 17] in the labels' order."""
    order, starts, at = group_sorted(table.key, table.at, table.n_keys)
    read_order, read_starts, instants = group_sorted(table.label_key, table.label_at, table.n_keys)
    slots = np.empty((len(at), 2))
    slots[:, 0] = table.amount
    slots.view(np.int64)[:, 1] = hash_numbers(table.category.astype(np.float64))
    events = Events(starts, np.zeros(len(at), np.int8), at, at, np.arange(1, len(at) + 1), take(slots, order))
    cuts = count_visible(starts, at, take(table.label_key, read_order), instants)
    return replay(LAYOUT, events, read_starts, cuts, instants, places=read_order)[0]
