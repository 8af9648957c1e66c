"""What users declare, and its frozen form that every room reads. Pure data: nothing here does work."""

from tidewheel.definitions.compiling.compiler import compile_declarations, compile_module
from tidewheel.definitions.events.rows import instant_of, microseconds, values_of
from tidewheel.definitions.events.wire import row_struct
from tidewheel.definitions.features.attributes import attribute_group, attributes_of
from tidewheel.definitions.language.durations import format_duration, parse_duration
from tidewheel.definitions.projects.graphs import (
    Change,
    canonical,
    canonical_aggregates,
    diff,
    digest,
    nodes_of,
    reachable,
    state_id,
    views_beside,
    views_of,
)
from tidewheel.definitions.projects.project import Project, load_project
from tidewheel.definitions.views.each import row_source

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
    "views_beside",
    "views_of",
]
