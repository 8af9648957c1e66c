"""A project's serving as an application of Ray Serve, for a team whose cluster routes and scales with that.

Each replica opens the workspace's stores and answers by the handler that our own workers use; so routes, journal,
versions and fallbacks are the same. Replicas of several machines need the stores on servers, as any hosts do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidewheel.errors import MissingExtraError
from tidewheel.runtime.stores import open_stores
from tidewheel.serving.api.guard import Guard
from tidewheel.serving.backend import WorkerBackend
from tidewheel.serving.service import Serving
from tidewheel.serving.transport.asgi import AsgiApp
from tidewheel.serving.worker import handler_of

if TYPE_CHECKING:
    from ray.serve import Application

ROLE = "ray"


class Replica(AsgiApp):
    """The ASGI application of one replica, with the stores it has open.

    Parameters
    ----------
    folder, env : str
        The project's folder, where the replica runs, and its environment.
    """

    def __init__(self, folder: str, env: str) -> None:
        self._stores = open_stores(folder, env or None)
        self._guard = Guard(self._stores.catalog, open=self._stores.settings.open)
        self._serving = Serving(self._stores, role=ROLE).start()
        backend = WorkerBackend(self._serving)
        backend.not_ready = ""
        super().__init__(handler_of(backend, self._guard))

    def close(self) -> None:
        """Ship what is journalled, and close the stores."""
        self._serving.close()
        self._guard.close()
        self._stores.close()


def application(folder: str | Path, env: str = "", **options: Any) -> Application:
    """Return a project as a Ray Serve application: ``serve.run(application("fraud", num_replicas=4))``.

    Parameters
    ----------
    folder : str or Path
        The project's folder, the same on each machine that runs a replica.
    env : str
        An environment of ``tidewheel.toml``.
    **options
        Of the deployment, as ``ray.serve.deployment`` takes them: ``num_replicas``, ``autoscaling_config``, ...

    Raises
    ------
    MissingExtraError
        Ray Serve is not installed.
    """
    try:
        from ray import serve
    except ImportError as error:
        raise MissingExtraError("Ray Serve is not installed", remedy="pip install 'tidewheel[ray-serve]'") from error
    place = str(Path(folder).absolute())
    opened: list[Replica] = []

    def build() -> Replica:
        opened.append(Replica(place, env))
        return opened[-1]

    class Tidewheel:
        def __del__(self) -> None:
            while opened:
                opened.pop().close()

    deployment: Any = serve.deployment(serve.ingress(build)(Tidewheel), name="tidewheel", **options)
    made: Application = deployment.bind()
    return made
