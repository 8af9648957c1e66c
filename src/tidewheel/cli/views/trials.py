"""A search as a table."""

from __future__ import annotations

import click

from tidewheel.cli.output import print_table
from tidewheel.registry.runs.trials import Search


def print_trials(found: Search) -> None:
    """Print the trials, the best one marked, and each parameter's share."""
    if not found.trials:
        click.echo(f"run {found.run} searched nothing: its model declares no search")
        return
    names = sorted({name for trial in found.trials for name in trial.parameters})
    best = found.best
    rows = [
        [
            f"{trial.number}{' *' if trial.number == best else ''}",
            trial.state,
            trial.value,
            *(trial.parameters.get(name) for name in names),
            f"{trial.seconds:.2f} s",
            trial.error[:60],
        ]
        for trial in found.trials
    ]
    print_table(["trial", "state", "value", *names, "took", "error"], rows, title=f"run {found.run}")
    if found.summary:
        click.echo(f"{found.summary['sampler']}, ended by: {found.summary['stopped']}; * is the best")
        shares = found.summary.get("importance") or {}
        for name, share in sorted(shares.items(), key=lambda item: -item[1]):
            click.echo(f"  {name:<24} {share:6.1%} of what told good trials from the rest")
