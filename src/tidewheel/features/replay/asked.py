"""Rows that are asked for, folded into what is read for them as the events that they are.

A read with a request sees its entity's past and, after all of it, the row itself: at the instant of the read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.features.planning.group import PAST, GroupPlan
from tidewheel.features.planning.programs import Assembly
from tidewheel.features.planning.view import StateRead
from tidewheel.features.rows import Ints
from tidewheel.features.words import Words
from tidewheel.kernel import Blobs, Events, Requests, evaluate, fold, headers


def requests_of(assembly: Assembly, reads: Sequence[StateRead], vector: Words) -> Requests | None:
    """Return the rows of `vector` as requests of some reads of one group, read by read; None when none has any."""
    if all(read.request == PAST for read in reads):
        return None
    source = np.repeat(np.array([read.request for read in reads], np.int8), len(vector))
    return Requests(source, np.concatenate([request_slots(assembly, read, vector) for read in reads]))


def request_slots(assembly: Assembly, read: StateRead, vector: Words) -> Words:
    """Return what each row brings to the aggregates of the group that is read; nulls where it is no request."""
    slots = np.full((len(vector), max(1, read.plan.layout.n_slots)), np.nan)
    if read.request != PAST and read.plan.feeds[read.request].n_slots:
        feed, places = read.plan.feeds[read.request], list(assembly.inputs)
        made = evaluate(feed.program, vector[:, [places.index(path) for path in feed.inputs]])
        slots[:, : made.shape[1]] = made
    return slots


def with_requests(
    plan: GroupPlan, request: int, blobs: Blobs, instants: Ints, slots: Words, counts: npt.NDArray[np.bool_]
) -> Blobs:
    """Return states with a row folded into each, at its instant, where it `counts`."""
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    at, offset = instants[counts], headers(blobs).last_offset[counts] + 1
    return fold(plan.layout, blobs, Events(starts, np.full(len(at), request, np.int8), at, at, offset, slots[counts]))
