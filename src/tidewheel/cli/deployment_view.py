"""Deployments and the workspace's state in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tidewheel.cli.output import print_table, when

if TYPE_CHECKING:
    from tidewheel.registry.deployments import Deployment
    from tidewheel.registry.parity import ParityCheck
    from tidewheel.runtime.kill_switch import Killed
    from tidewheel.workspace.summaries import Status


def print_deployments(deployments: Sequence[Deployment]) -> None:
    """Print what services point at."""
    rows = [
        [
            d.service,
            "killed" if d.killed else d.champion or "rules alone",
            f"{d.challenger} {d.share:.0%}" if d.challenger else "-",
            d.previous or "-",
            when(d.since),
            d.who,
            d.cause or "-",
        ]
        for d in deployments
    ]
    print_table(["service", "champion", "canary", "previous", "since", "by", "why"], rows)


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
        moves = [
            [when(m.at), m.service, m.action, m.after.champion, m.after.challenger or "-", m.who, m.cause]
            for m in status.history
        ]
        print_table(["when", "service", "move", "champion", "canary", "by", "why"], moves, title="moves, newest first")
    click.echo(f"running: {status.running}" if status.running else "not running; start it: tidewheel up")
