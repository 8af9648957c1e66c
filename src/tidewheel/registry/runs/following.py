"""What follows a version's registration: a person's word, then its deployment. Each is a step of the run that made it.

They are written in the transaction that registers the version, as waiting. So nothing is forgotten by a process that
dies: whoever looks next, and may act, takes up what waits and what a dead process began.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from tidewheel.registry.runs.runs import Verdict
from tidewheel.registry.runs.steps import Status, StepRecord, add_step
from tidewheel.registry.runs.unfinished import machine_time
from tidewheel.runtime.alive import alive, this_process
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import approvals, run_steps, runs

APPROVE, DEPLOY = "approve", "deploy"
_OPEN = ("waiting", "running")


def open_following(connection: sa.Connection, run: str, verdicts: Sequence[Verdict], *, deploys: bool, at: int) -> None:
    """Write down what follows a run, in the transaction that registers its version."""
    asked = sorted({name for verdict in verdicts if verdict.waits for name in verdict.approvers})
    failed = [verdict.gate for verdict in verdicts if not verdict.passed and not verdict.waits]
    if asked:
        add_step(connection, run, APPROVE, at=at, status="waiting", detail=f"asked {', '.join(asked)}")
    if deploys and failed:
        add_step(connection, run, DEPLOY, at=at, status="skipped", detail=f"did not pass {', '.join(failed)}")
    elif deploys:
        add_step(connection, run, DEPLOY, at=at, status="waiting", detail="")


def settle_approval(connection: sa.Connection, run: str, version: str, at: int) -> None:
    """End the step that waits for people when the last of them answered; a deployment that one refused is skipped."""
    query = sa.select(approvals.c.answer, approvals.c.who, approvals.c.gate).where(approvals.c.version == version)
    answers = connection.execute(query).all()
    refused = [f"{row.gate} rejected by {row.who}" for row in answers if row.answer == "rejected"]
    if refused:
        _close(connection, run, APPROVE, "failed", "; ".join(refused), at)
        _close(connection, run, DEPLOY, "skipped", "; ".join(refused), at)
    elif all(row.answer for row in answers):
        told = "; ".join(f"{row.gate} approved by {row.who}" for row in answers)
        _close(connection, run, APPROVE, "done", told, at)


def _close(connection: sa.Connection, run: str, step: str, status: Status, detail: str, at: int) -> None:
    mine = sa.and_(run_steps.c.run == run, run_steps.c.step == step, run_steps.c.status == "waiting")
    seconds = sa.cast(at - run_steps.c.at, sa.Float) / 1e6
    connection.execute(sa.update(run_steps).where(mine).values(status=status, detail=detail, seconds=seconds))


def open_deployments(catalog: Catalog, model: str = "", key: str = "") -> list[StepRecord]:
    """Return the deployments that wait or were cut off, oldest first; of one model, or of runs of one key."""
    query = sa.select(run_steps, runs.c.process, runs.c.seen).join(runs, runs.c.id == run_steps.c.run)
    query = query.where(run_steps.c.step == DEPLOY, run_steps.c.status.in_(_OPEN), runs.c.status == "done")
    for column, wanted in ((runs.c.model, model), (runs.c.key, key)):
        if wanted:
            query = query.where(column == wanted)
    with catalog.read() as connection:
        found = connection.execute(query.order_by(run_steps.c.at, run_steps.c.run)).all()
    free = [row for row in found if row.status == "waiting" or not alive(row.process, row.seen, machine_time())]
    return [StepRecord(**{name: plain(row)[name] for name in StepRecord.__struct_fields__}) for row in free]


def take_deployment(catalog: Catalog, step: StepRecord) -> bool:
    """Begin, or go on with, a deployment that is open; False when another process was quicker."""
    same = sa.and_(run_steps.c.run == step.run, run_steps.c.seq == step.seq, run_steps.c.status == step.status)
    mine = {"process": this_process(), "seen": machine_time()}
    with catalog.write() as connection:
        again = sa.and_(same, run_steps.c.attempts == step.attempts)
        values = {"status": "running", "at": catalog.now(), "attempts": step.attempts + (step.status == "running")}
        taken = connection.execute(sa.update(run_steps).where(again).values(**values)).rowcount == 1
        if taken:
            connection.execute(sa.update(runs).where(runs.c.id == step.run).values(**mine))
    return taken
