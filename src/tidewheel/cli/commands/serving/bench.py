"""``tidewheel bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tidewheel.workspace.rollouts.capacity import Load

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("service")
@click.option("--rate", "rates", default="", metavar="R,R,...", help="Requests a second; default: look for the knee.")
@click.option("--seconds", type=click.FloatRange(0.1), default=10.0, show_default=True, help="For each rate.")
@click.option("--arrive", type=click.Choice(["poisson", "constant"]), default="poisson", show_default=True)
@click.option("--requests", "file", type=PATH, help="Events to ask for, JSON lines or Parquet; default: from history.")
@click.option("--url", default="", help="A server elsewhere; default: the one of this workspace.")
@click.option("--target", type=click.FloatRange(1), default=100_000.0, show_default=True, help="Requests a second.")
@click.option("--p99", type=click.FloatRange(0.1), default=50.0, show_default=True, help="Milliseconds.")
@click.option("--workers", type=click.FloatRange(0), default=0.0, help="Cores the server answers with, where --url.")
@click.option("--price", type=click.FloatRange(0), help="Of a core for an hour.")
@click.option("--connections", type=click.IntRange(1), default=256, show_default=True, help="Most at once.")
@click.option("--token", envvar="TIDEWHEEL_TOKEN", help="With the scope decide; default: the variable TIDEWHEEL_TOKEN.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="Sent along.")
@click.option("--picture", type=PATH, help="Write latency against rate: .html or .png.")
@click.option("--yes", is_flag=True, help="Also where decisions count: a production environment, another machine.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def bench(
    context: click.Context, /, service: str, picture: Path | None, yes: bool, as_json: bool, **asked: Any
) -> None:
    """Load a service as callers would, and say how many cores a target takes.

    Requests leave when they are due, whether earlier ones were answered or not, and latency counts from then. The
    decisions are real: each is journalled and its event logged under a new id, with caller `bench`, and counts into
    features and reports. So it refuses a production environment unless told --yes.

    \b
    Example:
      tidewheel bench Score --rate 500,1000,2000 --seconds 10
      tidewheel bench Score --target 100000 --p99 50 --price 0.04 --picture capacity.html
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.capacity import print_capacity, print_point, said_of
    from tidewheel.workspace.rollouts.capacity import measure

    load = _load(asked)
    with opened(context) as workspace:
        capacity = measure(workspace, service, load, yes, None if as_json else print_point)
    if picture is not None:
        from tidewheel.capacity.picture import save

        save(picture, f"What {service} takes", capacity.points, capacity.sizing, load.p99, said_of(capacity))
    print_json(capacity) if as_json else print_capacity(capacity, load)


def _load(asked: dict[str, Any]) -> Load:
    from tidewheel.errors import InputError
    from tidewheel.workspace.rollouts.capacity import Load

    try:
        rates = tuple(float(rate) for rate in asked.pop("rates").split(",") if rate.strip())
        headers = dict(header.split(":", 1) for header in asked.pop("headers"))
        token = asked.pop("token")
    except ValueError as error:
        raise InputError(f"can't be read: {error}", remedy="--rate 500,1000 --header NAME:VALUE") from None
    if any(not 0 < rate < 1e7 for rate in rates):
        raise InputError("a rate must be above 0 requests a second", remedy="--rate 500,1000")
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    return Load(rates=rates, headers=headers, **asked)
