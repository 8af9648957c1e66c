"""A small workspace to serve from: payments, one service, versions whose bundles are made by hand.

A version's score is what its own derived function `weight` gives, so an answer tells which code made it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests import mortal
from tests.serving.server import connect, read_answer

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest, load_project
from tidewheel.definitions.ir import Graph, Service
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.registry.graphs import set_live_graph
from tidewheel.registry.models.bundles import Bundle, Manifest, save_bundle
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.registry.models.profile import FallbackTable
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import register
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores
from tidewheel.serving.service import Serving
from tidewheel.serving.worker import WorkerAddress, read_addresses

PROJECT = """
import tidewheel as tw


class Mean:
    def fit(self, X, y):
        return self

    def predict(self, X):
        return [0.0] * len(X)


class Card(tw.Entity):
    id: tw.Id


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    amount: float
    country: tw.Category


class Chargeback(tw.Event):
    payment: tw.Ref[Payment]


class CardHistory(tw.Features, by=Card):
    payments_1d = tw.count(Payment, "1d")
    spend_1d = tw.sum(Payment.amount, "1d")
    last_country = tw.last(Payment.country)


class PaymentView(tw.View, on=Payment):
    amount = Payment.amount
    country = Payment.country
    card = CardHistory

    @tw.derived(Payment.amount, card.payments_1d)
    def weight(amount, payments):
        {weight}


class Fraud(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="30d")
    estimator = Mean()
    split = tw.temporal(test="30d")


class Score(tw.Service, on=Payment):
    rules = [tw.rule("burst", CardHistory.payments_1d > 20, then="block")]
    model = Fraud
    decide = tw.thresholds(allow=0.0, review=0.6, block=0.95)
    prevents = ["block"]
    explore = {explore}
    fallback = [tw.previous(Fraud), tw.table(by=Payment.card), tw.action("review")]
    deadline = "{deadline}"
    unit = Payment.card


class Gate(tw.Service, on=Payment):
    rules = [tw.rule("large", Payment.amount > 1000, then="block")]
    decide = tw.thresholds(allow=0.0)
"""
BY_THOUSAND = "return amount / 1000"
BY_HUNDRED = "return amount / 100"
SLOW = "import time; time.sleep(0.05); return amount / 1000"
FAILS = "raise ValueError('no weight today')"


@dataclass
class Shop:
    """The workspace's folder and stores."""

    folder: Path
    stores: Stores

    def graph(self, weight: str = BY_THOUSAND, *, explore: float = 0.0, deadline: str = "10s") -> Graph:
        """The project's graph with this body of `weight`; its module is gone when this returns."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        (folder / "tidewheel.toml").write_text("")
        (folder / "project.py").write_text(PROJECT.format(weight=weight, explore=explore, deadline=deadline))
        graph = load_project(folder).graph
        shutil.rmtree(folder)
        return graph

    def version(self, graph: Graph) -> str:
        """Register a version of Fraud."""
        view = next(view for view in graph.views if view.name == "PaymentView")
        manifest = Manifest(
            model="Fraud",
            view="PaymentView",
            view_digest=digest(view),
            graph=graph,
            columns=("weight",),
            predictor=PredictorSpec(kind="linear"),
            tables=(FallbackTable(by=("card",), scores={"known": 0.7}, default=0.1),),
        )
        bundle = save_bundle(self.stores.artifacts, Bundle(manifest, {"coef": np.array([1.0])}))
        run = start_run(self.stores.catalog, "Fraud")
        return register(self.stores.catalog, "Fraud", run=run.id, bundle=bundle, view=manifest.view_digest).name

    def deploy(self, graph: Graph, service: str = "Score", model: str | None = None) -> str:
        """Deploy a graph's service, with a new version of the model unless one is given."""
        set_live_graph(self.stores.catalog, graph)
        frozen = freeze_service(self.stores.catalog, service_of(graph, service), graph)
        name = model if model is not None else self.version(graph) if service == "Score" else ""
        deploy(self.stores.catalog, service, name, frozen.digest)
        return name

    def bundle_file(self, version: str) -> Path:
        """The manifest's file of a version."""
        from tidewheel.registry.versions.versions import get_version

        return self.stores.artifacts.get(get_version(self.stores.catalog, version).bundle)

    def folders(self, graph: Graph) -> list[Folder]:
        """Stream folders of all partitions; the caller closes them."""
        plans = [plan_group(graph, group) for group in graph.groups]
        state, log = self.stores.state, self.stores.log
        history = History(self.stores.lake, log)
        return [Folder(log, history, state, k, graph, plans) for k in range(state.partitions)]

    def fold(self, graph: Graph) -> None:
        """Fold everything that is in the log."""
        for folder in self.folders(graph):
            folder.catch_up()
            folder.close()


def service_of(graph: Graph, name: str) -> Service:
    return next(service for service in graph.services if service.name == name)


@contextmanager
def open_shop(folder: Path, **settings: object) -> Iterator[Shop]:
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"port": 0, "sync": "second", **settings}.items()]
    (folder / "tidewheel.toml").write_text("\n".join(lines) + "\n")
    stores = Stores(load_config(folder, variables={}))
    try:
        yield Shop(folder, stores)
    finally:
        stores.close()


@contextmanager
def serving(shop: Shop, **how: Any) -> Iterator[Serving]:
    running = Serving(shop.stores, **how).start()
    try:
        yield running
    finally:
        running.close()


def payment(number: object, card: str = "c1", amount: float = 100.0, country: str = "SE") -> dict[str, object]:
    return {"id": f"p{number}", "card": card, "amount": amount, "country": country}


RUN = """
import json, sys, threading
from tidewheel.runtime.child import Life, Order
from tidewheel.serving.worker import main
import signal
life = Life(Order("worker", "", {}, 1, 0))
signal.signal(signal.SIGTERM, lambda *_: life.stop())
main(life, sys.argv[1], "", int(sys.argv[2]))
heavy = {"lightgbm", "xgboost", "catboost", "torch", "sklearn", "optuna", "project"} & set(sys.modules)
print("heavy", sorted(heavy))
"""


class Worker:
    """A worker process of its own."""

    def __init__(self, folder: Path, index: int = 0) -> None:
        self.run = load_config(folder, variables={}).layout.run
        self.folder, self.index = folder, index
        self.process = mortal.start(
            [sys.executable, "-P", "-c", RUN, str(folder), str(index)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        self.address = self._wait()

    def _wait(self) -> WorkerAddress:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.process.poll() is None, self.process.communicate()[1].decode()
            for address in read_addresses(self.run):
                if address.index == self.index and address.pid == self.process.pid:
                    return address
            time.sleep(0.02)
        raise AssertionError("the worker did not become ready")

    @property
    def port(self) -> int:
        return self.address.port

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> str:
        self.process.terminate()
        out, error = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, error.decode()
        return out.decode()


@contextmanager
def worker(folder: Path, index: int = 0) -> Iterator[Worker]:
    running = Worker(folder, index)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()


@contextmanager
def folding(shop: Shop, graph: Graph) -> Iterator[None]:
    """Fold in a thread until the block ends."""
    folders = shop.folders(graph)
    stop = threading.Event()

    def fold() -> None:
        while not stop.is_set():
            if not sum(folder.step() for folder in folders):
                stop.wait(0.001)

    thread = threading.Thread(target=fold)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for folder in folders:
            folder.close()


def post(port: int, path: str, body: object, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    with connect(port) as client:
        client.settimeout(60)
        return ask(client, path, body, headers)


def ask(client: Any, path: str, body: object, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"POST {path} HTTP/1.1\r\n{lines}Content-Length: {len(data)}\r\n\r\n"
    client.sendall(head.encode() + data)
    status, _, answer = read_answer(client)
    return status, json.loads(answer)


def get(port: int, path: str) -> tuple[int, bytes]:
    with connect(port) as client:
        client.settimeout(60)
        client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        status, _, body = read_answer(client)
    return status, body
