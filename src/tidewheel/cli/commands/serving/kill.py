"""``tidewheel kill`` and ``unkill``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidewheel.workspace.rollouts.killing import Thrown


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print as JSON."),
        click.option("--why", default="", help="The reason, for the record."),
        click.option("--experiment", is_flag=True, help="Only the service's experiment: the champion answers all."),
        click.argument("name"),
    ):
        command = option(command)
    return command


@click.command()
@_options
@click.pass_context
def kill(context: click.Context, name: str, experiment: bool, why: str, as_json: bool) -> None:
    """Switch off a service, a model (all its versions) or a version; the fallback chain answers instead.

    Workers of this machine know it at their next request, whether or not the catalog can be reached; other
    machines follow within a second of the catalog knowing it.

    \b
    Example:
      tidewheel kill Score --why "it blocks everybody"
      tidewheel kill Fraud@3
      tidewheel kill Score --experiment
    """
    from tidewheel.cli.output import opened

    with opened(context, declarations=False) as workspace:
        thrown = workspace.kill(name, experiment=experiment, why=why)
    _show(thrown, as_json)


@click.command()
@_options
@click.pass_context
def unkill(context: click.Context, name: str, experiment: bool, why: str, as_json: bool) -> None:
    """Switch on again what was killed.

    \b
    Example:
      tidewheel unkill Score --why "the feed is back"
    """
    from tidewheel.cli.output import opened

    with opened(context, declarations=False) as workspace:
        thrown = workspace.unkill(name, experiment=experiment, why=why)
    _show(thrown, as_json)


def _show(thrown: Thrown, as_json: bool) -> None:
    from tidewheel.cli.output import print_json
    from tidewheel.cli.views.deployment import print_killed

    if as_json:
        print_json(thrown._asdict())
    elif thrown.off:
        print_killed(thrown.off)
    else:
        click.echo("nothing is switched off")
    if thrown.untold:
        click.echo(f"the catalog could not be told: {thrown.untold}", err=True)
