"""``tidewheel up``: a supervisor with serving workers, stream workers and the keeper."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from tidewheel.errors import TidewheelError
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.logs import set_up_logs
from tidewheel.runtime.supervisor import ChildSpec, Supervisor
from tidewheel.workspace.opening import open_workspace

log = logging.getLogger("tidewheel.up")
ROLE = "tidewheel up"


def run_up(folder: str | Path, env: str | None = None, *, workers: int | None = None, port: int | None = None) -> None:
    """Run a workspace's processes until Ctrl-C or SIGTERM.

    Parameters
    ----------
    folder : str or Path
        The project's.
    workers, port : int, optional
        Over the settings.

    Raises
    ------
    LeaseError
        Another ``tidewheel up`` runs on this workspace.
    TidewheelError
        A process could not start; its own line says why.
    """
    workspace = open_workspace(folder, env=env)
    settings, layout = workspace.stores.settings, workspace.stores.layout
    set_up_logs("up", settings.log_level)
    with Lease.acquire(layout.leases / "up", ROLE):
        workspace.close()  # the children open their own; LMDB must not be open twice in one process
        place = {"folder": str(Path(folder).absolute()), "env": env or ""}
        streams = [ChildSpec(f"stream-{k}", "tidewheel.workspace.stream:run", {**place, "partitions": [k]}) for k in range(settings.partitions)]
        keeper = ChildSpec("keeper", "tidewheel.workspace.keeper:run", place)
        serving = {**place, "host": settings.host, "port": settings.port if port is None else port}
        servers = [
            ChildSpec(f"serve-{n}", "tidewheel.workspace.serve:run", {**serving, "index": n})
            for n in range(settings.workers if workers is None else workers)
        ]
        url = f"http://{settings.host}:{serving['port']}"
        supervisor = Supervisor(
            [*streams, keeper, *servers],
            status_file=layout.run / "processes.json",
            on_ready=lambda: log.info("ready on %s", url),
            level=settings.log_level,
        )
        code = supervisor.run()
    if code:
        raise TidewheelError("a process could not start", where=str(folder), remedy=f"its reason is in the lines above (pid {os.getpid()})")
    sys.stdout.flush()
