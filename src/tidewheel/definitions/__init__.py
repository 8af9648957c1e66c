"""What users declare, and its frozen form that every room reads. Pure data: nothing here does work."""

from tidewheel.definitions.attributes import attribute_group, attributes_of
from tidewheel.definitions.compiling.compiler import compile_declarations, compile_module
from tidewheel.definitions.durations import format_duration, parse_duration
from tidewheel.definitions.each import row_source
from tidewheel.definitions.graphs import (
    Change,
    canonical,
    canonical_aggregates,
    diff,
    digest,
    nodes_of,
    reachable,
    state_id,
    views_of,
)
from tidewheel.definitions.project import Project, load_project
from tidewheel.definitions.rows import instant_of, microseconds, values_of
from tidewheel.definitions.wire import row_struct

__all__ = [
    "Change",
    "Project",
    "attribute_group",
    "attributes_of",
    "canonical",
    "canonical_aggregates",
    "compile_declarations",
    "compile_module",
    "diff",
    "digest",
    "format_duration",
    "instant_of",
    "load_project",
    "microseconds",
    "nodes_of",
    "parse_duration",
    "reachable",
    "row_source",
    "row_struct",
    "state_id",
    "values_of",
    "views_of",
]
