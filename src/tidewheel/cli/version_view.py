"""Runs and versions in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from tidewheel.cli.output import print_json, print_table, when

if TYPE_CHECKING:
    from tidewheel.registry.runs import Metric, Run, Verdict
    from tidewheel.registry.versions import Version
    from tidewheel.training import TrainResult


def print_trained(result: TrainResult) -> None:
    """Print what a run made: rows, metrics with intervals, gates, what to do next."""
    counts = ", ".join(f"{count:,} {what}" for what, count in result.counts.items())
    click.echo(f"{result.version} from run {result.run_id} in {result.seconds:.1f} s\nrows: {counts}")
    _print_metrics(result.metrics)
    for finding in result.findings:
        click.secho(f"warning: {finding}", fg="yellow")
    for note in result.notes:
        click.echo(f"note: {note}")
    _print_gates(result.verdicts)
    if result.deployable:
        click.echo(f"deploy it: tidewheel deploy {result.version}")


def print_runs(runs: Sequence[Run], versions: Mapping[str, str]) -> None:
    """Print runs, newest first, with the version that each made."""
    rows = [
        [
            run.id,
            run.model,
            versions.get(run.id, "-"),
            run.status,
            when(run.started),
            run.cause or "-",
            run.error or "-",
        ]
        for run in runs
    ]
    print_table(["run", "model", "version", "status", "started", "cause", "error"], rows)


def print_version(version: Version, run: Run) -> None:
    """Print a version's metrics, gates and lineage."""
    click.echo(
        f"{version.name}, made {when(version.created)} by {version.who}, run {version.run}, bundle {version.bundle[:16]}"
    )
    _print_metrics(version.metrics)
    _print_gates(version.gates)
    click.secho("parameters", bold=True)
    print_json(run.parameters)
    click.secho("lineage", bold=True)
    print_json(run.lineage)


def _print_metrics(metrics: Sequence[Metric]) -> None:
    rows = [[metric.split, metric.metric, metric.value, metric.low, metric.high] for metric in metrics]
    print_table(["on", "metric", "value", "low", "high"], rows)


def _print_gates(gates: Sequence[Verdict]) -> None:
    for gate in gates:
        click.echo(f"{'passed' if gate.passed else 'FAILED'}  {gate.gate}: {gate.detail}")
