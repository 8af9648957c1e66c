"""Runs and versions in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from tidewheel.cli.output import print_table, when
from tidewheel.registry.runs.runs import PICKLE

if TYPE_CHECKING:
    from tidewheel.registry.models.exports import Export
    from tidewheel.registry.runs.runs import Lineage, Metric, Run, Verdict
    from tidewheel.registry.versions.versions import Version
    from tidewheel.training import TrainResult


def print_trained(result: TrainResult) -> None:
    """Print what a run made: rows, metrics with intervals, gates, what to do next."""
    click.echo(f"{result.version} from run {result.run_id} in {result.seconds:.1f} s\n{_counts(result.counts)}")
    _print_metrics(result.metrics)
    for finding in result.findings:
        click.secho(f"{finding.level}: {finding}", fg="yellow" if finding.level == "warning" else None)
    for note in result.notes:
        click.echo(f"note: {note}")
    _print_gates(result.verdicts)
    for line in result.deployed:
        click.echo(line)
    if result.deployable and not result.deployed:
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


def print_version(version: Version, run: Run, exports: Sequence[Export] = ()) -> None:
    """Print a version's metrics, gates and lineage, and what its exports cost."""
    click.echo(
        f"{version.name}, made {when(version.created)} by {version.who}, run {version.run}, "
        f"bundle {version.bundle[:16] or 'none: it can not be served'}"
    )
    _print_metrics(version.metrics)
    for warning in run.parameters.get("warnings", []):
        click.secho(f"warning: {warning}", fg="yellow")
    _print_gates(version.gates)
    click.echo(f"good: {_good(version)}, servable: {_yes(version.servable)}")
    if PICKLE in run.artifacts:
        click.secho("warning: its model is kept as a pickle, which runs code when it is loaded", fg="yellow")
    for export in exports:
        click.echo(f"exported {when(export.at)} by {export.who}: {export}")
    _print_facts("parameters", {**run.parameters.get("fitted", {}), **run.parameters.get("chosen", {})})
    lineage = run.lineage
    click.secho("lineage", bold=True)
    click.echo(f"  {_counts(lineage.rows)}")
    click.echo(f"  as of {when(lineage.as_of)}, log up to offset {lineage.log_head - 1:,}, seed {lineage.seed}")
    click.echo(f"  data set {lineage.dataset[:16]}, commit {lineage.commit[:12] or 'none'}{_dirty(lineage)}")
    if lineage.parents:
        click.echo(f"  learned from {', '.join(f'{name} ({word})' for word, name in lineage.parents.items())}")
    _print_facts("definitions", lineage.definitions)
    _print_facts("lake tables", {t: "none" if v < 0 else f"version {v}" for t, v in lineage.tables.items()})
    _print_facts("libraries", lineage.libraries)


def _good(version: Version) -> str:
    asked = all(gate.passed or gate.waits for gate in version.gates if gate.blessing == "good")
    if asked and not version.good:
        return f"a person decides (tidewheel approvals {version.name})"
    return _yes(version.good)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _counts(counts: Mapping[str, int]) -> str:
    """Write ``rows`` first and then what became of them, leaving out what is zero."""
    parts = ", ".join(f"{count:,} {what}" for what, count in counts.items() if what != "rows" and count)
    return f"{counts.get('rows', 0):,} rows: {parts}"


def _dirty(lineage: Lineage) -> str:
    return f" with uncommitted changes ({lineage.dirty_patch[:16]})" if lineage.dirty_patch else ""


def _print_facts(title: str, facts: Mapping[str, object]) -> None:
    click.secho(title, bold=True)
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        click.echo(f"  {name:<{width}}  {str(value)[:64]}")


def _print_metrics(metrics: Sequence[Metric]) -> None:
    rows = [[metric.split, metric.metric, metric.value, metric.low, metric.high] for metric in metrics]
    print_table(["on", "metric", "value", "low", "high"], rows)


def _print_gates(gates: Sequence[Verdict]) -> None:
    for gate in gates:
        said = "passed" if gate.passed else f"asks {' or '.join(gate.approvers)}" if gate.waits else "FAILED"
        click.echo(f"{said}  {gate.gate}: {gate.detail}")
