"""``tidewheel decisions``."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from tidewheel.errors import InputError

if TYPE_CHECKING:
    from tidewheel.serving.observing.following import Wanted

LOOK = 0.1
CONNECTING = 2.0
"""Seconds within which a server has to be there at first."""
Told = tuple[str, dict[str, Any]]
"""``decision`` or ``gap``, and what is told of it."""


@click.command()
@click.argument("url", required=False)
@click.option("--follow", "-f", is_flag=True, help="Print what is decided from now on, until Ctrl-C.")
@click.option(
    "--last", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many, without --follow."
)
@click.option("--service", default="", help="Those of one service.")
@click.option("--version", default="", metavar="MODEL[@N]", help="Those that a version, or a model, answered.")
@click.option(
    "--fallback", default="", metavar="any|none|LINK", help="Those that the fallback chain answered, or did not."
)
@click.option("--token", envvar="TIDEWHEEL_TOKEN", default="", help="For a URL; default: the variable TIDEWHEEL_TOKEN.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@click.pass_context
def decisions(
    context: click.Context, /, url: str | None, follow: bool, last: int, token: str, as_json: bool, **filters: str
) -> None:
    """Print the decisions of this host as they are made, or the newest.

    Without URL it reads the journal of this machine's workers; with one it asks the server there, again where it
    stopped when the connection breaks.

    \b
    Example:
      tidewheel decisions --service Score --last 5
      tidewheel decisions --follow --fallback any
      tidewheel decisions https://ml.example:8700 --follow --version Fraud@3 --json
    """
    from tidewheel.cli.output import opened
    from tidewheel.cli.views.decision import decision_line
    from tidewheel.serving.observing.following import Wanted

    wanted = Wanted(**filters)
    found: Iterable[Told]
    if url is not None:
        if not follow:
            raise InputError("a server tells of decisions as they are made", remedy="give --follow")
        found = _there(url, token, wanted)
    else:
        with opened(context, declarations=False) as workspace:
            journal = workspace.stores.layout.journal
        found = _here(journal, wanted) if follow else _newest(journal, wanted, last)
    for kind, told in found:
        click.echo(decision_line(kind, told, as_json=as_json))


def _here(journal: Any, wanted: Wanted) -> Iterator[Told]:
    from tidewheel.serving.observing.following import Follower

    follower = Follower(journal)
    while True:
        yield from _looked(follower, wanted)
        time.sleep(LOOK)


def _newest(journal: Any, wanted: Wanted, last: int) -> list[Told]:
    """Return the newest decisions that stand in the last segments of each writer, in order."""
    import heapq
    import sys

    from tidewheel.serving.observing.following import Follower, lately

    follower = Follower(journal, lately(journal), most_behind=sys.maxsize)
    found = _looked(follower, wanted, most=sys.maxsize)
    return heapq.nlargest(last, found, key=lambda told: str(told[1].get("decision_id", "")))[::-1]


def _looked(follower: Any, wanted: Wanted, most: int = 200) -> Iterator[Told]:
    import msgspec

    from tidewheel.serving.observing.following import Gap, followed

    for found in follower.look(most):
        if isinstance(found, Gap):
            yield "gap", found._asdict()
        elif wanted.fits(found.service, found.model, found.fallback):
            yield "decision", msgspec.to_builtins(followed(found))


def _there(url: str, token: str, wanted: Wanted) -> Iterator[Told]:
    """Follow a server; the client asks it again where it stopped."""
    import msgspec

    from tidewheel.client import Client, Gap

    with Client(url, token=token, deadline=CONNECTING) as client:
        for told in client.follow(**wanted._asdict()):
            plain = msgspec.to_builtins(told)
            del plain["place"]  # there is none in what is read here
            yield "gap" if isinstance(told, Gap) else "decision", plain
