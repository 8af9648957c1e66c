"""Who is to be forgotten, and which columns of which tables may name them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tidewheel.definitions import ir, state_id
from tidewheel.definitions.features.attributes import attribute_group
from tidewheel.definitions.language.places import likely
from tidewheel.errors import InputError, NotFoundError
from tidewheel.features.keys import key_parts

BLANK = "[erased]"
"""What stands in running text where a key or a personal value was."""


@dataclass(frozen=True)
class Subject:
    """One entity, by its key, and every declaration that was ever live.

    Attributes
    ----------
    entity, key : str
    graphs : tuple of Graph
        The newest first.
    """

    entity: str
    key: str
    graphs: tuple[ir.Graph, ...]

    @cached_property
    def sources(self) -> dict[str, ir.Source]:
        """Every source that was ever declared, with all columns that it ever had."""
        found: dict[str, ir.Source] = {}
        for graph in self.graphs:
            for source in graph.sources:
                found[source.name] = _widened(found.get(source.name), source)
        return found

    def names(self, source: ir.Source) -> list[str]:
        """Return the columns of a source that may hold the key."""
        own = [source.id_column] if source.name == self.entity and source.id_column else []
        return own + [column.name for column in source.columns if column.target == self.entity]

    def personal(self, source: ir.Source) -> list[str]:
        """Return the personal columns of a source but ids, which are blanked where they are the entity's own."""
        return [column.name for column in source.columns if column.personal and column.kind not in ("id", "ref")]

    @cached_property
    def states(self) -> dict[str, tuple[int, ...]]:
        """Per state keyed by the entity: which parts of its key are."""
        found = {}
        for graph in self.graphs:
            own = [source for source in graph.sources if source.name == self.entity]
            attributes = [attribute_group(source, aged=aged) for source in own for aged in (False, True)]
            for group in (*graph.groups, *attributes):
                parts = tuple(place for place, part in enumerate(group.by) if part == self.entity)
                if parts:
                    found[state_id(group)] = parts
        return found

    def holds(self, state: str, key: str) -> bool:
        """Whether a state's key is the entity's, or has it as a part."""
        parts = key_parts(key)
        return any(place < len(parts) and parts[place] == self.key for place in self.states.get(state, ()))


def subject_of(text: str, graphs: Iterable[ir.Graph]) -> Subject:
    """Return the subject that ``Card=c42`` names.

    Raises
    ------
    InputError
        The text does not say which entity.
    NotFoundError
        No such entity was ever declared.
    """
    entity, separator, key = text.partition("=")
    if not (entity and separator and key):
        raise InputError(f"{text!r} names no entity", remedy="write ENTITY=KEY, as in: tidewheel forget Card=c42")
    subject = Subject(entity, key, tuple(graphs))
    entities = [source.name for source in subject.sources.values() if source.entity]
    if entity not in entities:
        raise NotFoundError(f"the project has no entity '{entity}'", remedy=likely(entity, entities))
    return subject


def whole_words(values: Iterable[str]) -> re.Pattern[str]:
    """Return what finds values in running text where they stand by themselves.

    Examples
    --------
    >>> whole_words(["c42"]).sub(BLANK, 'state of "c42", not c421')
    'state of "[erased]", not c421'
    """
    longest = sorted({value for value in values if value}, key=lambda value: (-len(value), value))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest))})(?![\w-])")


def scrubbed(value: Any, pattern: re.Pattern[str]) -> Any:
    """Return plain data with what a pattern finds blanked in its texts, and entries of such a name left out.

    A frozen graph of definitions stays: what a declaration says is code, and its hash names versions.
    """
    if isinstance(value, str):
        return pattern.sub(BLANK, value)
    if isinstance(value, Mapping):
        kept = {name: item for name, item in value.items() if not pattern.search(str(name))}
        return {name: item if name == "graph" else scrubbed(item, pattern) for name, item in kept.items()}
    if isinstance(value, list | tuple):
        return [scrubbed(item, pattern) for item in value]
    return value


def _widened(known: ir.Source | None, older: ir.Source) -> ir.Source:
    """Return a source with the columns that an older declaration had and it has no more."""
    if known is None:
        return older
    names = {column.name for column in known.columns}
    gone = tuple(column for column in older.columns if column.name not in names)
    return ir.Source(known.name, known.columns + gone, entity=known.entity) if gone else known
