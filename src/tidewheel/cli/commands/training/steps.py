"""``tidewheel steps``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tidewheel.registry.runs.runs import Run
    from tidewheel.workspace import Workspace


@click.command()
@click.argument("run")
@click.option("--show", metavar="STEP", help="Print what a step that the project added returned.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def steps(context: click.Context, run: str, show: str | None, as_json: bool) -> None:
    """Show the steps of a run (its id, or a version's name): keys, what was reused, attempts, seconds.

    \b
    Example:
      tidewheel steps 01J8Z3
      tidewheel steps Fraud@3 --json
      tidewheel steps Fraud@3 --show surprises
    """
    from tidewheel.cli.output import opened, print_json, print_table, when
    from tidewheel.registry.runs.runs import get_run
    from tidewheel.registry.runs.steps import step_records
    from tidewheel.registry.runs.unfinished import close_killed
    from tidewheel.registry.versions.versions import get_version

    with opened(context, declarations=False) as workspace:
        catalog = workspace.stores.catalog
        close_killed(catalog)
        found = get_run(catalog, get_version(catalog, run).run if "@" in run else run)
        records = step_records(catalog, found.id)
        returned = _returned(workspace, found, show) if show else None
    if show:
        _print(returned, as_json)
        return
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


def _returned(workspace: Workspace, run: Run, step: str) -> Any:
    from tidewheel.errors import NotFoundError
    from tidewheel.registry.models.plain import read_plain

    prefix = "step "
    if prefix + step not in run.artifacts:
        added = ", ".join(name.removeprefix(prefix) for name in run.artifacts if name.startswith(prefix))
        remedy = f"it added {added}" if added else "declare one: @tw.pipeline.step()"
        raise NotFoundError(f"run {run.id} has no added step {step!r}", remedy=remedy)
    artifacts = workspace.stores.artifacts
    return read_plain(artifacts.read(artifacts.current(run.artifacts[prefix + step])))


def _print(value: Any, as_json: bool) -> None:
    import pyarrow as pa

    from tidewheel.cli.output import print_json, print_table

    if isinstance(value, pa.Table) and not as_json:
        print_table(value.column_names, [list(row.values()) for row in value.to_pylist()])
    elif isinstance(value, pa.Table):
        print_json(value.to_pylist())
    else:
        print_json(value)
