"""A deployed shop behind a real server in this process, for clients that speak the protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.serving.server import ServerThread
from tests.serving.shop import Shop, open_shop, serving

from tidewheel.definitions import digest
from tidewheel.registry.models.bundles import Bundle, Manifest, save_bundle
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.versions.versions import register
from tidewheel.serving.api.handler import Handler
from tidewheel.serving.api.mounts import mount
from tidewheel.serving.backend import WorkerBackend
from tidewheel.serving.service import Serving
from tidewheel.serving.transport.http import Limits

COUNTRIES = ("NO", "SE")


@dataclass
class Front:
    """The shop, what serves it, and the port."""

    shop: Shop
    serving: Serving
    port: int
    handler: Handler
    server: ServerThread

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def front(folder: Path, limits: Limits | None = None) -> Iterator[Front]:
    """Serve a shop whose model takes a number and a category."""
    with open_shop(folder) as shop:
        graph = shop.graph()
        shop.deploy(graph, model=two_columns(shop))
        with serving(shop) as running:
            backend = WorkerBackend(running)
            backend.not_ready = ""
            handler = mount(Handler(backend, limits), backend)
            with ServerThread(handler, limits) as server:
                yield Front(shop, running, server.port, handler, server)


def two_columns(shop: Shop) -> str:
    """Register a version of Fraud: ``amount / 1000``, and a weight for each country."""
    graph = shop.graph()
    view = next(view for view in graph.views if view.name == "PaymentView")
    manifest = Manifest(
        model="Fraud",
        view="PaymentView",
        view_digest=digest(view),
        graph=graph,
        columns=("amount", "country"),
        levels={"country": COUNTRIES},
        predictor=PredictorSpec(kind="linear"),
    )
    arrays = {
        "coef": np.array([0.001, 0.0]),
        "category_columns": np.array([1]),
        "category_starts": np.array([0, 2]),
        "category_weights": np.array([0.25, 0.125]),
    }
    bundle = save_bundle(shop.stores.artifacts, Bundle(manifest, arrays))
    run = start_run(shop.stores.catalog, "Fraud")
    return register(shop.stores.catalog, "Fraud", run=run.id, bundle=bundle, view=manifest.view_digest).name
