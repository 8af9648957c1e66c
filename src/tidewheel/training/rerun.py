"""Doing a run again from its id, and saying what came out the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tidewheel.definitions import reachable
from tidewheel.errors import NotFoundError, TrainingError
from tidewheel.registry.models.exports import CAUSE as EXPORT
from tidewheel.registry.runs.datasets import get_dataset
from tidewheel.registry.runs.runs import Lineage, Metric, Run, finish_run, get_run, start_run
from tidewheel.registry.runs.snapshots import read_manifest, read_snapshot
from tidewheel.training.context import Progress, TrainingContext
from tidewheel.training.differences import data_differences, prediction_differences, reason
from tidewheel.training.execute import Settings, execute
from tidewheel.training.fit.estimators import shown
from tidewheel.training.steps import Steps
from tidewheel.training.train import lake_tables, recorded, run_artifacts, run_lineage, run_parameters

SPLITS = ("test", "train", "baseline")


@dataclass(frozen=True)
class RerunReport:
    """What a repetition showed.

    Attributes
    ----------
    original, run_id : str
        The run repeated, and the run that repeated it. No version comes of it.
    same_data, same_metrics, same_predictions : bool
        The data set's hash, every metric with its interval, and every test row's score are equal, to the bit.
    differences : list of str
        A sentence for each thing that differs: rows, columns, scores, metrics.
    changed : list of str
        What was different to begin with: code, definitions, libraries, lake tables (these grow; rows past
        the run's log head are not seen).
    metrics : list of Metric
        Of the repetition.
    why : str
        Where the two parted, and which of the changes may have done it; "" when they are the same.
    """

    original: str
    run_id: str
    same_data: bool
    same_metrics: bool
    same_predictions: bool
    differences: list[str]
    changed: list[str]
    metrics: list[Metric]
    why: str = ""

    @property
    def same(self) -> bool:
        """True when data, metrics and predictions all came out the same."""
        return self.same_data and self.same_metrics and self.same_predictions


def rerun(context: TrainingContext, run_id: str, *, who: str = "", progress: Progress | None = None) -> RerunReport:
    """Repeat a finished run with its instant, log head, seed and parameters, and compare.

    The search is not repeated: the parameters it found are used.

    Raises
    ------
    NotFoundError
        There is no such run, or its model is no longer declared.
    TrainingError
        The run did not finish, or its repetition can't go on.
    """
    original = get_run(context.catalog, run_id)
    if original.status != "done":
        raise TrainingError(
            f"run {original.id} is {original.status}: {original.error or 'it left nothing to compare with'}",
            remedy="name a run that is done; `tidewheel runs` lists them",
        )
    if original.cause == EXPORT:
        of = original.parameters["of"]
        raise TrainingError(f"run {original.id} exported {of}: it trained nothing", remedy=f"tidewheel rerun {of}")
    if original.cause == "import":
        raise TrainingError(f"run {original.id} imported a model: it fitted nothing that could be repeated")
    model = context.model(original.model)
    settings = _settings(context, original)
    run = start_run(
        context.catalog, model.name, cause="rerun", who=who, rerun_of=original.id, parameters=original.parameters
    )
    steps = Steps(context.catalog, run.id, progress)
    with recorded(context, run, steps):
        outcome = execute(context, model, settings, steps)
        artifacts = run_artifacts(context, model, outcome)
        tables = lake_tables(context, reachable(context.graph, [model.name]))
        lineage = run_lineage(context, model, outcome, settings, tables, steps.timings)
        done = finish_run(
            context.catalog, run.id, "done",
            parameters=run_parameters(outcome, settings), lineage=lineage, metrics=outcome.metrics, artifacts=artifacts,
        )  # fmt: skip
        steps.closed = True
    types = [source.name for source in reachable(context.graph, [model.name]).sources]
    redacted = context.history.redactions.rows(types, since=original.finished or original.started)
    changed = _changed(original.lineage, done.lineage) + _packages(context, original, done)
    if redacted:
        changed.append(f"history: {redacted} rows were redacted by erasures since the run")
    return _report(context, original, done, outcome.gathered.data.table(), changed)


def _settings(context: TrainingContext, original: Run) -> Settings:
    parameters = original.parameters
    live = context.models.get(original.model)
    space = dict(getattr(live, "search", {}) or {})
    return Settings(
        as_of=original.lineage.as_of,
        head=original.lineage.log_head,
        seed=int(parameters["seed"]),
        threads=int(parameters["threads"]),
        workers=int(parameters.get("workers", 1)),
        trials=0,
        parents=dict(parameters.get("parents", {})),
        chosen={name: _restored(space.get(name), value) for name, value in parameters["chosen"].items()},
    )


def _restored(space: Any, value: Any) -> Any:
    """Return a chosen value as the object it stood for: one of a choice may have been kept as text."""
    for choice in getattr(space, "choices", ()):
        if shown({"": choice})[""] == value:
            return choice
    return value


def _report(context: TrainingContext, original: Run, again: Run, rows: pa.Table, changed: list[str]) -> RerunReport:
    before, after = _numbers(original), _numbers(again)
    same_data = original.lineage.dataset == again.lineage.dataset
    scores = [run.artifacts.get("predictions", "") for run in (original, again)]
    differences = [] if same_data else _data(context, original, again, rows)
    if scores[0] != scores[1]:
        kept = [_content(context, digest) for digest in scores]
        differences += prediction_differences(*kept) if all(kept) else ["predictions: those of then are not kept"]
    differences += [
        f"{split} {name}: {_said(before.get((split, name)))} then, {_said(after.get((split, name)))} now"
        for split, name in sorted({*before, *after})
        if before.get((split, name)) != after.get((split, name))
    ]
    return RerunReport(
        original=original.id,
        run_id=again.id,
        same_data=same_data,
        same_metrics=before == after,
        same_predictions=scores[0] == scores[1],
        differences=differences,
        changed=changed,
        metrics=again.metrics,
        why=reason(same_data, scores[0] == scores[1], before == after, changed),
    )


def _data(context: TrainingContext, original: Run, again: Run, rows: pa.Table) -> list[str]:
    """Return how the data sets differ: hashes, counts, and where the first one's rows are kept, their values."""
    one, two = original.lineage, again.lineage
    hashes = f"data set: {one.dataset[:12]} then, {two.dataset[:12]} now {_changes('rows', one.rows, two.rows)}"
    try:
        manifest = get_dataset(context.catalog, one.dataset).manifest
        then = read_snapshot(context.artifacts, read_manifest(context.artifacts, manifest)) if manifest else None
    except NotFoundError:
        then = None
    return [
        hashes,
        *(data_differences(then, rows) if then is not None else ["data set: the rows of then are not kept"]),
    ]


def _content(context: TrainingContext, digest: str) -> bytes:
    """Return what an artifact holds, nothing when it is not kept any more."""
    try:
        return context.artifacts.get(digest).read_bytes() if digest else b""
    except NotFoundError:
        return b""


def _numbers(run: Run) -> dict[tuple[str, str], tuple[float | None, ...]]:
    return {(m.split, m.metric): (m.value, m.low, m.high) for m in run.metrics if m.split in SPLITS}


def _said(numbers: tuple[float | None, ...] | None) -> str:
    if numbers is None or numbers[0] is None:
        return "nothing"
    return f"{numbers[0]!r}" if math.isfinite(numbers[0]) else "undefined"


def _changed(before: Lineage, after: Lineage) -> list[str]:
    found = []
    if (before.commit, before.dirty_patch) != (after.commit, after.dirty_patch):
        found.append(f"code: commit {before.commit[:12] or 'none'}{'+' * bool(before.dirty_patch)} then, "
                     f"{after.commit[:12] or 'none'}{'+' * bool(after.dirty_patch)} now")  # fmt: skip
    for what, one, two in (
        ("definition", before.definitions, after.definitions),
        ("library", before.libraries, after.libraries),
        ("lake table", before.tables, after.tables),
    ):
        found += _changes(what, one, two)
    return found


def _packages(context: TrainingContext, original: Run, again: Run) -> list[str]:
    """Return the installed packages that differ, but those that lineage names already."""
    locks = []
    for run in (original, again):
        lines = _content(context, run.artifacts.get("environment", "")).decode().splitlines()
        locks.append(dict(line.split("==", 1) for line in lines if "==" in line and line[0] != "#"))
    if not all(locks):
        return []
    told = {*original.lineage.libraries, *again.lineage.libraries}
    before, after = ({n: v for n, v in lock.items() if n not in told} for lock in locks)
    return _changes("package", before, after)


def _changes(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = sorted({*before, *after})
    return [
        f"{what} {name}: {before.get(name, 'absent')} then, {after.get(name, 'absent')} now"
        for name in names
        if before.get(name) != after.get(name)
    ]
