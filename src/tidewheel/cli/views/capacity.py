"""What a server takes, in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tidewheel.capacity.picture import terminal

if TYPE_CHECKING:
    from tidewheel.capacity.sizing import Point
    from tidewheel.workspace.rollouts.capacity import Capacity, Load


def print_point(found: Point) -> None:
    """Say on standard error how one rate went, while the next one runs."""
    click.echo(f"{found.rate:10,.0f} requests/s   p50 {found.p50:.2f}   p99 {found.p99:.2f} ms", err=True)


def print_capacity(capacity: Capacity, load: Load) -> None:
    """Print percentiles by rate, a small picture, the knee and the cores."""
    from tidewheel.cli.output import print_table

    headers = ["asked/s", "good/s", "p50 ms", "p90", "p99", "p99.9", "most", "failed", "server cores", "client"]
    rows = [
        [
            f"{p.rate:,.0f}",
            f"{p.answered:,.0f}",
            *(f"{value:.2f}" for value in (p.p50, p.p90, p.p99, p.p999, p.most)),
            f"{p.failed:.2%}",
            None if p.server is None else f"{p.server:.2f}",
            f"{p.client:.0%}",
        ]
        for p in capacity.points
    ]
    print_table(headers, rows, title=f"{capacity.service} on {capacity.url}: {capacity.asked}")
    for line in terminal(capacity.points, load.p99):
        click.echo(line)
    for line in said_of(capacity):
        click.echo(line)


def said_of(capacity: Capacity) -> list[str]:
    """Return the knee, the cores and what to think of, as sentences."""
    sizing, said = capacity.sizing, []
    if sizing is not None:
        knee = f"{sizing.knee:,.0f} requests/s kept p99 within {sizing.p99:g} ms"
        said.append(f"{knee}, on {sizing.provided:.3g} cores of the server" + ("" if sizing.found else " (or more)"))
        cost = "" if sizing.cost is None else f", {sizing.cost:,.2f} an hour"
        most = "" if sizing.found else "at most "
        said.append(f"{sizing.target:,.0f} requests/s at p99 {sizing.p99:g} ms take {most}{sizing.cores:,} cores{cost}")
        if sizing.per_request is not None:
            said.append(f"one request takes {sizing.per_request:,.0f} µs of the server's processors, all processes")
    return [*said, *(f"note: {caveat}" for caveat in capacity.caveats)]
