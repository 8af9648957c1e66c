"""``tidewheel trials``."""

from __future__ import annotations

import click


@click.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def trials(context: click.Context, run: str, as_json: bool) -> None:
    """Show the trials of a run's search (or a version's): values, what was pruned, which parameters mattered.

    A run that still goes on shows what it has tried so far.

    \b
    Example:
      tidewheel trials 01JD8K
      tidewheel trials Fraud@3 --json
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.trials import print_trials

    with opened(context, declarations=False) as workspace:
        found = workspace.trials(run)
    if as_json:
        print_json(found)
    else:
        print_trials(found)
