"""``tidewheel tick`` and ``schedules``."""

from __future__ import annotations

import click

from tidewheel.errors import LeaseError


@click.command()
@click.option("--job", metavar="JOB", help="Do this one alone, whether it is due or not.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def tick(context: click.Context, job: str | None, as_json: bool) -> None:
    """Do everything that is due, once, and end: for a cron of your own, where `tidewheel up` does not run.

    Each due time is done once, however often this is called. While `tidewheel up` runs, there is nothing to do.
    The history of a job says who began each run of it.

    \b
    Example:
      */10 * * * *  tidewheel -C /srv/fraud tick
      tidewheel tick --job "retrain Fraud"
    """
    from tidewheel.cli.output import opened, print_json, when
    from tidewheel.registry.versions.names import current_user
    from tidewheel.workspace.processes.keeper import Keeper

    with opened(context) as workspace:
        workspace.publish()
        try:
            keeper = Keeper(workspace, by=f"tidewheel tick of {current_user()}")
        except LeaseError as error:
            click.echo(f"nothing to do here: {error}", err=True)
            return
        try:
            done = keeper.run_now(job) if job else keeper.step()
            waiting = keeper.waiting
        finally:
            keeper.close()
    if as_json:
        print_json(done)
        return
    for run in done:
        click.echo(f"{run.status:6}  {run.job}, due {when(run.due)}: {run.detail}")
    for name, reason in waiting.items():
        click.echo(f"waits   {name}: {reason}")
    if not done and not waiting:
        click.echo("nothing is due")


@click.command()
@click.argument("job", default="")
@click.option("--most", default=20, show_default=True, help="How many runs of one job, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def schedules(context: click.Context, job: str, most: int, as_json: bool) -> None:
    """List schedules: when each is due next and what came of it last; or the history of one.

    \b
    Example:
      tidewheel schedules
      tidewheel schedules "retrain Fraud"
    """
    from tidewheel.cli.output import opened, print_json, print_table, when
    from tidewheel.runtime.due import next_due
    from tidewheel.runtime.schedule import job_history, known_jobs, newest_runs

    with opened(context, declarations=False) as workspace:
        catalog, now = workspace.stores.catalog, workspace.stores.clock.now()
        if job:
            history = job_history(catalog, job, most)
        else:
            newest = newest_runs(catalog)
            known = [(name, when_, newest.get(name)) for name, when_ in known_jobs(catalog).items()]
    if job and as_json:
        print_json(history)
    elif job:
        rows = [[when(r.due), r.cause, r.status, r.attempt, when(r.finished), r.detail] for r in history]
        print_table(["due", "begun by", "status", "attempts", "finished", "what came of it"], rows)
    elif as_json:
        print_json([{"job": n, "schedule": s, "next": next_due(s, now), "last": last} for n, s, last in known])
    else:
        print_table(
            ["job", "schedule", "next", "last", "status", "what came of it"],
            [
                [name, s.describe(), when(next_due(s, now)), when(last.due if last else None),
                 last.status if last else "-", last.detail if last else ""]
                for name, s, last in known
            ],
        )  # fmt: skip
