"""Compiled functions over arrays: fold, read and replay of windowed state, hashes, expressions, trees.

No I/O and no clocks. Values are 8-byte words kept in float64 arrays: numbers as they are (null is
NaN), text as 64-bit hashes (null is 0) to be viewed as int64.
"""

from tidewheel.kernel.layouts.build import build_layout
from tidewheel.kernel.layouts.layout import KERNEL_VERSION, LAYOUT_VERSION, Layout
from tidewheel.kernel.layouts.specs import AggregateSpec
from tidewheel.kernel.models.curves import interpolate
from tidewheel.kernel.models.levels import encode_levels, fill_levels, level_tables
from tidewheel.kernel.models.lightgbm_text import parse_lightgbm
from tidewheel.kernel.models.trees import Tree, Trees, build_trees
from tidewheel.kernel.models.walk import Forest, lay_out, predict_trees, score_row
from tidewheel.kernel.programs.expressions import Node, Program, compile_program, evaluate
from tidewheel.kernel.row import read_row, read_rows
from tidewheel.kernel.states.blobs import EMPTY_BLOB, Blobs, Header, Headers, empty, gather, header, headers
from tidewheel.kernel.states.carry import carry
from tidewheel.kernel.states.events import NOTHING, Events
from tidewheel.kernel.states.fold import fold
from tidewheel.kernel.states.read import BELOW_HORIZON, OK, ReadPlan, plan_reads, read, read_blobs, read_many
from tidewheel.kernel.states.replay import replay
from tidewheel.kernel.states.requests import Requests
from tidewheel.kernel.warm import warm
from tidewheel.kernel.words.grouping import count_visible, group_rows, group_sorted, take
from tidewheel.kernel.words.hashing import hash_numbers, hash_strings, hash_text, partition_of

__all__ = [
    "BELOW_HORIZON",
    "EMPTY_BLOB",
    "KERNEL_VERSION",
    "LAYOUT_VERSION",
    "NOTHING",
    "OK",
    "AggregateSpec",
    "Blobs",
    "Events",
    "Forest",
    "Header",
    "Headers",
    "Layout",
    "Node",
    "Program",
    "ReadPlan",
    "Requests",
    "Tree",
    "Trees",
    "build_layout",
    "build_trees",
    "carry",
    "compile_program",
    "count_visible",
    "empty",
    "encode_levels",
    "evaluate",
    "fill_levels",
    "fold",
    "gather",
    "group_rows",
    "group_sorted",
    "hash_numbers",
    "hash_strings",
    "hash_text",
    "header",
    "headers",
    "interpolate",
    "lay_out",
    "level_tables",
    "parse_lightgbm",
    "partition_of",
    "plan_reads",
    "predict_trees",
    "read",
    "read_blobs",
    "read_many",
    "read_row",
    "read_rows",
    "replay",
    "score_row",
    "take",
    "warm",
]
