"""Lists of films whose scores are made by hand: a request names its candidates, a film's worth is its score."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tests.serving.shop import Shop, service_of

from tidewheel.definitions import digest, load_project
from tidewheel.definitions.ir import Graph
from tidewheel.registry.graphs import set_live_graph
from tidewheel.registry.models.bundles import Bundle, Inner, Manifest, save_bundle
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.registry.models.profile import FallbackTable
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import get_version, register
from tidewheel.storage.log.records import NewEvent

PROJECT = """
import tidewheel as tw


class User(tw.Entity):
    id: tw.Id


class Film(tw.Entity):
    id: tw.Id
    worth: float
    age: float
    genre: tw.Category
    banned: bool


class Ask(tw.Event):
    id: tw.Id
    user: tw.Ref[User]
    wanted: tw.Text


class Shown(tw.Event):
    ask: tw.Ref[Ask]
    film: tw.Ref[Film]


class Play(tw.Event):
    ask: tw.Ref[Ask]
    film: tw.Ref[Film]


class WorthView(tw.View, on=Ask, each=Shown.film):
    worth = Shown.film.worth


class Worth(tw.Model):
    view = WorthView
    label = tw.happened(Play, within="1d")


class AgeView(tw.View, on=Ask, each=Shown.film):
    age = Shown.film.age


class Age(tw.Model):
    view = AgeView
    label = tw.happened(Play, within="1d")


class BothView(tw.View, on=Ask, each=Shown.film):
    worth = Worth.score
    age = Age.score


class Both(tw.Model):
    view = BothView
    label = tw.happened(Play, within="1d")


class Pick(tw.Service, on=Ask):
    candidates = [tw.retrieve.listed(Ask.wanted)]
    {score}
    decide = tw.top(3, at_most={Film.genre: 2}, rules=[tw.rerank.drop(Film.banned)])
    {fallback}
    deadline = "{deadline}"
"""
COLUMNS = {"Worth": ("WorthView", ("worth",)), "Age": ("AgeView", ("age",)), "Both": ("BothView", ("worth", "age"))}
ONE = "model = Worth"
STACK = "model = tw.combine.stack([Worth, Age], by=Both)"
CHAIN = "model = Both"
FILMS: dict[str, dict[str, object]] = {
    "a": {"worth": 1.0, "age": 5.0, "genre": "x", "banned": False},
    "b": {"worth": 2.0, "age": 4.0, "genre": "x", "banned": False},
    "c": {"worth": 3.0, "age": 3.0, "genre": "x", "banned": False},
    "d": {"worth": 4.0, "age": 2.0, "genre": "y", "banned": True},
    "e": {"worth": 5.0, "age": 1.0, "genre": "y", "banned": False},
}


def graph_of(shop: Shop, score: str = ONE, *, fallback: str = "", deadline: str = "10s") -> Graph:
    """The project's graph with a service that scores and falls back so."""
    folder = Path(tempfile.mkdtemp(dir=shop.folder))
    text = PROJECT
    for name, value in {"score": score, "fallback": fallback, "deadline": deadline}.items():
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
        tables=(FallbackTable(by=("Shown.film",), scores={"a": 0.9, "c": 0.7, "d": 0.8}, default=0.1),),
        inner=tuple(Inner(one.partition("@")[0], one, get_version(catalog, one).bundle) for one in inner),
    )
    bundle = save_bundle(artifacts, Bundle(manifest, {"coef": np.array(factors)}))
    run = start_run(catalog, model)
    return register(catalog, model, run=run.id, bundle=bundle, view=manifest.view_digest).name


def point(shop: Shop, graph: Graph, lineup: str) -> None:
    """Deploy a line-up."""
    set_live_graph(shop.stores.catalog, graph)
    frozen = freeze_service(shop.stores.catalog, service_of(graph, "Pick"), graph)
    deploy(shop.stores.catalog, "Pick", lineup, frozen.digest)


def stock(shop: Shop, graph: Graph, films: Mapping[str, Mapping[str, object]] = FILMS) -> None:
    """Make the films known."""
    now = shop.stores.clock.now()
    rows = [NewEvent("Film", f"{id} {now}", now, {"id": id, **film}) for id, film in films.items()]
    shop.stores.log.append(rows, now=now)
    shop.fold(graph)


def ask(number: object, wanted: str = "a b c d e", user: str = "u1") -> dict[str, Any]:
    return {"id": f"q{number}", "user": user, "wanted": wanted}
