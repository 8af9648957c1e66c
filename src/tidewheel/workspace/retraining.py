"""What has a model trained again: the clock, labels that came, data that grew old. Drift is `rollout`'s."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.registry.runs import Run, list_runs
from tidewheel.registry.unfinished import close_killed
from tidewheel.rollout import RetrainLoop
from tidewheel.runtime.due import Schedule

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

HOURLY = Schedule(every="interval", interval=3_600_000_000)
"""How often it is looked whether something has happened that asks for a training."""
DAY = 86_400_000_000


def retrain_jobs(
    workspace: Workspace, loop: RetrainLoop, model: ir.Model
) -> dict[str, tuple[Schedule, Callable[[int], str]]]:
    """Return the jobs that have a model trained again, by name."""
    policy = model.retrain
    if policy is None:
        return {}
    jobs: dict[str, tuple[Schedule, Callable[[int], str]]] = {}
    if policy.every or policy.cron:
        when = Schedule(every=policy.every or "cron", cron=policy.cron, tz=policy.tz, missed=policy.missed)
        said = f"{policy.every or policy.cron} schedule"
        jobs[f"retrain {model.name}"] = (when, lambda due: _retrain(workspace, loop, model, said, "schedule"))
    if policy.on_labels:
        jobs[f"labels of {model.name}"] = (HOURLY, partial(_on_labels, workspace, loop, model, policy.on_labels))
    if policy.on_age:
        jobs[f"age of {model.name}"] = (HOURLY, partial(_on_age, workspace, loop, model, policy.on_age))
    return jobs


def _retrain(workspace: Workspace, loop: RetrainLoop, model: ir.Model, cause: str, trigger: Any) -> str:
    """Train a challenger, unless somebody trains the model just now."""
    close_killed(workspace.stores.catalog)
    under_way = next((run for run in list_runs(workspace.stores.catalog, model.name) if run.status == "running"), None)
    if under_way is not None:
        return f"not now: run {under_way.id} of {model.name} is under way"
    return "a challenger runs as canary" if loop.retrain(model.name, cause, trigger) else "no challenger"


def _on_labels(workspace: Workspace, loop: RetrainLoop, model: ir.Model, wanted: int, due: int) -> str:
    last = _last(workspace, model)
    if last is None:
        return "never trained: nothing to compare with"
    events = workspace.history.scan(model.label.source, [])
    came = int(pc.sum(pc.greater_equal(events["_offset"], _head(last))).as_py() or 0)
    if came < wanted:
        return f"{came:,} of {wanted:,} {model.label.source} events since run {last.id}"
    said = f"{came:,} new {model.label.source} events"
    return f"{said}: {_retrain(workspace, loop, model, said, 'labels')}"


def _on_age(workspace: Workspace, loop: RetrainLoop, model: ir.Model, oldest: int, due: int) -> str:
    last = _last(workspace, model)
    if last is None:
        return "never trained: nothing to compare with"
    age = workspace.stores.clock.now() - _as_of(last)
    if age < oldest:
        return f"run {last.id} saw data up to {age / DAY:.1f} days ago"
    said = f"what was learnt from is {age / DAY:.1f} days old"
    return f"{said}: {_retrain(workspace, loop, model, said, 'age')}"


def _last(workspace: Workspace, model: ir.Model) -> Run | None:
    """Return the last training of a model, however it ended: one that fails is not tried again each hour."""
    return next((run for run in list_runs(workspace.stores.catalog, model.name) if not run.rerun_of), None)


def _head(run: Run) -> int:
    return int(run.parameters.get("head", run.lineage.log_head))


def _as_of(run: Run) -> int:
    return int(run.parameters.get("as_of", run.lineage.as_of) or run.started)
