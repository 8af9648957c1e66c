"""What has a model trained again: the clock, labels that came, data that grew old. Drift is `rollout`'s."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.definitions.models.labels import tellers_of
from tidewheel.registry.runs.runs import Run, list_runs, running_runs
from tidewheel.registry.runs.unfinished import close_killed
from tidewheel.rollout import RetrainLoop
from tidewheel.rollout.loop import Trigger
from tidewheel.runtime.due import Schedule, show
from tidewheel.runtime.schedule import Done, Later, Work

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

HOURLY = Schedule(every="interval", interval=3_600_000_000)
"""How often it is looked whether something has happened that asks for a training."""
DAY = 86_400_000_000


def retrain_jobs(workspace: Workspace, loop: RetrainLoop, model: ir.Model) -> dict[str, tuple[Schedule, Work]]:
    """Return the jobs that have a model trained again, by name."""
    policy = model.retrain
    if policy is None:
        return {}
    jobs: dict[str, tuple[Schedule, Work]] = {}
    if policy.every or policy.cron:
        when = Schedule(every=policy.every or "cron", cron=policy.cron, tz=policy.tz, missed=policy.missed)
        jobs[f"retrain {model.name}"] = (when, partial(_on_schedule, workspace, loop, model, when))
    if policy.on_labels:
        jobs[f"labels of {model.name}"] = (HOURLY, partial(_on_labels, workspace, loop, model, policy.on_labels))
    if policy.on_age:
        jobs[f"age of {model.name}"] = (HOURLY, partial(_on_age, workspace, loop, model, policy.on_age))
    return jobs


def _on_schedule(workspace: Workspace, loop: RetrainLoop, model: ir.Model, when: Schedule, due: int) -> str:
    """Train a challenger; later, while as many trainings are under way as there may be."""
    busy = _in_the_way(workspace, model)
    if busy:
        raise Later(busy)
    return _retrain(loop, model, f"{when.describe()}, due {show(due)}", "schedule")


def _in_the_way(workspace: Workspace, model: ir.Model) -> str:
    """Return what keeps a training from beginning now: another of this model, or too many of any; "" for nothing."""
    catalog, most = workspace.stores.catalog, workspace.stores.settings.trainings
    close_killed(catalog)
    under_way = [run for run in running_runs(catalog) if not run.rerun_of]
    own = next((run for run in under_way if run.model == model.name), None)
    if own is not None:
        return f"run {own.id} of {model.name} is under way"
    if len(under_way) < most:
        return ""
    told = ", ".join(f"{run.id} of {run.model}" for run in under_way)
    return f"{len(under_way)} of at most {most} trainings are under way: {told}"


def _retrain(loop: RetrainLoop, model: ir.Model, cause: str, trigger: Trigger) -> str:
    return "a challenger runs as canary" if loop.retrain(model.name, cause, trigger) else "no challenger"


def _asked(workspace: Workspace, loop: RetrainLoop, model: ir.Model, said: str, trigger: Trigger) -> Done:
    """Train a challenger for what a look found, unless something is in the way; it is looked at again in an hour."""
    busy = _in_the_way(workspace, model)
    did = f"not now: {busy}" if busy else _retrain(loop, model, said, trigger)
    return Done(f"{said}: {did}", said)


def _on_labels(workspace: Workspace, loop: RetrainLoop, model: ir.Model, wanted: int, due: int) -> str | Done:
    last = _last(workspace, model)
    if last is None:
        return "never trained: nothing to compare with"
    sources = tellers_of(model)
    offsets = [workspace.history.scan(name, [])["_offset"] for name in sources]
    came = sum(int(pc.sum(pc.greater_equal(offset, _head(last))).as_py() or 0) for offset in offsets)
    told = " and ".join(sources)
    if came < wanted:
        return f"{came:,} of {wanted:,} {told} events since run {last.id}"
    return _asked(workspace, loop, model, f"{came:,} new {told} events since run {last.id}", "labels")


def _on_age(workspace: Workspace, loop: RetrainLoop, model: ir.Model, oldest: int, due: int) -> str | Done:
    last = _last(workspace, model)
    if last is None:
        return "never trained: nothing to compare with"
    age = workspace.stores.clock.now() - _as_of(last)
    if age < oldest:
        return f"run {last.id} saw data up to {age / DAY:.1f} days ago"
    return _asked(workspace, loop, model, f"what was learnt from is {age / DAY:.1f} days old", "age")


def _last(workspace: Workspace, model: ir.Model) -> Run | None:
    """Return the last training of a model, however it ended: one that fails is not tried again each hour."""
    return next((run for run in list_runs(workspace.stores.catalog, model.name) if not run.rerun_of), None)


def _head(run: Run) -> int:
    return int(run.parameters.get("head", run.lineage.log_head))


def _as_of(run: Run) -> int:
    return int(run.parameters.get("as_of", run.lineage.as_of) or run.started)
