"""Read states: many of one layout, or one each of several layouts in a single call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import CorruptError
from tidewheel.kernel._jit import Array, Word, brief, entry, inner, keep, pointer
from tidewheel.kernel.layouts.layout import C_CELLS, C_FEATURES, H_HORIZON, H_LENGTH, H_STATE, HEADER, NEVER, Layout
from tidewheel.kernel.states._read import BELOW_HORIZON, NOT_THIS_STATE, OK, check_blob, read_state
from tidewheel.kernel.states.blobs import Blobs
from tidewheel.kernel.states.events import fixed

Words = NDArray[np.int64]
Floats = NDArray[np.float64]

__all__ = ["BELOW_HORIZON", "OK", "ReadPlan", "plan_reads", "read", "read_blobs", "read_many"]

_REMEDY = "the state was written by another build or is damaged; rebuild it from the log"


def read(layout: Layout, blobs: Blobs, instants: Words) -> tuple[Floats, Words]:
    """Read every state at its instant.

    Parameters
    ----------
    layout : Layout
    blobs : Blobs
    instants : int64[n]
        One per state, microseconds.

    Returns
    -------
    features : float64[n, n_features]
        Words: text features are hashes, view them as int64.
    status : int64[n]
        `OK`, or `BELOW_HORIZON` where the state has forgotten what the instant needs (nulls).

    Raises
    ------
    CorruptError
        When a blob is not a state of this layout.

    Examples
    --------
    >>> from tidewheel.kernel import AggregateSpec, build_layout, empty
    >>> layout = build_layout([AggregateSpec("count", 0, -1), AggregateSpec("max", 0, 0)])
    >>> read(layout, empty(1), np.zeros(1, np.int64))[0]
    array([[ 0., nan]])
    """
    out = np.empty((len(instants), layout.n_features))
    status = np.empty(len(instants), np.int64)
    words = out.view(np.int64).reshape(-1)
    _read(
        layout.code,
        fixed(blobs.words, np.int64),
        fixed(blobs.starts, np.int64),
        fixed(instants, np.int64),
        words,
        status,
    )
    if (status == NOT_THIS_STATE).any():
        raise CorruptError("a state blob does not fit its layout", where=f"state {status.argmax()}", remedy=_REMEDY)
    return out, status


@entry
def _read(code: Array, words: Array, starts: Array, instants: Array, out: Array, status: Array) -> None:
    cells = np.empty(code[C_CELLS] + 1, np.int64)
    program, states, scratch, target = pointer(code), pointer(words), pointer(cells), pointer(out)
    for i in range(len(instants)):
        length = starts[i + 1] - starts[i]
        status[i] = check_blob(program, states, starts[i], length)
        if status[i] == OK:
            to = i * code[C_FEATURES]
            status[i] = read_state(program, states, starts[i], length > 0, instants[i], scratch, target, to)
    keep(cells)


class ReadPlan(NamedTuple):
    """Several layouts to read in one call.

    Attributes
    ----------
    code : int64[:]
        Number of layouts, most cells, the bounds of each layout's code, then the codes.
    n_features : int
        Of all together, in the layouts' order.
    """

    code: Words
    n_features: int


def plan_reads(layouts: Sequence[Layout]) -> ReadPlan:
    """Join layouts so that one state of each is read in one call."""
    n = len(layouts)
    bounds = np.cumsum([3 + n] + [len(layout.code) for layout in layouts])
    most = max((int(layout.code[C_CELLS]) for layout in layouts), default=0)
    parts = [np.array([n, most + 1], np.int64), bounds, *(layout.code for layout in layouts)]
    return ReadPlan(fixed(np.concatenate(parts), np.int64), sum(layout.n_features for layout in layouts))


def read_many(plan: ReadPlan, words: Words, starts: Words, instant: int, out: Floats) -> int:
    """Read one state of each layout of the plan at one instant, as a live decision does.

    The instant used is the later of `instant` and one microsecond past the newest arrival that any
    of the states has folded, so it is never below a horizon.

    Parameters
    ----------
    plan : ReadPlan
    words, starts : int64[:], int64[n_layouts + 1]
        The blobs, as in `Blobs`.
    instant : int
    out : float64[plan.n_features]
        Filled with words.

    Returns
    -------
    int
        The instant used.

    Raises
    ------
    CorruptError
        When a blob is not a state of its layout.
    """
    used = _read_many(plan.code, fixed(words, np.int64), fixed(starts, np.int64), instant, out)
    return checked(used)


def read_blobs(plan: ReadPlan, blobs: Sequence[bytes | memoryview], instant: int, out: Floats) -> int:
    """Do as `read_many` does, from blobs as they were stored: the shortest way.

    Pass `EMPTY_BLOB` for a state that doesn't exist yet. Parameters, result and errors otherwise as
    there.
    """
    return checked(_read_joined(plan.code, np.frombuffer(b"".join(blobs), np.int64), instant, out))


def checked(used: int) -> int:
    """Return the instant that a read used.

    Raises
    ------
    CorruptError
        There is none: a blob was not a state of its layout.
    """
    if used == NEVER:
        raise CorruptError("a state blob does not fit its layout", remedy=_REMEDY)
    return used


@entry
def _read_many(plan: Array, words: Array, starts: Array, instant: int, out: Array) -> int:
    n = plan[0]
    for k in range(n):
        length = starts[k + 1] - starts[k]
        if check_blob(pointer(plan[plan[2 + k] :]), pointer(words), starts[k], length) != OK:
            return NEVER
        if length > 0:
            instant = max(instant, words[starts[k] + H_HORIZON] + 1)
    cells = np.empty(plan[1], np.int64)
    to = 0
    for k in range(n):
        code = pointer(plan[plan[2 + k] :])
        exists = starts[k + 1] > starts[k]
        read_state(code, pointer(words), starts[k], exists, instant, pointer(cells), pointer(out.view(np.int64)), to)
        to += code[C_FEATURES]
    keep(cells)
    return instant


@brief
def _read_joined(plan: Array, words: Array, instant: int, out: Array) -> Word:
    return read_joined(plan, words, instant, out.view(np.int64), 0)


@inner
def read_joined(plan: Array, words: Array, instant: int, out: Array, to: int) -> Word:
    """Read blobs that lie one after another into `out` from `to` on; return the instant used, or `NEVER`."""
    n = plan[0]
    states = pointer(words)
    base = 0
    for k in range(n):
        if base + HEADER > len(words) or states[base + H_LENGTH] < HEADER:
            return NEVER
        length = states[base + H_LENGTH]
        if base + length > len(words):
            return NEVER
        if states[base + H_STATE] != 0:
            if check_blob(pointer(plan[plan[2 + k] :]), states, base, length) != OK:
                return NEVER
            instant = max(instant, states[base + H_HORIZON] + 1)
        base += length
    cells = np.empty(plan[1], np.int64)
    base = 0
    for k in range(n):
        code = pointer(plan[plan[2 + k] :])
        exists = states[base + H_STATE] != 0
        read_state(code, states, base, exists, instant, pointer(cells), pointer(out), to)
        to += code[C_FEATURES]
        base += states[base + H_LENGTH]
    keep(cells)
    return instant
