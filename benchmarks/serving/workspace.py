"""The workspace that both serving benchmarks serve from: events folded into LMDB, a trained version, deployed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import msgspec
import numpy as np

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest, load_project
from tidewheel.definitions.ir import Graph
from tidewheel.features.folding.stream import Folder
from tidewheel.features.planning.group import plan_group
from tidewheel.features.planning.view import plan_view
from tidewheel.features.reading.online import OnlineReader
from tidewheel.kernel.models.lightgbm_text import parse_lightgbm
from tidewheel.registry.graphs import set_group, set_live_graph
from tidewheel.registry.models.bundles import Bundle, Manifest, save_bundle
from tidewheel.registry.models.predictors import PredictorSpec, trees_arrays
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import register
from tidewheel.runtime.config import load_config
from tidewheel.runtime.stores import Stores
from tidewheel.storage.log.records import NewEvent

HERE = Path(__file__).parent
EVENTS, CARDS, TERMINALS, TRAINED = 60_000, 5_000, 500, 6_000
DAY = 86_400_000_000


@dataclass
class Made:
    """What was made: where, what the trees are, and the features of some cards and terminals."""

    folder: Path
    model: str
    names: list[str]
    rows: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    keys: list[tuple[str, str]]


def make(folder: Path, settings: str = "", deadline: str = "1s") -> Made:
    """Fill a workspace in `folder`, train a hundred trees on its features, deploy them."""
    shutil.copytree(HERE / "project", folder, dirs_exist_ok=True)
    module = folder / "project.py"
    module.write_text(module.read_text().replace('deadline = "1s"', f'deadline = "{deadline}"'))
    (folder / "tidewheel.toml").write_text(f'port = 0\nsync = "second"\n{settings}')
    graph = load_project(folder).graph
    stores = Stores(load_config(folder, variables={}))
    try:
        set_live_graph(stores.catalog, graph)
        fill(stores, graph)
        made = train(stores, graph, folder)
    finally:
        stores.close()
    return made


def events(now: int) -> list[NewEvent]:
    """Payments of the last week."""
    random = np.random.default_rng(5)
    cards, terminals = random.integers(0, CARDS, EVENTS), random.integers(0, TERMINALS, EVENTS)
    amounts = random.lognormal(3.0, 1.0, EVENTS).round(2)
    at = np.sort(now - random.integers(1, 7 * DAY, EVENTS))
    return [
        NewEvent("Payment", f"h{i}", int(at[i]), columns_of(i, cards[i], terminals[i], float(amounts[i])), int(at[i]))
        for i in range(EVENTS)
    ]


def columns_of(number: object, card: int, terminal: int, amount: float) -> dict[str, object]:
    return {"id": f"h{number}", "card": f"card-{card}", "terminal": f"terminal-{terminal}", "amount": amount}


def fill(stores: Stores, graph: Graph) -> None:
    """Log the events and fold them."""
    given = events(stores.clock.now())
    for start in range(0, len(given), 5000):
        stores.log.append(given[start : start + 5000], now=given[start].at)
    plans = [plan_group(graph, group) for group in graph.groups]
    for group, plan in zip(graph.groups, plans, strict=True):
        set_group(stores.catalog, plan.state_id, group.name, graph, "live")
    history = History(stores.lake, stores.log)
    for partition in range(stores.state.partitions):
        folding = Folder(stores.log, history, stores.state, partition, graph, plans)
        folding.catch_up()
        folding.close()


def train(stores: Stores, graph: Graph, folder: Path) -> Made:
    """Train on the features as they are served, register and deploy."""
    view = next(view for view in graph.views if view.name == "PaymentView")
    reader = OnlineReader(stores.state, [plan_view(graph, view)])
    random = np.random.default_rng(6)
    keys = [(f"card-{random.integers(CARDS)}", f"terminal-{random.integers(TERMINALS)}") for _ in range(TRAINED)]
    now = stores.clock.now()
    rows = np.array([reader.read({"card": card, "terminal": terminal}, now).words[0] for card, terminal in keys])
    names = [column.name for column in view.columns]
    risk = np.nan_to_num(rows[:, 1]) + np.nan_to_num(rows[:, 10]) / 50 + random.normal(0, 1, TRAINED)
    label = (risk > np.quantile(risk, 0.8)).astype(float)
    parameters = {"objective": "binary", "num_leaves": 31, "verbose": -1, "num_threads": 1, "seed": 1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, label), num_boost_round=100)
    manifest = Manifest(
        model="Fraud",
        view="PaymentView",
        view_digest=digest(view),
        graph=graph,
        columns=tuple(names),
        predictor=PredictorSpec(kind="trees", objective="sigmoid"),
    )
    text = booster.model_to_string()
    bundle = save_bundle(stores.artifacts, Bundle(manifest, trees_arrays(parse_lightgbm(text))))
    run = start_run(stores.catalog, "Fraud")
    version = register(stores.catalog, "Fraud", run=run.id, bundle=bundle, view=digest(view))
    service = next(service for service in graph.services if service.name == "Score")
    frozen = freeze_service(stores.catalog, service, graph)
    deploy(stores.catalog, "Score", version.name, frozen.digest)
    return Made(folder, text, names, rows, keys)


def body(number: object, keys: tuple[str, str]) -> bytes:
    """One request's JSON."""
    return msgspec.json.encode({"id": f"b{number}", "card": keys[0], "terminal": keys[1], "amount": 25.0})
