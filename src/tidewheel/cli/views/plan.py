"""The plan in the terminal: the graph from events to services, each with its hash and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tidewheel.cli.output import when

if TYPE_CHECKING:
    from tidewheel.workspace.summaries import Plan

_TITLES = {
    "event": "events",
    "entity": "entities",
    "features": "features",
    "view": "views",
    "model": "models",
    "service": "services",
}
_MARKS = {"unchanged": " ", "new": "+", "changed": "~", "not deployed": "+"}


def draw_plan(plan: Plan) -> None:
    """Print every declaration under its kind, in the order in which data flows."""
    width = max((len(declared.name) for declared in plan.declared), default=0)
    for kind, title in _TITLES.items():
        found = [declared for declared in plan.declared if declared.kind == kind]
        if found:
            click.secho(title, bold=True)
        for declared in found:
            reads = f"  <- {', '.join(declared.reads)}" if declared.reads else ""
            state = "" if declared.state == "unchanged" else f"  ({declared.state})"
            state += f"  warning: {declared.warning}" if declared.warning else ""
            click.echo(f"  {_MARKS[declared.state]} {declared.name:<{width}}  {declared.digest[:10]}{reads}{state}")
            if declared.score:
                click.echo(f"    {'':<{width}}  {declared.score}")
    if plan.live_since is None:
        click.echo("\nnothing is live yet: the first ingest, train or up makes these definitions live")
    elif plan.changes:
        click.echo(f"\nagainst what is live since {when(plan.live_since)}:")
        for change in plan.changes:
            click.echo(f"  {change}")
        for column in plan.schema:
            click.echo(f"  {column.verdict}: {column.source}: {column.what}")
            if column.remedy:
                click.echo(f"    {column.remedy}")
    else:
        click.echo(f"\nno change against what is live since {when(plan.live_since)}")
