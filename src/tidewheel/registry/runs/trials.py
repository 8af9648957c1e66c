"""Trials of a search, as the catalog keeps them: one row each, written when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from tidewheel.registry.canonical import canonical
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.registry.runs.runs import Run
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import runs, trials

State = Literal["complete", "pruned", "failed"]


class Trial(msgspec.Struct, frozen=True):
    """One proposal and how it did: `value` is None unless it went to its end."""

    number: int
    parameters: dict[str, Any]
    value: float | None
    seconds: float
    error: str = ""
    state: State = "complete"
    steps: tuple[tuple[int, float], ...] = ()
    """What it reported on the way: trees (or folds) so far, and the value."""


class Search(msgspec.Struct, frozen=True):
    """The trials of a run, and what was made of them when the search was over."""

    run: str
    trials: list[Trial]
    summary: dict[str, Any] | None = None
    """The artifact ``tuning``: how it was searched, history, importance; None while the run goes on."""

    @property
    def best(self) -> int | None:
        """Number of the best trial; None while the search goes on."""
        return self.summary["best"] if self.summary else None


def search_of(catalog: Catalog, artifacts: ArtifactStore, run: Run) -> Search:
    """Return a run's trials with their summary; those of an earlier run, where its search was reused."""
    kept = run.artifacts.get("tuning")
    if not kept:
        return Search(run.id, trials_of(catalog, run.id))
    left = msgspec.json.decode(artifacts.get(run.artifacts["trials"]).read_bytes(), type=list[Trial])
    return Search(run.id, left, msgspec.json.decode(artifacts.get(kept).read_bytes()))


def save_trials(catalog: Catalog, run: str, search: str, done: Sequence[Trial]) -> None:
    """Keep trials of a run that ended. Does not wait for the disk: a killed process loses none."""
    rows = [_row(trial) | {"run": run, "search": search, "at": catalog.now()} for trial in done]
    if rows:
        with catalog.write(durable=False) as connection:
            connection.execute(sa.insert(trials), rows)


def trials_of(catalog: Catalog, run: str) -> list[Trial]:
    """Return a run's trials in order."""
    with catalog.read() as connection:
        return _read(connection, run)


def take_over(catalog: Catalog, run: str, search: str) -> list[Trial]:
    """Return what is known already of a search that a run begins.

    The run's own trials if it has any; else those of the newest run that was cut off in the middle of the same
    search, which are copied and so become this run's own.
    """
    with catalog.write() as connection:
        own = sa.select(trials.c.search).where(trials.c.run == run).limit(1)
        found = connection.execute(own).scalar()
        if found == search:
            return _read(connection, run)
        if found is not None:  # the run was asked for something else before it was cut off
            connection.execute(sa.delete(trials).where(trials.c.run == run))
        left = _cut_off(connection, search)
        if left is None:
            return []
        copied = [sa.literal(run).label("run"), *(column for column in trials.c if column.name != "run")]
        query = sa.select(*copied).where(trials.c.run == left)
        connection.execute(sa.insert(trials).from_select([column.name for column in copied], query))
        return _read(connection, run)


def _cut_off(connection: sa.Connection, search: str) -> str | None:
    query = (
        sa.select(trials.c.run)
        .join(runs, runs.c.id == trials.c.run)
        .where(trials.c.search == search, runs.c.status != "done")
        .order_by(runs.c.started.desc(), runs.c.id.desc())
        .limit(1)
    )
    found = connection.execute(query).scalar()
    return None if found is None else str(found)


def _read(connection: sa.Connection, run: str) -> list[Trial]:
    query = sa.select(trials).where(trials.c.run == run).order_by(trials.c.number)
    return [_trial(row) for row in connection.execute(query)]


def _row(trial: Trial) -> dict[str, Any]:
    row = {name: getattr(trial, name) for name in Trial.__struct_fields__}
    return row | {name: canonical(row[name]).decode() for name in ("parameters", "steps")}


def _trial(row: Any) -> Trial:
    values = plain(row)
    for name in ("parameters", "steps"):
        values[name] = msgspec.json.decode(values[name])
    return msgspec.convert({name: values[name] for name in Trial.__struct_fields__}, Trial)
