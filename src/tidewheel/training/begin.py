"""How a run begins: anew, or where one that was cut off stopped."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from tidewheel.definitions import digest, ir
from tidewheel.registry.canonical import canonical
from tidewheel.registry.pointers.approvals import missing_approvals
from tidewheel.registry.runs.following import open_deployments
from tidewheel.registry.runs.runs import Run, get_run, start_run
from tidewheel.registry.runs.steps import step_records
from tidewheel.registry.runs.unfinished import machine_time, take_up
from tidewheel.registry.versions.versions import version_of_run
from tidewheel.runtime.alive import alive
from tidewheel.training.context import Progress, TrainingContext
from tidewheel.training.execute import Settings
from tidewheel.training.keys import release


def run_key(model: ir.Model, settings: Settings, as_of: int | None) -> str:
    """Return the hash of what was asked for: the declaration and the settings, not the instant that "now" was."""
    asked = [digest(model), settings.seed, settings.trials, settings.limit, as_of]
    return hashlib.sha256(canonical(asked)).hexdigest()


def begin(
    context: TrainingContext,
    model: ir.Model,
    settings: Settings,
    as_of: int | None,
    *,
    cause: str,
    who: str,
    new: bool,
    progress: Progress | None,
) -> tuple[Run, Settings, bool]:
    """Return the run to go on with, its settings, and whether it was cut off before.

    A run that was cut off goes on with what it began with, also where another would be given now: the instant, the
    log's head, the number of threads. So its steps' outputs are still the right ones.
    """
    key = run_key(model, settings, as_of)
    found = None if new else take_up(context.catalog, key) or _undeployed(context, key)
    if found is None:
        pinned = {name: getattr(settings, name) for name in ("seed", "threads", "as_of", "head", "parents")}
        pinned["release"] = release()
        return start_run(context.catalog, model.name, cause=cause, who=who, parameters=pinned, key=key), settings, False
    if progress:
        done = [step.step for step in step_records(context.catalog, found.id) if step.status == "done"]
        progress(f"go on with run {found.id}, which was cut off after {', '.join(dict.fromkeys(done)) or 'nothing'}", 1)
    if found.status == "done":
        return found, settings, True
    begun = found.parameters
    if progress and begun.get("release") != release():
        progress("tidewheel's code or its libraries' versions are others since: what the steps left is made anew", 1)
    return found, replace(
        settings,
        as_of=int(begun["as_of"]),
        head=int(begun["head"]),
        threads=int(begun.get("threads", settings.threads)),
        parents=dict(begun.get("parents", {})),
    ), True  # fmt: skip


def _undeployed(context: TrainingContext, key: str) -> Run | None:
    """Return the run of a key whose process was killed when all but the deployment of its version was done."""
    for step in reversed(open_deployments(context.catalog, key=key)):
        run, version = get_run(context.catalog, step.run), version_of_run(context.catalog, step.run)
        asked = version is None or missing_approvals(context.catalog, version.name, version.gates)
        if not asked and not alive(run.process, run.seen, machine_time()):
            return run
    return None
