"""Deployments that follow trainings: carried out when nobody is waited for any more, also after a kill.

What is to be done is what was declared when the version was trained: its bundle says it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from tidewheel.definitions import ir
from tidewheel.errors import TidewheelError
from tidewheel.registry.models.bundles import load_manifest
from tidewheel.registry.pointers.approvals import missing_approvals
from tidewheel.registry.pointers.environments import promote
from tidewheel.registry.pointers.pointers import find_deployment
from tidewheel.registry.pointers.ramps import Rollout
from tidewheel.registry.runs.following import DEPLOY, open_deployments, take_deployment
from tidewheel.registry.runs.steps import StepRecord, end_step
from tidewheel.registry.runs.unfinished import Pulse
from tidewheel.registry.versions.names import member_of
from tidewheel.registry.versions.versions import Version, get_version, version_of_run
from tidewheel.workspace.rollouts.deploying import deploy

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

log = logging.getLogger("tidewheel.following")
WHO = "the training's deploy step"


def carry_on(workspace: Workspace, model: str = "") -> list[str]:
    """Deploy the versions whose turn it is, of one model or of all; return a line about each."""
    told = []
    for step in open_deployments(workspace.stores.catalog, model):
        version = version_of_run(workspace.stores.catalog, step.run)
        if version is None or missing_approvals(workspace.stores.catalog, version.name, version.gates):
            continue
        if take_deployment(workspace.stores.catalog, step):
            told.append(_deployed(workspace, step, version))
    return told


def _deployed(workspace: Workspace, step: StepRecord, version: Version) -> str:
    """Carry one deployment out and write down what came of it."""
    catalog, begun = workspace.stores.catalog, time.monotonic()
    status, detail = "failed", "interrupted"
    try:
        with Pulse(catalog, step.run):
            get_version(catalog, version.name)  # which may be given up since
            detail = _moved(workspace, version)
        status = "done"
    except TidewheelError as error:
        detail = str(error)
        log.warning("%s: %s", version.name, detail)
    finally:
        end_step(catalog, step.run, step.seq, status=status, detail=detail, seconds=time.monotonic() - begun)
    return f"{DEPLOY} {version.name}: {detail}"


def _moved(workspace: Workspace, version: Version) -> str:
    stores = workspace.stores
    models = load_manifest(stores.artifacts, version.bundle).graph.models
    pipeline = next(model.pipeline for model in models if model.name == version.model)
    how = pipeline.deploy if pipeline is not None and pipeline.deploy is not None else ir.Deploy()
    cause = f"run {version.run}"
    if how.environment:
        promote(stores.catalog, version, how.environment, why=cause, who=WHO)
        return f"stands in {how.environment}"
    services = [service.name for service in workspace.project.graph.services if version.model in service.members]
    if not services:
        return "no service has this model: it answers nothing"
    return "; ".join(f"{service}: {_pointed(workspace, version, service, how.canary, cause)}" for service in services)


def _pointed(workspace: Workspace, version: Version, service: str, canary: float, cause: str) -> str:
    """Point one service at a version, unless it points there already or at a newer one."""
    standing = find_deployment(workspace.stores.catalog, service)
    lineups = (standing.champion, standing.challenger) if standing is not None else ("", "")
    champion, challenger = (member_of(lineup, version.model) for lineup in lineups)
    newer = [name for name in (champion, challenger) if _number(name) > version.number]
    if newer:
        return f"{newer[0]} is newer"
    how = Rollout("canary", canary) if champion and canary else None
    if version.name not in (champion, challenger):
        deploy(
            workspace.stores, workspace.project.graph, version.name, service, how,
            cause=cause, who=WHO, sync=workspace.sync,
        )  # fmt: skip
        workspace.follow()
    return "answers all" if how is None else f"answers {canary:.0%}"


def _number(version: str) -> int:
    return int(version.rpartition("@")[2] or 0)
