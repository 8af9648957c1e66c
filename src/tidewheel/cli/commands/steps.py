"""``tidewheel steps``."""

from __future__ import annotations

import click


@click.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def steps(context: click.Context, run: str, as_json: bool) -> None:
    """Show the steps of a run (its id, or a version's name): keys, what was reused, attempts, seconds.

    \b
    Example:
      tidewheel steps 01J8Z3
      tidewheel steps Fraud@3 --json
    """
    from tidewheel.cli.output import opened, print_json, print_table, when
    from tidewheel.registry.runs import get_run
    from tidewheel.registry.steps import step_records
    from tidewheel.registry.unfinished import close_killed
    from tidewheel.registry.versions import get_version

    with opened(context, declarations=False) as workspace:
        catalog = workspace.stores.catalog
        close_killed(catalog)
        found = get_run(catalog, get_version(catalog, run).run if "@" in run else run)
        records = step_records(catalog, found.id)
    if as_json:
        print_json({"run": found, "steps": records})
        return
    click.echo(f"run {found.id} of {found.model}, {found.status}, begun {when(found.started)} by {found.who}")
    if found.error:
        click.echo(found.error)
    print_table(
        ["step", "status", "key", "reused from", "attempts", "seconds", "what it found"],
        [[r.step, r.status, r.key[:12] or "-", r.reused or "-", r.attempts, r.seconds, r.detail] for r in records],
    )
