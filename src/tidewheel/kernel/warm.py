"""Compile (or load from the cache) everything that serving calls, before the first request."""

from __future__ import annotations

import numpy as np

from tidewheel.kernel.layouts.build import build_layout
from tidewheel.kernel.layouts.specs import AggregateSpec
from tidewheel.kernel.models.curves import interpolate
from tidewheel.kernel.models.levels import encode_levels, level_tables
from tidewheel.kernel.models.trees import MISSING_NAN, Tree, build_trees
from tidewheel.kernel.models.walk import lay_out, predict_trees, score_row
from tidewheel.kernel.programs.expressions import compile_program, evaluate
from tidewheel.kernel.row import read_row, read_rows
from tidewheel.kernel.states.blobs import EMPTY_BLOB, empty
from tidewheel.kernel.states.events import Events
from tidewheel.kernel.states.fold import fold
from tidewheel.kernel.states.read import plan_reads, read, read_blobs, read_many
from tidewheel.kernel.states.replay import replay
from tidewheel.kernel.words.hashing import hash_numbers, hash_strings, hash_text


def warm() -> None:
    """Call each compiled function once on a tiny input, with the types that the request path uses.

    Some ten seconds on a machine that has never run this build, else about half a second.

    Examples
    --------
    >>> warm()
    """
    layout = build_layout([AggregateSpec("mean", 0, 0, 60, 5), AggregateSpec("distinct", 0, 0)])
    at = np.array([1, 2])
    events = Events(np.array([0, 2]), np.zeros(2, np.int8), at, at, at, np.ones((2, 1)))
    blobs = fold(layout, empty(1), events)
    read(layout, blobs, np.array([9]))
    replay(layout, events, np.array([0, 1]), np.array([2]), np.array([9]))
    plan = plan_reads([layout])
    out = np.empty(plan.n_features)
    read_many(plan, blobs.words, blobs.starts, 9, out)
    read_blobs(plan, [EMPTY_BLOB], 9, out)
    hash_text("warm")
    hash_strings(["warm", None])
    hash_numbers(out)
    row = np.zeros((1, 1))
    program = compile_program([("neg", ("input", 0))], [False])
    evaluate(program, row)
    read_row(plan, program, [EMPTY_BLOB], 9, np.zeros((1, plan.n_features)), 0)
    read_rows(plan, program, [EMPTY_BLOB], 9, np.zeros((1, plan.n_features)), 0)
    encode_levels(row, level_tables([["a"]]))
    stump = Tree([0], [0.5], [MISSING_NAN], [~0], [~1], [0.0, 1.0])
    forest = lay_out(build_trees([stump], 1))
    predict_trees(forest, row)
    score_row(forest, row)
    interpolate(row[0], out[:1] * 0, out[:1])
