"""``tidewheel train``, ``runs``, ``show``, ``compare`` and ``rerun``."""

from __future__ import annotations

import click

from tidewheel.errors import TrainingError


@click.command()
@click.argument("model")
@click.option("--as-of", metavar="TIME", help="See only what had arrived before this instant (RFC 3339); default: now.")
@click.option("--seed", default=0, show_default=True, help="Of every draw that the run makes.")
@click.option("--trials", type=int, help="How many settings to try, over the model's own number.")
@click.option("--init-from", default="", metavar="VERSION", help="Go on from this version's model, as Fraud@champion.")
@click.option("--allow-pickle", is_flag=True, help="Keep an estimator that has no other form as a pickle.")
@click.option("--new", is_flag=True, help="Begin a new run, though one that was killed could go on.")
@click.option("--no-cache", is_flag=True, help="Do every step, though an earlier run's output is known.")
@click.option("--learning-curve", is_flag=True, help="Fit also on growing shares of the rows: would more data help?")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def train(
    context: click.Context,
    model: str,
    as_of: str | None,
    seed: int,
    trials: int | None,
    init_from: str,
    allow_pickle: bool,
    new: bool,
    no_cache: bool,
    learning_curve: bool,
    as_json: bool,
) -> None:
    """Train a model: view, tune, fit, evaluate, gates, version.

    A run of the same kind that was killed goes on where it was cut off. A step whose code, parameters and input are
    those of an earlier run takes what that one left, and says so.

    \b
    Example:
      tidewheel train Fraud
      tidewheel train Fraud --as-of 2026-03-01T00:00:00Z --trials 40
      tidewheel train Fraud --init-from Fraud@champion
      tidewheel train Fraud --no-cache
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.progress import step_progress
    from tidewheel.cli.views.version import print_trained

    with opened(context) as workspace, step_progress() as progress:
        result = workspace.train(
            model,
            as_of=as_of,
            seed=seed,
            trials=trials,
            init_from=init_from,
            allow_pickle=allow_pickle,
            new=new,
            cache=not no_cache,
            learning_curve=learning_curve,
            progress=progress,
        )
    if as_json:
        print_json(result)
    else:
        print_trained(result)


@click.command()
@click.argument("model", default="")
@click.option("--most", default=30, show_default=True, help="How many runs, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def runs(context: click.Context, model: str, most: int, as_json: bool) -> None:
    """List training runs, newest first.

    \b
    Example:
      tidewheel runs Fraud
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.version import print_runs

    with opened(context, declarations=False) as workspace:
        found = workspace.runs(model, limit=most)
        versions = {version.run: version.name for version in workspace.versions(model)}
    if as_json:
        print_json([{"run": run, "version": versions.get(run.id, "")} for run in found])
    else:
        print_runs(found, versions)


@click.command()
@click.argument("version")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def show(context: click.Context, version: str, as_json: bool) -> None:
    """Show a version: metrics with intervals, gates, lineage, what it was trained on.

    \b
    Example:
      tidewheel show Fraud@3
      tidewheel show Fraud@champion --json
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.version import print_version

    with opened(context, declarations=False) as workspace:
        found, run = workspace.version(version)
        exports = workspace.exports(found.name)
    if as_json:
        print_json({"version": found, "run": run, "exports": exports})
    else:
        print_version(found, run, exports)


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def compare(context: click.Context, first: str, second: str, as_json: bool) -> None:
    """Put two versions side by side: metrics, parameters, features, data.

    \b
    Example:
      tidewheel compare Fraud@2 Fraud@3
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.comparison import print_comparison

    with opened(context, declarations=False) as workspace:
        comparison = workspace.compare(first, second)
    if as_json:
        print_json(comparison)
    else:
        print_comparison(comparison)


@click.command()
@click.argument("run")
@click.option("--worktree", is_flag=True, help="On a clean checkout of the run's commit and uncommitted changes.")
@click.option("--environment", is_flag=True, help="Also with the recorded packages, installed anew; takes minutes.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def rerun(context: click.Context, run: str, worktree: bool, environment: bool, as_json: bool) -> None:
    """Repeat a run from its id (or a version's) and say whether it came out the same.

    Ends with status 1 when data, metrics or predictions differ.

    \b
    Example:
      tidewheel rerun Fraud@3
      tidewheel rerun Fraud@3 --worktree
      tidewheel rerun Fraud@3 --environment
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.progress import step_progress
    from tidewheel.cli.views.comparison import print_rerun

    if worktree or environment:
        from tidewheel.workspace.models.repeating import rerun_in_worktree

        folder, env = context.find_root().obj
        report = rerun_in_worktree(folder, env, run, environment=environment)
    else:
        with opened(context) as workspace, step_progress() as progress:
            report = workspace.rerun(run, progress=progress)
    if as_json:
        print_json(report)
    else:
        print_rerun(report)
    if not report.same:
        raise TrainingError(f"run {run} did not come out the same", remedy="the report above says what differed")
