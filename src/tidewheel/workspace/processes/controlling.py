"""The process of ``tidewheel up`` that is the control plane."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tidewheel.errors import ConfigError
from tidewheel.runtime.stores import Stores, open_stores
from tidewheel.serving.api.guard import Guard, is_loopback
from tidewheel.serving.transport.http import Limits
from tidewheel.serving.transport.server import HttpServer
from tidewheel.serving.transport.tls import certificate_of
from tidewheel.serving.upkeep import Upkeep
from tidewheel.serving.worker import follow
from tidewheel.workspace.processes.control_plane import BODY, ControlHandler

if TYPE_CHECKING:
    from tidewheel.runtime.child import Life

log = logging.getLogger("tidewheel.control")


def run(life: Life, folder: str, env: str) -> None:
    """Be the control plane until asked to stop.

    Raises
    ------
    ConfigError
        It would listen off this machine, and there is no token; or the address is taken.
    """
    import uvloop

    stores = open_stores(folder, env or None)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(stores, life))
    finally:
        stores.close()


async def _serve(stores: Stores, life: Life) -> None:
    settings, stop, loop = stores.settings, asyncio.Event(), asyncio.get_running_loop()
    guard = Guard(stores.catalog)
    if not (guard.any or is_loopback(settings.control_host)):
        raise ConfigError(
            f"control_host = {settings.control_host!r} lets the network change what serves, and there are no tokens",
            where="tidewheel.toml",
            remedy="make one: tidewheel tokens create NAME --scope admin",
        )

    def wake() -> None:
        loop.call_soon_threadsafe(stop.set)

    life.on_stop(wake)
    handler, limits = ControlHandler(stores, guard), Limits(body=BODY, bulk_body=BODY)
    server = HttpServer(handler, limits, certificate=certificate_of(stores.config))
    port = await server.start(settings.control_host, settings.control_port, shared=False)
    follow(upkeep := Upkeep(), guard)
    life.ready()
    log.info("control plane on %s:%d", settings.control_host, port)
    await stop.wait()
    await server.drain(life.grace / 2)
    upkeep.cancel()
    await asyncio.to_thread(handler.close)
    guard.close()
