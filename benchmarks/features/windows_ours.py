"""Our side of the benchmark: group, replay, put back in the labels' order."""

from __future__ import annotations

import numpy as np
from benchmarks.features.windows_data import WINDOWS, Floats, Table

from tidewheel.kernel import AggregateSpec, Events, build_layout, count_visible, group_rows, hash_numbers, replay, take

OPS = ("count", "sum", "mean", "min", "max")
SPECS = [AggregateSpec(op, 0, 0, window, hop) for window, hop in WINDOWS for op in OPS]
SPECS += [AggregateSpec("last", 0, 0, *WINDOWS[2]), AggregateSpec("distinct", 0, 1, *WINDOWS[2])]
LAYOUT = build_layout(SPECS)


def ours(table: Table) -> Floats:
    """Return float64[labels, 17] in the labels' order."""
    order, starts = group_rows(table.key, table.at, table.n_keys)
    read_order, read_starts = group_rows(table.label_key, table.label_at, table.n_keys)
    at = take(table.at, order)
    slots = np.stack([table.amount, hash_numbers(table.category.astype(np.float64)).view(np.float64)], axis=1)
    events = Events(starts, np.zeros(len(at), np.int8), at, at, np.arange(1, len(at) + 1), take(slots, order))
    instants = take(table.label_at, read_order)
    cuts = count_visible(starts, at, take(table.label_key, read_order), instants)
    return replay(LAYOUT, events, read_starts, cuts, instants, places=read_order)[0]
