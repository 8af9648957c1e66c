"""``tidewheel versions``, ``promote``, ``environments``, ``tag``, ``note`` and ``delete``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tidewheel.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidewheel.registry.pointers.environments import Change
    from tidewheel.registry.versions.search import Known


@click.command()
@click.argument("model", default="")
@click.option("--where", default="", metavar="CONDITION", help="Only those of which it holds; see docs/registry.md.")
@click.option("--most", default=30, show_default=True, help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def versions(context: click.Context, model: str, where: str, most: int, as_json: bool) -> None:
    """List versions, newest first, with their tags and where they stand.

    \b
    Example:
      tidewheel versions Fraud
      tidewheel versions --where "metric.average_precision > 0.6 and tag.team = 'risk'" --json
    """
    from tidewheel.cli.output import opened, print_json

    with opened(context, declarations=False) as workspace:
        found = workspace.find_versions(model, where, most)
    print_json(found) if as_json else _print_versions(found)


@click.command()
@click.argument("version")
@click.option("--to", "environment", required=True, metavar="NAME", help="development, staging, production, or yours.")
@click.option("--why", default="", help="The reason, for the history.")
@click.option("--force", is_flag=True, help="Also a version that did not pass its gates; recorded with your name.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def promote(context: click.Context, version: str, environment: str, why: str, force: bool, as_json: bool) -> None:
    """Make a version stand in an environment. Moves no traffic: `tidewheel deploy` does.

    \b
    Example:
      tidewheel promote Fraud@3 --to staging --why "better on new cards"
      tidewheel promote Fraud@staging --to production
    """
    from tidewheel.cli.output import opened, print_json

    with opened(context, declarations=False) as workspace:
        standing = workspace.promote(version, environment, why=why, force=force)
    if as_json:
        print_json(standing)
    else:
        click.echo(f"{standing.version} stands in {standing.environment} (revision {standing.revision})")


@click.command()
@click.argument("model", default="")
@click.option("--history", "past", is_flag=True, help="What was moved: when, by whom, why, from what.")
@click.option("--clear", "emptied", metavar="NAME", help="Leave this environment of the model empty.")
@click.option("--why", default="", help="The reason for --clear, for the history.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def environments(context: click.Context, model: str, past: bool, emptied: str | None, why: str, as_json: bool) -> None:
    """Show which version stands in which environment.

    \b
    Example:
      tidewheel environments Fraud --history
      tidewheel environments Fraud --clear staging --why "trial over"
    """
    from tidewheel.cli.output import opened, print_json, print_table, when

    if emptied and not model:
        raise InputError("no model is named", remedy="write tidewheel environments MODEL --clear NAME")
    with opened(context, declarations=False) as workspace:
        if emptied:
            workspace.clear_environment(model, emptied, why=why)
        stands, changes = workspace.environments(model), workspace.environment_changes(model) if past else []
    if as_json:
        print_json({"environments": stands, "history": changes} if past else stands)
        return
    rows = [[s.model, s.environment, s.version, when(s.since), s.who, s.why or "-"] for s in stands]
    print_table(["model", "environment", "version", "since", "by", "why"], rows)
    if past:
        _print_changes(changes)


@click.command()
@click.argument("version")
@click.argument("tags", nargs=-1, metavar="[NAME=VALUE...]")
@click.option("--remove", multiple=True, metavar="NAME", help="Take a tag away; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def tag(context: click.Context, version: str, tags: tuple[str, ...], remove: tuple[str, ...], as_json: bool) -> None:
    """Tag a version, to find it by. The tag `pinned` keeps it from being deleted.

    \b
    Example:
      tidewheel tag Fraud@3 team=risk reviewed=yes
      tidewheel tag Fraud@3 pinned="audit of 2026"
      tidewheel tag Fraud@3 --remove reviewed
    """
    from tidewheel.cli.output import opened, print_json, print_table

    given = {}
    for word in tags:
        name, sign, value = word.partition("=")
        if not sign:
            raise InputError(f"can't read {word!r}", remedy="write name=value, such as team=risk")
        given[name] = value
    with opened(context, declarations=False) as workspace:
        known = workspace.tag(version, given, remove=remove)
    print_json(known) if as_json else print_table(["tag", "value"], [[name, known[name]] for name in known])


@click.command()
@click.argument("version")
@click.argument("text", default="")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def note(context: click.Context, version: str, text: str, as_json: bool) -> None:
    """Write a note about a version, or read what was written.

    \b
    Example:
      tidewheel note Fraud@3 "weak on prepaid cards; ask Ann before production"
      tidewheel note Fraud@3
    """
    from tidewheel.cli.output import opened, print_json, when

    with opened(context, declarations=False) as workspace:
        if text:
            workspace.note(version, text)
        found = workspace.notes(version)
    if as_json:
        print_json(found)
        return
    for written in found:
        click.echo(f"{when(written.at)} {written.who}: {written.text}")


@click.command()
@click.argument("version")
@click.option("--why", default="", help="The reason, for the record.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def delete(context: click.Context, version: str, why: str, as_json: bool) -> None:
    """Give a version up. Refused while a service or an environment points at it, or it is pinned.

    Its record stays: `tidewheel gc --delete` takes its files.

    \b
    Example:
      tidewheel delete Fraud@2 --why "trained on the wrong labels"
    """
    from tidewheel.cli.output import opened, print_json

    with opened(context, declarations=False) as workspace:
        name = workspace.delete_version(version, why=why)
    print_json({"deleted": name}) if as_json else click.echo(f"{name} is deleted; its record stays")


def _print_versions(found: Sequence[Known]) -> None:
    from tidewheel.cli.output import print_table, when

    rows = []
    for known in found:
        version = known.version
        leading = next((m for m in version.metrics if m.split == "test"), None)
        rows.append([
            version.name, when(version.created), version.who, "yes" if version.passed else "NO",
            f"{leading.metric} {leading.value:.4f}" if leading is not None and leading.value is not None else "-",
            ", ".join(known.environments) or "-",
            ", ".join(f"{name}={value}" for name, value in known.tags.items()) or "-",
        ])  # fmt: skip
    print_table(["version", "made", "by", "gates passed", "on the test rows", "stands in", "tags"], rows)


def _print_changes(changes: Sequence[Change]) -> None:
    from tidewheel.cli.output import print_table, when

    def named(change: Change, number: int | None) -> str:
        return f"{change.model}@{number}" if number is not None else "nothing"

    rows = [
        [when(c.at), c.model, c.environment, named(c, c.before), named(c, c.after), c.who, c.why or "-"]
        for c in changes
    ]
    print_table(["when", "model", "environment", "from", "to", "by", "why"], rows, title="history, newest first")
