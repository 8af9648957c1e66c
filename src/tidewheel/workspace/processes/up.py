"""``tidewheel up``: a supervisor with serving workers, stream workers and the keeper."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from tidewheel.errors import TidewheelError
from tidewheel.runtime.config import PREFIX, Settings
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.logs import set_up_logs
from tidewheel.runtime.supervisor import ChildSpec, Supervisor
from tidewheel.storage.catalog.connect import is_postgres
from tidewheel.workspace.opening import open_workspace

log = logging.getLogger("tidewheel.up")
ROLE = "tidewheel up"


def run_up(folder: str | Path, env: str | None = None, **options: int | str | None) -> None:
    """Run a workspace's processes until Ctrl-C or SIGTERM.

    Parameters
    ----------
    folder : str or Path
        The project's.
    **options
        Over the settings: `workers`, `port`, `role`, `log_format`.

    Raises
    ------
    LeaseError
        Another ``tidewheel up`` runs on this workspace.
    TidewheelError
        A process could not start; its own line says why.
    """
    _override(options)
    workspace = open_workspace(folder, env=env)
    settings, layout = workspace.stores.settings, workspace.stores.layout
    set_up_logs("up", settings.log_level, format=settings.log_format)
    try:
        workspace.publish()
    finally:
        workspace.close()  # the processes open their own
    with Lease.acquire(layout.leases / "up", ROLE):
        url = f"http{'s' * bool(settings.certificate)}://{settings.host}:{settings.port}"
        supervisor = Supervisor(
            _processes(folder, env, settings),
            status_file=layout.run / "processes.json",
            on_ready=lambda: log.info("ready on %s", url),
            level=settings.log_level,
            log_format=settings.log_format,
        )
        if supervisor.run():
            raise TidewheelError(
                "a process could not start", where=str(folder), remedy="its reason is in the lines above"
            )


def _override(settings: Mapping[str, int | str | None]) -> None:
    """Let options of the command line reach every process as settings."""
    for name, value in settings.items():
        if value is not None:
            os.environ[f"{PREFIX}{name.upper()}"] = str(value)


def _processes(folder: str | Path, env: str | None, settings: Settings) -> list[ChildSpec]:
    place = {"folder": str(Path(folder).absolute()), "env": env or ""}
    journal = ChildSpec("journal", "tidewheel.workspace.processes.journalling:run", place)
    keeper = ChildSpec("keeper", "tidewheel.workspace.processes.keeper:run", place)
    control = (
        [ChildSpec("control", "tidewheel.workspace.processes.controlling:run", place)] if settings.control_port else []
    )
    if settings.clock == "replay" and settings.workers == 1:
        return [keeper, *control, ChildSpec("serve-0", "tidewheel.workspace.processes.stepping:run", place)]
    # In a replay workspace what is due is done in one order, by the keeper.
    guards = [ChildSpec("guards", "tidewheel.workspace.processes.guarding:run", place)] * (settings.clock == "real")
    streams = _streams(place, settings)
    servers = [
        ChildSpec(f"serve-{n}", "tidewheel.serving.worker:main", {**place, "index": n}) for n in range(settings.workers)
    ]
    if settings.grpc_port and settings.clock == "real":
        target = "tidewheel.serving.api.oip.grpc_worker:main"
        servers.append(ChildSpec("serve-grpc", target, {**place, "index": settings.workers}))
    if settings.role == "serve":
        return [journal, *servers]
    # A keeper that stands by does nothing for its host's decisions.
    own = [journal] if is_postgres(settings.catalog) else []
    return [*streams, keeper, *guards, *own, *control, *([] if settings.role == "work" else servers)]


def _streams(place: Mapping[str, str], settings: Settings) -> list[ChildSpec]:
    """Return the processes that fold: a worker for each partition; or members of a group, and who deals to them."""
    if settings.stream == "log":
        target = "tidewheel.workspace.processes.stream:run"
        return [ChildSpec(f"stream-{k}", target, {**place, "partitions": [k]}) for k in range(settings.partitions)]
    target = "tidewheel.workspace.processes.group:run"
    members = [ChildSpec(f"stream-{n}", target, {**place, "index": n}) for n in range(settings.partitions)]
    return [ChildSpec("dealer", "tidewheel.workspace.processes.dealing:run", dict(place)), *members]
