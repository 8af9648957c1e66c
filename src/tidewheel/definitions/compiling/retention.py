"""How long rows are kept, held against how far features and labels look back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.expressions import paths_of
from tidewheel.definitions.language.durations import format_duration
from tidewheel.definitions.models.labels import labels_of, sources_of
from tidewheel.definitions.projects.graphs import canonical_aggregates
from tidewheel.errors import DefinitionError


def check_kept(
    source: ir.Source, sources: Mapping[str, ir.Source], groups: Collection[ir.Group], models: Iterable[ir.Model]
) -> None:
    """Refuse a ``keep=`` that is shorter than what some feature or label looks back over.

    A row must outlive every window that counts it, or a feature that was served could not be computed again. What
    is referred to may be of any age: where a correction folds it again, it must not be gone.

    Raises
    ------
    DefinitionError
    """
    if not source.keep:
        return
    kept = f"{source.name} is kept {format_duration(source.keep)}"
    for group in groups:
        for aggregate in canonical_aggregates(group):
            if aggregate.revisable and source.name in _targets(sources[aggregate.source], aggregate):
                raise DefinitionError(
                    f"{group.name} folds corrections again through a {source.name} of any age, and {kept}: "
                    f"one that is gone would take what refers to it out of the live features",
                    remedy=f"remove keep= from {source.name}, or carry the columns that {group.name} reads of it "
                    f"on {aggregate.source} itself",
                )
    for what, needed in _needs(source.name, groups, models):
        if needed is None:
            raise DefinitionError(
                f"{what} looks back without end, and {kept}",
                remedy="give it a window, or remove keep=",
            )
        if needed > source.keep:
            raise DefinitionError(
                f"{what} looks back {format_duration(needed)}, and {kept}",
                remedy=f"keep it {format_duration(needed)} or longer",
            )


def _needs(source: str, groups: Iterable[ir.Group], models: Iterable[ir.Model]) -> Iterator[tuple[str, int | None]]:
    for group in groups:
        for aggregate in canonical_aggregates(group):
            if aggregate.source == source:
                yield group.name, aggregate.window + aggregate.hop + aggregate.delay if aggregate.window else None
    for model in models:
        for what, label in zip(("label", "where"), labels_of(model), strict=False):
            if source in sources_of(label):
                yield f"the {what} of {model.name}", label.within


def _targets(source: ir.Source, aggregate: ir.Aggregate) -> set[str | None]:
    """Return the event types whose rows an aggregate reads through references of its source."""
    paths = [*aggregate.keys, *paths_of(aggregate.value), *paths_of(aggregate.where)]
    return {column.target for path in paths if len(path) > 1 and (column := source.column(path[0]))}
