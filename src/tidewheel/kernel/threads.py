"""Run compiled chunks on this machine's cores.

Compiled code lets go of the GIL, so plain threads do: unlike the compiler's own parallel loops they
survive a fork and two callers at once. Chunks write to places of their own, so the result does not
depend on how many threads there are.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tidewheel.cores import cores

SMALL = 100_000
"""Items for which starting threads does not pay."""


def cut(weights: NDArray[np.int64], parts: int) -> list[int]:
    """Cut a range into at most `parts` pieces of about equal weight.

    Parameters
    ----------
    weights : int64[n + 1]
        Running total of weight; item i may begin a piece at ``weights[i]``.

    Returns
    -------
    list of int
        Bounds, the first 0, the last n.

    Examples
    --------
    >>> cut(np.array([0, 10, 11, 12, 20]), 2)
    [0, 1, 4]
    """
    wanted = np.linspace(weights[0], weights[-1], parts + 1)[1:-1]
    inside = np.searchsorted(weights, wanted)
    return sorted({0, len(weights) - 1, *(int(i) for i in inside)})


def pieces(n: int) -> list[int]:
    """Cut `n` equal items into pieces worth a thread each; one piece when there are few.

    Examples
    --------
    >>> pieces(10)
    [0, 10]
    """
    parts = 1 if n < SMALL else 4 * cores()
    return [n * part // parts for part in range(parts + 1)]


def in_chunks(bounds: list[int], run: Callable[[int, int], None]) -> None:
    """Call ``run(first, end)`` for each piece, on as many threads as there are cores."""
    pieces = list(pairwise(bounds))
    workers = min(cores(), len(pieces))
    if workers <= 1:
        for first, end in pieces:
            run(first, end)
        return
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(run, first, end) for first, end in pieces]:
            done.result()
