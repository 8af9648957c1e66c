"""Compiled functions over arrays: fold, read and replay of windowed state, hashes, expressions, trees.

No I/O and no clocks. Values are 8-byte words kept in float64 arrays: numbers as they are (null is
NaN), text as 64-bit hashes (null is 0) to be viewed as int64.
"""

from tidewheel.kernel.blobs import EMPTY_BLOB, Blobs, Header, Headers, empty, gather, header, headers
from tidewheel.kernel.events import Events
from tidewheel.kernel.fold import fold
from tidewheel.kernel.grouping import group_rows
from tidewheel.kernel.hashing import hash_numbers, hash_strings, hash_text, partition_of
from tidewheel.kernel.layout import KERNEL_VERSION, LAYOUT_VERSION, AggregateSpec, Layout, build_layout
from tidewheel.kernel.read import BELOW_HORIZON, OK, ReadPlan, plan_reads, read, read_blobs, read_many
from tidewheel.kernel.replay import replay

__all__ = [
    "BELOW_HORIZON",
    "EMPTY_BLOB",
    "KERNEL_VERSION",
    "LAYOUT_VERSION",
    "OK",
    "AggregateSpec",
    "Blobs",
    "Events",
    "Header",
    "Headers",
    "Layout",
    "ReadPlan",
    "build_layout",
    "empty",
    "fold",
    "gather",
    "group_rows",
    "hash_numbers",
    "hash_strings",
    "hash_text",
    "header",
    "headers",
    "partition_of",
    "plan_reads",
    "read",
    "read_blobs",
    "read_many",
    "replay",
]
