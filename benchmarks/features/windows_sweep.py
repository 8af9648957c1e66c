"""The rival written for the occasion: sort once, then one sweep per key with running sums and deques.

It knows the three windows and the two columns, keeps no state that could be stored, and adds and
subtracts its sums (so they drift); nothing about it could serve. It is here as a limit.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from benchmarks.features.windows_data import CATEGORIES, NAMES, WINDOWS, Floats, Table


def sweep(table: Table, threads: int, exact_tail: bool = False) -> Floats:
    """Return float64[labels, 17] in the labels' order."""
    first = min(int(table.at.min()), int(table.label_at.min()))
    bits = int(max(table.at.max(), table.label_at.max()) - first).bit_length()
    order = np.argsort((table.key << bits) | (table.at - first))
    label_order = np.argsort((table.label_key << bits) | (table.label_at - first))
    columns = [column[order] for column in (table.at, table.amount, table.category)]
    starts = np.searchsorted(table.key[order], np.arange(table.n_keys + 1))
    label_at = table.label_at[label_order]
    label_starts = np.searchsorted(table.label_key[label_order], np.arange(table.n_keys + 1))
    out = np.empty((len(label_at), len(NAMES)))
    windows = np.array([window for window, _ in WINDOWS])
    hops = np.array([1 if exact_tail else hop for _, hop in WINDOWS])
    weights = starts + label_starts
    bounds = np.searchsorted(weights, np.linspace(0, weights[-1], 8 * threads + 1))
    bounds[-1] = table.n_keys

    def run(part: int) -> None:
        _sweep(
            *columns, starts, label_at, label_starts, windows, hops, bounds[part], bounds[part + 1], label_order, out
        )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(len(bounds) - 1)))
    return out


@numba.njit(nogil=True, cache=True)
def _sweep(at, amount, category, starts, label_at, label_starts, windows, hops, first, end, label_order, out):
    most = 1
    for key in range(first, end):
        most = max(most, starts[key + 1] - starts[key])
    least, greatest = np.empty((3, most), np.int64), np.empty((3, most), np.int64)
    low, total = np.zeros(3, np.int64), np.zeros(3)
    head, tail = np.zeros((2, 3), np.int64), np.zeros((2, 3), np.int64)
    seen = np.zeros(CATEGORIES, np.int64)
    for key in range(first, end):
        if label_starts[key + 1] == label_starts[key]:
            continue
        low[:] = starts[key]
        total[:] = 0.0
        head[:] = 0
        tail[:] = 0
        seen[:] = 0
        distinct = 0
        high = starts[key]
        for label in range(label_starts[key], label_starts[key + 1]):
            t = label_at[label]
            while high < starts[key + 1] and at[high] < t:
                value = amount[high]
                for w in range(3):
                    total[w] += value
                    while tail[0, w] > head[0, w] and amount[least[w, tail[0, w] - 1]] >= value:
                        tail[0, w] -= 1
                    least[w, tail[0, w]] = high
                    tail[0, w] += 1
                    while tail[1, w] > head[1, w] and amount[greatest[w, tail[1, w] - 1]] <= value:
                        tail[1, w] -= 1
                    greatest[w, tail[1, w]] = high
                    tail[1, w] += 1
                seen[category[high]] += 1
                distinct += seen[category[high]] == 1
                high += 1
            row = label_order[label]
            for w in range(3):
                oldest = (t - windows[w]) // hops[w] * hops[w]
                while low[w] < high and at[low[w]] < oldest:
                    total[w] -= amount[low[w]]
                    if w == 2:
                        seen[category[low[w]]] -= 1
                        distinct -= seen[category[low[w]]] == 0
                    low[w] += 1
                while head[0, w] < tail[0, w] and least[w, head[0, w]] < low[w]:
                    head[0, w] += 1
                while head[1, w] < tail[1, w] and greatest[w, head[1, w]] < low[w]:
                    head[1, w] += 1
                n = high - low[w]
                out[row, 5 * w] = n
                out[row, 5 * w + 1] = total[w] if n else np.nan
                out[row, 5 * w + 2] = total[w] / n if n else np.nan
                out[row, 5 * w + 3] = amount[least[w, head[0, w]]] if n else np.nan
                out[row, 5 * w + 4] = amount[greatest[w, head[1, w]]] if n else np.nan
            out[row, 15] = amount[high - 1] if high > low[2] else np.nan
            out[row, 16] = distinct
