"""Two versions, or a run and its repetition, side by side in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tidewheel.cli.output import cell, print_table, when

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidewheel.registry.runs.runs import Metric
    from tidewheel.training import Comparison, RerunReport
    from tidewheel.training.compare import Difference

SHORT = 24
"""Characters of a hash that tell enough."""


def print_comparison(found: Comparison) -> None:
    """Print what two versions score, and in what they differ."""
    one, two = found.one.name, found.two.name
    rows = [[split, name, _interval(left), _interval(right)] for split, name, left, right in found.metrics]
    print_table(["on", "metric", one, two], rows)
    click.echo(_comparable(found))
    _print_differences("parameters", found.parameters, one, two)
    for title, names, where in (("added", found.added, two), ("removed", found.removed, one)):
        if names:
            click.echo(f"columns {title} (only in {where}): {', '.join(names)}")
    _print_differences("lineage", found.lineage, one, two)


def print_rerun(report: RerunReport) -> None:
    """Print whether a repetition came out the same, and what did not."""
    click.echo(f"run {report.original} repeated as {report.run_id}")
    for what, same in (
        ("data set", report.same_data),
        ("metrics", report.same_metrics),
        ("predictions", report.same_predictions),
    ):
        click.secho(f"  {what}: {'the same, to the bit' if same else 'DIFFERENT'}", fg=None if same else "red")
    for difference in report.differences:
        click.echo(f"  differs: {difference}")
    for change in report.changed:
        click.echo(f"  changed since: {change}")
    if report.why:
        click.echo(f"  why: {report.why}")


def _comparable(found: Comparison) -> str:
    if found.same_data:
        return "trained and tested on the same data set"
    if found.same_test:
        return "different data sets, tested on the same rows"
    return "different data sets and test rows: the numbers above are not of the same rows"


def _print_differences(title: str, differences: Sequence[Difference], one: str, two: str) -> None:
    if differences:
        rows = [[found.what, _value(found.what, found.one), _value(found.what, found.two)] for found in differences]
        print_table([title, one, two], rows)


def _value(what: str, value: Any) -> str:
    if what == "as of" and isinstance(value, int):
        return when(value)
    return cell(value)[:SHORT]


def _interval(metric: Metric | None) -> str:
    if metric is None:
        return "-"
    if metric.low is None or metric.high is None:
        return f"{metric.value:.4f}"
    return f"{metric.value:.4f} [{metric.low:.4f}, {metric.high:.4f}]"
