"""Which decisions keep the row that they were made from, where a service keeps a share of them.

Drawn from the event's id alone, by one draw for all: who reads decisions later draws again and knows which rows of any
smaller share there would be, and so takes an even sample of decisions that were kept with different shares.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tidewheel.routing.draws import Draw

drawn = Draw("decision's row")
"""The number of an event's id: its row is kept by shares above it."""


def among(share: float, events: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Tell which events a share keeps.

    Examples
    --------
    >>> ids = [str(n) for n in range(1000)]
    >>> tenth, half = among(0.1, ids), among(0.5, ids)
    >>> bool(70 < tenth.sum() < 130), bool((tenth <= half).all())
    (True, True)
    """
    return np.fromiter((drawn(event) < share for event in events), np.bool_)
