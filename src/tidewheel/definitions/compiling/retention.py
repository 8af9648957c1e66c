"""How long rows are kept, held against how far features and labels look back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidewheel.definitions import ir
from tidewheel.definitions.durations import format_duration
from tidewheel.definitions.grades import sources_of
from tidewheel.definitions.graphs import canonical_aggregates
from tidewheel.errors import DefinitionError


def check_kept(source: ir.Source, groups: Iterable[ir.Group], models: Iterable[ir.Model]) -> None:
    """Refuse a ``keep=`` that is shorter than what some feature or label looks back over.

    A row must outlive every window that counts it, or a feature that was served could not be computed again.

    Raises
    ------
    DefinitionError
    """
    if not source.keep:
        return
    kept = f"{source.name} is kept {format_duration(source.keep)}"
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
        if source in sources_of(model.label):
            yield f"the label of {model.name}", model.label.within
