"""Payments scored by several models: versions whose bundles are made by hand, each a multiple of the amount.

`Small` scores the amount, `Large` a derived function's result, on a view of its own; `Meta` adds their scores up.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from tests.serving.shop import Shop, service_of

from tidewheel.definitions import digest, load_project
from tidewheel.definitions.ir import Graph
from tidewheel.registry.graphs import set_live_graph
from tidewheel.registry.models.bundles import Bundle, Inner, Manifest, save_bundle
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import get_version, register

PROJECT = """
import tidewheel as tw


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
    last_country = tw.last(Payment.country)


class Plain(tw.View, on=Payment):
    amount = Payment.amount


class Deep(tw.View, on=Payment):
    country = Payment.country
    card = CardHistory

    @tw.derived(Payment.amount)
    def weight(amount):
        {weight}


class Small(tw.Model):
    view = Plain
    label = tw.happened(Chargeback, within="30d")


class Large(tw.Model):
    view = Deep
    label = tw.happened(Chargeback, within="30d")


class Both(tw.View, on=Payment):
    small = Small.score
    large = Large.score
    amount = Payment.amount


class Meta(tw.Model):
    view = Both
    label = tw.happened(Chargeback, within="30d")


class Score(tw.Service, on=Payment):
    {score}
    decide = tw.thresholds(allow=0.0, block=0.9)
    deadline = "{deadline}"
"""
HALF = "return amount * 0.5"
COLUMNS = {"Small": ("Plain", ("amount",)), "Large": ("Deep", ("weight",)), "Meta": ("Both", ("small", "large"))}
WEIGHTED = "model = tw.combine.weighted({Small: 0.75, Large: 0.25})"
VOTE = "model = tw.combine.vote([Small, Large], at={Small: 0.5, Large: 0.4})"
CASCADE = "model = tw.combine.cascade(Small, Large, unsure=(0.3, 0.7))"
STACK = "model = tw.combine.stack([Small, Large], by=Meta)"
CHAIN = "model = Meta"
EXPRESSION = "score = Small.score * Large.score + Payment.amount / (CardHistory.payments_1d + 2)"


def graph_of(shop: Shop, score: str, *, weight: str = HALF, deadline: str = "10s") -> Graph:
    """The project's graph with a service that scores so."""
    folder = Path(tempfile.mkdtemp(dir=shop.folder))
    text = PROJECT
    for name, value in {"weight": weight, "score": score, "deadline": deadline}.items():
        text = text.replace("{" + name + "}", value)
    (folder / "tidewheel.toml").write_text("")
    (folder / "project.py").write_text(text)
    graph = load_project(folder).graph
    shutil.rmtree(folder)
    return graph


def version_of(shop: Shop, graph: Graph, model: str, *factors: float, inner: tuple[str, ...] = ()) -> str:
    """Register a version whose score is the sum of its columns, each times its factor."""
    name, columns = COLUMNS[model]
    view = next(view for view in graph.views if view.name == name)
    catalog, artifacts = shop.stores.catalog, shop.stores.artifacts
    manifest = Manifest(
        model=model,
        view=name,
        view_digest=digest(view),
        graph=graph,
        columns=columns,
        predictor=PredictorSpec(kind="linear"),
        inner=tuple(Inner(one.partition("@")[0], one, get_version(catalog, one).bundle) for one in inner),
    )
    bundle = save_bundle(artifacts, Bundle(manifest, {"coef": np.array(factors)}))
    run = start_run(catalog, model)
    return register(catalog, model, run=run.id, bundle=bundle, view=manifest.view_digest).name


def point(shop: Shop, graph: Graph, lineup: str) -> None:
    """Deploy a line-up."""
    set_live_graph(shop.stores.catalog, graph)
    frozen = freeze_service(shop.stores.catalog, service_of(graph, "Score"), graph)
    deploy(shop.stores.catalog, "Score", lineup, frozen.digest)
