"""Deployments and the workspace's state in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tidewheel.cli.output import print_table, when
from tidewheel.definitions.language.durations import format_duration

if TYPE_CHECKING:
    from tidewheel.registry.parity import ParityCheck
    from tidewheel.registry.pointers.deployments import Deployment, Move
    from tidewheel.runtime.kill_switch import Killed
    from tidewheel.workspace.rollouts.standing import RolloutStatus
    from tidewheel.workspace.summaries import Status


def print_deployments(deployments: Sequence[Deployment]) -> None:
    """Print what services point at."""
    rows = [
        [
            d.service,
            "killed" if d.killed else d.champion or "rules alone",
            challenger_of(d),
            d.previous or "-",
            when(d.since),
            d.who,
            d.cause or "-",
        ]
        for d in deployments
    ]
    print_table(["service", "champion", "challenger", "previous", "since", "by", "why"], rows)


def challenger_of(deployment: Deployment) -> str:
    """Return what stands beside the champion, and how."""
    how = "" if deployment.mode == "canary" else f" {deployment.mode}"
    return f"{deployment.challenger} {deployment.share:.0%}{how}" if deployment.challenger else "-"


def print_moves(moves: Sequence[Move]) -> None:
    """Print who moved what, when and why."""
    rows = [[when(m.at), m.service, m.action, m.after.champion, challenger_of(m.after), m.who, m.cause] for m in moves]
    print_table(["when", "service", "move", "champion", "challenger", "by", "why"], rows, title="moves, newest first")


def print_rollouts(found: Sequence[RolloutStatus]) -> None:
    """Print how rollouts stand, what their guards say, and the moves."""
    print_deployments([status.deployment for status in found])
    for status in found:
        if status.ramp is not None:
            steps = ", ".join(f"{step:.0%}" for step in status.ramp.steps)
            click.echo(f"{status.deployment.service} goes through {steps}, {format_duration(status.ramp.hold)} each")
    asked = [(status.deployment.service, finding) for status in found for finding in status.guards]
    if asked:
        rows = [[name, f.guard, "fires" if f.fired else "holds" if f.enough else "waits", f.said] for name, f in asked]
        print_table(["service", "guard", "", ""], rows, title="guards now")
    print_moves([move for status in found for move in status.moves])


def print_parity(checks: Sequence[ParityCheck]) -> None:
    """Print the newest check of each service's features, and the features that differ."""
    rows = [[check.service, when(check.at), check.checked, check.features, check.differences] for check in checks]
    print_table(["service", "checked at", "decisions", "values", "differ"], rows, title="served features replayed")
    odd = [[c.view, c.feature, c.mismatch, c.missing, c.extra, c.first] for check in checks for c in check.columns]
    if odd:
        print_table(["view", "feature", "mismatch", "missing", "extra", "first"], odd)


def print_killed(off: Sequence[Killed]) -> None:
    """Print what is switched off on this machine."""
    rows = [[entry.name, when(entry.at), entry.who, entry.why or "-"] for entry in off]
    print_table(["switched off", "since", "by", "why"], rows)


def print_status(status: Status) -> None:
    """Print what is served, open alerts and running processes."""
    if status.deployments:
        print_deployments(status.deployments)
    else:
        click.echo("nothing is deployed yet: tidewheel train MODEL, then tidewheel deploy MODEL@1")
    if status.killed:
        print_killed(status.killed)
    if status.alerts:
        rows = [[a.service, a.kind, a.subject, when(a.opened), a.times, a.message] for a in status.alerts]
        print_table(["service", "alert", "of", "since", "times", ""], rows, title="open alerts")
    if status.parity:
        print_parity(status.parity)
    if status.history:
        print_moves(status.history)
    click.echo(f"running: {status.running}" if status.running else "not running; start it: tidewheel up")
