"""``tidewheel top`` and ``dashboard``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tidewheel.errors import NotFoundError, TidewheelError, UnreachableError

if TYPE_CHECKING:
    from tidewheel.serving.observing.metrics import Snapshot
    from tidewheel.serving.observing.overview import Deployed, Overview

    Look = Callable[[], tuple[list[Snapshot], dict[str, Deployed]]]


@click.command()
@click.argument("url", required=False)
@click.option("--token", envvar="TIDEWHEEL_TOKEN", help="For a URL; default: the variable TIDEWHEEL_TOKEN.")
@click.option(
    "--interval", default=1.0, show_default=True, type=click.FloatRange(0.1, 60), help="Seconds between looks."
)
@click.option("--once", is_flag=True, help="Two looks, one screen, and out.")
@click.option("--json", "as_json", is_flag=True, help="Print once, as JSON.")
@click.pass_context
def top(context: click.Context, url: str | None, token: str | None, interval: float, once: bool, as_json: bool) -> None:
    """Watch services and workers: versions, decisions a second, latency, fallbacks, lag. Ctrl-C ends it.

    Without URL it reads what the workers of this machine write; with one it asks the server there.

    \b
    Example:
      tidewheel top
      tidewheel top https://ml.example:8700 --once
    """
    from tidewheel.cli.output import opened, print_json

    with opened(context, declarations=False) if url is None else _nothing() as workspace:
        look = _here(workspace) if workspace is not None else _there(url or "", token or "")
        watch = _watch(look, interval)
        if as_json:
            print_json(watch())
        else:
            _show(watch, url or str(context.find_root().obj[0].absolute()), once)


@click.command()
def dashboard() -> None:
    """Print a Grafana dashboard of a workspace's metrics, to be imported.

    \b
    Example:
      tidewheel dashboard > tidewheel.json
    """
    from tidewheel.cli.output import print_json
    from tidewheel.serving.observing.dashboard import dashboard as made

    print_json(made())


def _nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def _watch(look: Look, interval: float) -> Callable[[], Overview]:
    """Return what waits for an interval to pass, and tells of it."""
    from tidewheel.serving.observing.overview import overview

    last = [(time.monotonic(), look()[0])]

    def watch() -> Overview:
        time.sleep(interval)
        at, before = last[0]
        found, deployed = look()
        last[0] = (time.monotonic(), found)
        return overview(before, found, last[0][0] - at, deployed)

    return watch


def _show(watch: Callable[[], Overview], where: str, once: bool) -> None:
    from rich.console import Console
    from rich.live import Live

    from tidewheel.cli.views.top import screen

    console = Console()
    if once or not console.is_terminal:
        Console(width=None if console.is_terminal else 160).print(screen(watch(), where))
        return
    with Live(screen(watch(), where), console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(screen(watch(), where), refresh=True)


def _here(workspace: Any) -> Look:
    from tidewheel.registry.pointers.pointers import list_deployments
    from tidewheel.serving.observing.metrics import read_written
    from tidewheel.serving.observing.overview import Deployed

    stores = workspace.stores

    def look() -> tuple[list[Snapshot], dict[str, Deployed]]:
        found = read_written(stores.layout.run)
        if not found:
            raise NotFoundError("no worker has told its numbers", remedy="start some: tidewheel up")
        pointers = list_deployments(stores.catalog)
        return found, {
            p.service: Deployed(champion=p.champion, challenger=p.challenger, killed=p.killed, revision=p.revision)
            for p in pointers
        }

    return look


def _there(url: str, token: str) -> Look:
    import msgspec

    from tidewheel.serving.observing.metrics import Snapshot
    from tidewheel.serving.observing.overview import Deployed

    def look() -> tuple[list[Snapshot], dict[str, Deployed]]:
        try:
            found = msgspec.json.decode(_get(url, "/v1/numbers", token), type=list[Snapshot])
            status = msgspec.json.decode(_get(url, "/v1/status", token), type=dict[str, Any])
            return found, msgspec.convert(status["services"], dict[str, Deployed])
        except (msgspec.MsgspecError, KeyError) as error:
            raise TidewheelError(f"no tidewheel answers there: {error}", where=url) from error

    return look


def _get(url: str, path: str, token: str) -> bytes:
    import urllib.error
    import urllib.request

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url.rstrip("/") + path, headers=headers), timeout=10
        ) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        remedy = "give a token with the scope read: --token, or TIDEWHEEL_TOKEN" if error.code in (401, 403) else ""
        raise TidewheelError(f"{error.code} {error.reason}", where=url + path, remedy=remedy) from error
    except (OSError, ValueError) as error:
        raise UnreachableError(
            f"can't be asked: {error}", where=url, remedy="write it like http://host:8700"
        ) from error
