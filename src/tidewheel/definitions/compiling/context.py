"""What is known while a project is compiled."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column, PathColumn
from tidewheel.definitions.compiling.expressions import Type, Typed
from tidewheel.definitions.compiling.paths import at_most_one_event, type_of
from tidewheel.definitions.language.places import Problems
from tidewheel.errors import DefinitionError


@dataclass
class Context:
    """Compiled so far, by class; mistakes go to `problems`."""

    root: str = ""
    """The project's folder; files are named relative to it."""
    problems: Problems = field(default_factory=Problems)
    sources: dict[str, ir.Source] = field(default_factory=dict)
    groups: dict[type, ir.Group] = field(default_factory=dict)
    attributes: dict[str, ir.Group] = field(default_factory=dict)
    feature_types: dict[tuple[type, str], Type] = field(default_factory=dict)
    feature_sizes: dict[tuple[type, str], int] = field(default_factory=dict)
    """Of features that are vectors."""
    parts: dict[type, tuple[object, ...]] = field(default_factory=dict)
    """Key parts of each group."""
    views: dict[type, ir.View] = field(default_factory=dict)
    models: dict[type, ir.Model] = field(default_factory=dict)
    services: dict[type, ir.Service] = field(default_factory=dict)
    ticks: list[ir.Tick] = field(default_factory=list)

    def source_of(self, cls: type) -> ir.Source:
        """Return the frozen form of a row class."""
        return self.sources[cls.__name__]

    def event_column(self, source: ir.Source, node: Column[object]) -> Typed | None:
        """Answer for a column in an aggregate or a label, where only rows of one source are seen."""
        if isinstance(node, PathColumn):
            if node._root.__name__ != source.name:
                raise DefinitionError(
                    f"{node._text()} is no column of {source.name}",
                    remedy=f"an aggregate sees rows of {source.name} alone",
                )
            place = at_most_one_event(self.sources, source, node._names)
            return Typed(ir.Col(place.path), type_of(place.column), place.column.size)
        if node._owner is not None or not hasattr(node, "_args"):
            raise DefinitionError(f"{node!r} is no column of {source.name}", remedy="use the event's own columns here")
        return None
