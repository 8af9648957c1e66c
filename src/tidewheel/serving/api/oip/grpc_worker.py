"""The process that answers the Open Inference Protocol over gRPC: a serving process with another front."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from tidewheel.errors import ConfigError, MissingExtraError
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores
from tidewheel.serving.api.guard import Guard, refuse_open
from tidewheel.serving.api.handler import Handler
from tidewheel.serving.api.mounts import administrated
from tidewheel.serving.api.oip.grpc_tls import credentials_of
from tidewheel.serving.api.oip.repository import Repository
from tidewheel.serving.backend import WorkerBackend
from tidewheel.serving.service import Serving
from tidewheel.serving.transport.http import Limits
from tidewheel.serving.worker import ROLE, settle_memory, tend

if TYPE_CHECKING:
    from tidewheel.runtime.child import Life

log = logging.getLogger("tidewheel.serving")


def main(life: Life, folder: str, env: str = "", index: int = 0) -> None:
    """Serve until asked to stop: the target of a ``ChildSpec`` (``tidewheel.serving.api.oip.grpc_worker:main``).

    Parameters
    ----------
    life : Life
        The supervised process.
    folder : str
        The project's.
    env : str
        Its environment; "" for none.
    index : int
        Which worker this is, behind those of HTTP.

    Raises
    ------
    TidewheelError
        The stores can't be opened, the port is taken, gRPC is not installed.
    """
    asyncio.run(_serve(Stores(load_config(folder, env or None)), life, index))


async def _serve(stores: Stores, life: Life, index: int) -> None:
    from tidewheel.kernel.warm import warm

    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(stop.set)

    life.on_stop(wake)
    guard = Guard(stores.catalog, open=stores.settings.open, workers=stores.settings.workers)
    refuse_open(guard, stores.settings)
    serving = Serving(stores, role=ROLE, worker=index)
    try:
        await asyncio.to_thread(warm)
        await asyncio.to_thread(serving.start)
        backend = WorkerBackend(serving)
        settings, credentials = stores.settings, credentials_of(stores.config)
        server, port = await start_server(backend, guard, settings.host, settings.grpc_port, credentials)
        tend(backend, guard)
        settle_memory()
        backend.not_ready = ""
        life.ready()
        log.info("answering gRPC on %s:%d", stores.settings.host, port)
        await stop.wait()
        backend.not_ready = "stopping"
        await server.stop(life.grace / 2)
        backend.upkeep.cancel()
    finally:
        await asyncio.to_thread(serving.close)
        guard.close()
        stores.close()
    log.info("stopped")


async def start_server(
    backend: WorkerBackend, guard: Guard | None, host: str, port: int, credentials: Any = None
) -> tuple[Any, int]:
    """Listen for gRPC on the running loop, with TLS where there are `credentials`; return the server and its port.

    Raises
    ------
    MissingExtraError
        grpcio is not installed.
    ConfigError
        The port is taken.
    """
    try:
        import grpc.aio

        from tidewheel.serving.api.oip.grpc_service import Service
    except ImportError as error:
        raise MissingExtraError("grpc_port is set, and grpcio is not installed",
                                remedy="pip install 'tidewheel[grpc]'") from error  # fmt: skip
    limit = Limits().bulk_body
    options = [
        ("grpc.max_receive_message_length", limit),
        ("grpc.max_send_message_length", -1),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.aio.server(options=options)
    may = administrated(Handler(backend, guard=guard), host)
    server.add_generic_rpc_handlers((Service(Repository(backend), may).handler(),))
    try:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        bound = server.add_insecure_port(place) if credentials is None else server.add_secure_port(place, credentials)
    except RuntimeError as error:
        raise ConfigError(f"can't listen on {host}:{port}", where="tidewheel.toml: grpc_port",
                          remedy="set another port, or stop what uses it") from error  # fmt: skip
    await server.start()
    return server, bound
