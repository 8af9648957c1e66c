"""A serving process: opens the stores, loads what is deployed, listens, and drains when it is asked to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tidewheel.runtime.clock import ReplayClock
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores
from tidewheel.serving.api.guard import Guard, refuse_open
from tidewheel.serving.api.handler import Handler
from tidewheel.serving.api.mounts import mount
from tidewheel.serving.api.request_ids import Identified
from tidewheel.serving.backend import WorkerBackend
from tidewheel.serving.observing.metrics import write_snapshot
from tidewheel.serving.observing.tracing import Traced, tracer_of
from tidewheel.serving.service import Serving
from tidewheel.serving.steps import Steps, Stream
from tidewheel.serving.transport.http import Limits
from tidewheel.serving.transport.server import Handler as AnyHandler
from tidewheel.serving.transport.server import HttpServer
from tidewheel.serving.transport.tls import certificate_of
from tidewheel.serving.turn import Turn
from tidewheel.serving.upkeep import Upkeep

if TYPE_CHECKING:
    from tidewheel.runtime.child import Life
    from tidewheel.runtime.config import Settings

log = logging.getLogger("tidewheel.serving")

SWITCH_SECONDS = 0.0005
"""How long a thread beside the loop may keep the interpreter; Python's own 5 ms would show in every p99."""
COLLECT_AFTER = (20_000, 20, 100)
TICK = 0.5
STEP_TICK = 0.02
FOLLOW = 0.25
ROLE = "worker"


class WorkerAddress(msgspec.Struct, frozen=True):
    """Where a worker listens; in the run folder as ``worker-<index>.json``."""

    index: int
    pid: int
    host: str
    port: int


def main(life: Life, folder: str, env: str = "", index: int = 0) -> None:
    """Serve until asked to stop: the target of a ``ChildSpec`` (``tidewheel.serving.worker:main``).

    Parameters
    ----------
    life : Life
        The supervised process.
    folder : str
        The project's.
    env : str
        Its environment; "" for none.
    index : int
        Which worker this is.

    Raises
    ------
    TidewheelError
        The stores can't be opened, or the port is taken.
    """
    serve(life, folder, env, index)


def serve(life: Life, folder: str, env: str, index: int, open_stream: Callable[[Stores], Stream] | None = None) -> None:
    """Serve until asked to stop; `open_stream` gives a replay workspace's only worker what folds beside it.

    Raises
    ------
    TidewheelError
        As :func:`main`.
    """
    import uvloop

    sys.setswitchinterval(SWITCH_SECONDS)
    stores = Stores(load_config(folder, env or None))
    stream = open_stream(stores) if open_stream is not None else None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(stores, index, life, stream))


async def _serve(stores: Stores, index: int, life: Life, stream: Stream | None) -> None:
    from tidewheel.kernel.warm import warm

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(stop.set)

    life.on_stop(wake)
    replayed = isinstance(stores.clock, ReplayClock)
    guard = Guard(stores.catalog, open=stores.settings.open, workers=stores.settings.workers)
    refuse_open(guard, stores.settings)
    serving = Serving(stores, role=ROLE, worker=index, hold=replayed)
    try:
        await asyncio.to_thread(warm)
        # In a replay workspace the loop itself waits for scores.
        serving.builder.loop = None if replayed else loop
        await asyncio.to_thread(serving.start)
        steps = Steps(serving, stream) if replayed else None
        backend = WorkerBackend(serving, steps)
        server = server_of(backend, guard)
        port = await server.start(stores.settings.host, stores.settings.port)
        address = write_address(stores.layout.run, WorkerAddress(index, os.getpid(), stores.settings.host, port))
        tend(backend, guard, partial(numbers_of, server))
        if steps is not None:
            backend.upkeep.every(STEP_TICK, "shipping", partial(_keep_in_step, steps))
        settle_memory()
        backend.not_ready = ""
        life.ready()
        log.info("serving %s on %s:%d", ", ".join(backend.services()) or "nothing yet", address.host, port)
        await stop.wait()
        backend.not_ready = "stopping"
        await server.drain(life.grace / 2)
        backend.upkeep.cancel()
        if steps is not None:
            steps.close()
    finally:
        await asyncio.to_thread(serving.close)
        guard.close()
        if stream is not None:
            stream.close()
        stores.close()
    log.info("stopped")


def server_of(backend: WorkerBackend, guard: Guard) -> HttpServer:
    """Return the server of a worker, under the settings of its workspace."""
    config, handler = backend.serving.stores.config, _handler_of(backend, guard)
    limits, certificate = limits_of(config.settings), certificate_of(config)
    server = HttpServer(_followed(handler, backend), limits, certificate=certificate, patience=backend.patience)
    if backend.gathers:
        handler.turn = Turn(backend, server.admission, asyncio.get_running_loop().call_soon, server.spawn)
    return server


def handler_of(backend: WorkerBackend, guard: Guard) -> AnyHandler:
    """Return what answers requests, under the settings of its workspace; whichever way they come."""
    return _followed(_handler_of(backend, guard), backend)


def _handler_of(backend: WorkerBackend, guard: Guard) -> Handler:
    return mount(Handler(backend, limits_of(backend.serving.stores.settings), guard), backend)


def _followed(handler: AnyHandler, backend: WorkerBackend) -> AnyHandler:
    """Return a handler whose requests are followed by traces and logged ids, where the settings say so."""
    settings = backend.serving.stores.settings
    if settings.tracing:
        tracer = backend.serving.desk.tracer = tracer_of(settings.trace_ratio, backend.serving.metrics.worker)
        handler = Traced(handler, tracer)
    return Identified(handler) if settings.log_format == "json" else handler


def settle_memory() -> None:
    """Keep what was loaded out of the garbage collector's rounds; requests make no cycles for it to find."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def tend(backend: WorkerBackend, guard: Guard, numbers: Callable[[], dict[str, float]] = dict) -> None:
    """Begin what a worker does beside its requests: it looks at the stream's lag, shares its numbers, follows tokens.

    Parameters
    ----------
    backend : WorkerBackend
    guard : Guard
    numbers : callable
        Gauges of the transport.
    """
    serving, run = backend.serving, backend.serving.stores.layout.run

    async def look() -> None:
        serving.lag = await asyncio.to_thread(lag_of, serving)

    async def see() -> None:
        serving.stores.check_there()
        serving.journal.check_there()

    async def share() -> None:
        serving.metrics.gauges.update(numbers())
        await asyncio.to_thread(write_snapshot, run, backend.numbers())

    backend.upkeep.every(TICK, "a look at the stream's lag", look)
    backend.upkeep.every(TICK, "a look at the stores", see)
    backend.upkeep.every(TICK, "writing the worker's numbers", share)
    follow(backend.upkeep, guard)


def numbers_of(server: HttpServer) -> dict[str, float]:
    """Return a server's gauges."""
    return {
        "http_connections": float(len(server.connections)),
        "http_bad_requests": float(server.refused),
        "http_body_bytes": float(server.held.bytes),
        "http_refused_bodies": float(server.held.refused),
        "http_shed_requests": float(server.admission.shed),
        "standing_queue_seconds": server.admission.standing / 1e9,
    }


def follow(upkeep: Upkeep, guard: Guard) -> None:
    """Begin to look for new and revoked tokens, in a thread: the catalog may be slow to say that it is gone."""
    upkeep.every(FOLLOW, "following the tokens", partial(asyncio.to_thread, guard.follow))


async def _keep_in_step(steps: Steps) -> None:
    """Ship what was decided once another worker has moved the clock."""
    await steps.reach(None)
    steps.tick()


def lag_of(serving: Serving) -> int:
    """Return how many offsets of the log the stream has still to fold into what is served."""
    wanted = serving.state_ids()
    if not wanted:
        return 0
    stores = serving.stores
    folded = min(of.get(state_id, 0) for of in stores.state.offsets() for state_id in wanted)
    return max(stores.log.head() - 1 - folded, 0)


def limits_of(settings: Settings) -> Limits:
    """Return the transport's limits under these settings."""
    usual = Limits()
    # On a replayed clock all rows of a request see the same past: they are read whole.
    bulk = 0 if settings.clock == "replay" else settings.max_bulk
    whole = max(usual.bulk_body, settings.max_body)
    return Limits(body=settings.max_body, setting="max_body", bulk_body=whole, bulk=bulk, held=settings.max_held)


def write_address(run: Path, address: WorkerAddress) -> WorkerAddress:
    """Say where a worker listens (with ``port = 0`` nobody could know it otherwise)."""
    path = run / f"worker-{address.index}.json"
    fresh = path.with_suffix(f".{address.pid}")
    fresh.write_bytes(msgspec.json.encode(address))
    fresh.replace(path)
    return address


def read_addresses(run: Path) -> list[WorkerAddress]:
    """Return where the workers of a workspace listen, as they said last."""
    return [msgspec.json.decode(path.read_bytes(), type=WorkerAddress) for path in sorted(run.glob("worker-*.json"))]
