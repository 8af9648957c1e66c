"""``tidewheel gc`` and ``verify``: what is not needed, and whether what is needed is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tidewheel.errors import CorruptError

if TYPE_CHECKING:
    from tidewheel.workspace.features.garbage import Garbage


@click.command()
@click.option("--delete", is_flag=True, help="Delete it; without this, only say what would be deleted.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def gc(context: click.Context, delete: bool, as_json: bool) -> None:
    """Show, or delete, feature states and files that nothing has needed for a while.

    States: no definition, service or deployed version needs them. Files: no version, run, data set, step or pointer
    names them. How long is a while is said by the settings `keep_states` and `keep_artifacts`.

    \b
    Example:
      tidewheel gc
      tidewheel gc --delete
    """
    from tidewheel.cli.output import opened, print_json

    with opened(context) as workspace:
        found = workspace.collect_garbage(dry_run=not delete)
    if as_json:
        print_json(found)
    else:
        _print_garbage(found, "deleted" if delete else "would delete")


def _print_garbage(found: Garbage, verb: str) -> None:
    for version in found.deleted:
        click.echo(f"{verb} state {version.state_id} of {version.name}: {version.entities:,} entities")
    for version in found.waiting:
        click.echo(f"kept for a while: state {version.state_id} of {version.name}")
    files = found.artifacts
    for file in files.deleted:
        click.echo(f"{verb} file {file.digest[:16]}: {file.size:,} bytes")
    if files.waiting:
        held = f" while run {files.waits_for} is under way" if files.waits_for else " for a while"
        click.echo(f"kept{held}: {len(files.waiting):,} files, {sum(file.size for file in files.waiting):,} bytes")
    if not found.deleted and not files.deleted:
        click.echo("nothing to delete")
    elif verb != "deleted":
        click.echo(f"{files.freed:,} bytes of files in all; to delete it: tidewheel gc --delete")


@click.command()
@click.argument("version")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def verify(context: click.Context, version: str, as_json: bool) -> None:
    """Read every file that a version needs and check it by its hash. Ends with status 1 when one is not sound.

    \b
    Example:
      tidewheel verify Fraud@champion
    """
    from tidewheel.cli.output import opened, print_json, print_table

    with opened(context, declarations=False) as workspace:
        name, checks = workspace.verify(version)
    if as_json:
        print_json({"version": name, "files": checks})
    else:
        print_table(["file", "digest", "state", "bytes"], [[c.name, c.digest[:16], c.state, c.size] for c in checks])
    wrong = [check for check in checks if check.state in ("damaged", "missing")]
    if wrong:
        told = ", ".join(f"{check.name} is {check.state}" for check in wrong)
        raise CorruptError(
            f"{name} is not whole: {told}",
            remedy="restore the files from a copy, or train again; tidewheel rollback serves the version before",
        )
