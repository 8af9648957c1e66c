"""What requests ask of compiled code of features: those of a row, or of a few rows.

Both keep the GIL: they last some microseconds, and to get it back from a busy thread may take longer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidewheel.kernel._jit import Array, Word, brief
from tidewheel.kernel.layouts.layout import H_LENGTH, NEVER
from tidewheel.kernel.programs.expressions import Program
from tidewheel.kernel.programs.machine import run_rows
from tidewheel.kernel.states.read import ReadPlan, checked, read_joined

Floats = NDArray[np.float64]


def read_row(
    plan: ReadPlan, program: Program, blobs: Sequence[bytes | memoryview], instant: int, vector: Floats, first: int
) -> tuple[int, Floats]:
    """Read one state of each layout and compute what follows from them: `read_blobs` and `evaluate` in one call.

    Parameters
    ----------
    plan, blobs, instant
        As in `read_blobs`.
    program : Program
    vector : float64[1, program.n_inputs]
        The program's inputs; what is read is put in it, from `first` on.
    first : int

    Returns
    -------
    (int, float64[1, program.n_outputs])
        The instant used, and the program's outputs.

    Raises
    ------
    CorruptError
        When a blob is not a state of its layout.
    """
    out = np.empty((1, program.n_outputs))
    joined = np.frombuffer(b"".join(blobs), np.int64)
    return checked(_read_row(plan.code, joined, instant, vector, first, program.code, out)), out


def read_rows(
    plan: ReadPlan, program: Program, blobs: Sequence[bytes | memoryview], instant: int, vectors: Floats, first: int
) -> tuple[list[int], Floats]:
    """Do as `read_row` does for some rows.

    Parameters
    ----------
    blobs
        Row by row, one of each layout.
    vectors : float64[n, program.n_inputs]

    Returns
    -------
    (list of int, float64[n, program.n_outputs])
        The instant used for each row, and the program's outputs.

    Raises
    ------
    CorruptError
        When a blob is not a state of its layout.
    """
    out, used = np.empty((len(vectors), program.n_outputs)), np.empty(len(vectors), np.int64)
    joined = np.frombuffer(b"".join(blobs), np.int64)
    checked(_read_rows(plan.code, joined, instant, vectors, first, program.code, out, used))
    return used.tolist(), out


@brief
def _read_row(plan: Array, words: Array, instant: int, vector: Array, first: int, program: Array, out: Array) -> Word:
    inputs = vector.view(np.int64)
    used = read_joined(plan, words, instant, inputs[0], first)
    if used != NEVER:
        run_rows(program, inputs, out.view(np.int64))
    return used


@brief
def _read_rows(
    plan: Array, words: Array, instant: int, vectors: Array, first: int, program: Array, out: Array, used: Array
) -> Word:
    inputs = vectors.view(np.int64)
    base = 0
    for row in range(len(vectors)):
        used[row] = read_joined(plan, words[base:], instant, inputs[row], first)
        if used[row] == NEVER:
            return NEVER
        for _ in range(plan[0]):
            base += words[base + H_LENGTH]
    run_rows(program, inputs, out.view(np.int64))
    return instant
