"""A model with ``where`` learns from, and is tested on, the rows it is meant for: checked against a plain loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from training_world import DAY, HOUR, NOW, START, world

import tidewheel as tw
from tidewheel.definitions import compile_declarations
from tidewheel.errors import TrainingError
from tidewheel.registry.runs.runs import get_run
from tidewheel.storage.log.records import NewEvent
from tidewheel.training import TrainingContext, train
from tidewheel.training.data.gather import Gathered, gather, labelled_rows


class Site(tw.Entity):
    id: tw.Id
    country: tw.Category


class Show(tw.Event):
    id: tw.Id
    site: tw.Ref[Site]
    price: float


class Click(tw.Event):
    show: tw.Ref[Show]


class Buy(tw.Event):
    show: tw.Ref[Show]


class Traffic(tw.Features, by=Site):
    shows_7d = tw.count(Show, "7d")


class Row(tw.View, on=Show):
    price = Show.price
    shows = Traffic.shows_7d


class Clicked(tw.Model):
    """How often a click becomes a purchase."""

    view = Row
    where = tw.happened(Click, within="2h")
    label = tw.happened(Buy, within="3d")
    estimator = LGBMClassifier(n_estimators=5, num_leaves=4, min_child_samples=5, verbose=-1)
    split = tw.temporal(test="10d")
    metrics = ["roc_auc", "brier"]


class Slow(Clicked):
    where = tw.happened(Click, within="5d")


class Swedish(Clicked):
    where = (Show.site.country == "SE") & (Row.shows > 3)


class Young(Clicked):
    label = tw.happened(Buy, within="3d", immature="reweight")


class Dear(Clicked):
    where = Row.price > 1e9


MODELS = {model.__name__: model for model in (Clicked, Slow, Swedish, Young, Dear)}
DECLARED = (Site, Show, Click, Buy, Traffic, Row, *MODELS.values())


def shows(n: int = 900, seed: int = 0, late: float = 0.2) -> list[NewEvent]:
    """Return shows over 50 days; a third are clicked within hours, a third of these bought within days, some late."""
    rng = np.random.default_rng(seed)
    events = [
        NewEvent("Site", f"w{i}", START, {"id": f"w{i}", "country": "NO" if i % 3 else "SE"}, START) for i in range(6)
    ]
    for i, hour in enumerate(np.sort(rng.random(n)) * 50 * 24):
        when, price = START + int(hour * HOUR) + HOUR, float(rng.random())
        row = {"id": f"s{i}", "site": f"w{rng.integers(6)}", "price": price}
        events.append(NewEvent("Show", f"s{i}", when, row, when))
        if rng.random() < 0.4:
            click = when + int(rng.exponential(HOUR))
            told = click + int(rng.exponential(DAY)) * bool(rng.random() < late)
            events.append(NewEvent("Click", f"c{i}", click, {"show": f"s{i}"}, told))
            if rng.random() < 0.1 + 0.5 * price:
                buy = click + int(rng.exponential(DAY))
                events.append(NewEvent("Buy", f"b{i}", buy, {"show": f"s{i}"}, buy))
    return sorted((event for event in events if event.arrived < NOW), key=lambda event: event.arrived)


EVENTS = shows()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    with world(tmp_path_factory.mktemp("where"), EVENTS, DECLARED, MODELS) as found:
        yield found


def gathered(context: TrainingContext, name: str, as_of: int = NOW) -> Gathered:
    return gather(context, context.model(name), context.history, as_of)


def seen(events: list[NewEvent], kind: str, as_of: int) -> dict[str, int]:
    """Return when the first event of a kind happened to each row, of those known."""
    found: dict[str, int] = {}
    for event in events:
        if event.type == kind and event.arrived < as_of:
            row = event.columns["show"]
            found[row] = min(found.get(row, event.at), event.at)
    return found


def oracle(events: list[NewEvent], where: int, within: int, as_of: int) -> tuple[dict[str, float], dict[str, int]]:
    """Return the labels of the rows that a model of clicks is meant for, and what was left out, row by row."""
    clicks, buys = seen(events, "Click", as_of), seen(events, "Buy", as_of)
    labels: dict[str, float] = {}
    counts = {"rows": 0, "outside where": 0, "where not known": 0, "immature": 0}
    for event in events:
        if event.type != "Show" or event.arrived >= as_of:
            continue
        name, when = event.columns["id"], event.at
        counts["rows"] += 1
        if not when + where < as_of:
            counts["where not known"] += 1
        elif not 0 < clicks.get(name, when) - when <= where:
            counts["outside where"] += 1
        elif not when + within < as_of:
            counts["immature"] += 1
        else:
            labels[name] = float(0 < buys.get(name, when) - when <= within)
    return labels, counts


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 57 * 24), st.sampled_from([("Clicked", 2 * HOUR), ("Slow", 5 * DAY)]))
def test_rows_are_those_of_a_plain_loop(context: TrainingContext, hours: int, asked: tuple[str, int]) -> None:
    (name, where), as_of = asked, START + hours * HOUR
    rows, labels, counts = labelled_rows(context, context.model(name), context.history, as_of)
    expected, told = oracle(EVENTS, where, 3 * DAY, as_of)
    ids = rows["_id"].to_numpy()[labels.rows]
    assert dict(zip(ids.tolist(), labels.y.tolist(), strict=True)) == expected
    assert {reason: counts.get(reason, 0) for reason in told} == told


@pytest.mark.parametrize(("name", "gap"), [("Clicked", 3 * DAY), ("Slow", 5 * DAY)])
def test_the_gap_is_the_longer_horizon(context: TrainingContext, name: str, gap: int) -> None:
    found = gathered(context, name)
    times, sides = found.data.at, found.sides
    newest = times.max()
    assert newest - 10 * DAY - gap - 2 * DAY < times[sides.train].max() <= newest - 10 * DAY - gap
    assert times[sides.test].min() > newest - 10 * DAY
    assert found.data.counts["gap"] > 0


def test_a_condition_of_the_row_is_read_as_of_the_row(context: TrainingContext) -> None:
    found = gathered(context, "Swedish")
    history: dict[str, list[int]] = {}
    chosen = []
    for event in EVENTS:
        if event.type == "Show":
            site, past = event.columns["site"], history.setdefault(event.columns["site"], [])
            hop = 6 * HOUR  # of a week: the largest of the ladder that is at most a twelfth of it
            tail = (event.at - 7 * DAY) // hop
            if int(site[1:]) % 3 == 0 and sum(1 for when in past if when // hop >= tail) > 3:
                chosen.append(event.columns["id"])
            past.append(event.at)
    mine = set(found.data.ids.to_pylist())
    assert mine <= set(chosen)
    assert found.data.counts["rows"] - found.data.counts["outside where"] == len(chosen)
    assert all(value > 3 for value in found.data.view["shows"].to_pylist())


def test_young_rows_are_learned_from_as_they_were_known_when_the_test_begins(context: TrainingContext) -> None:
    plain, found = gathered(context, "Clicked"), gathered(context, "Young")
    data, sides = found.data, found.sides
    assert (sides.test_from, sides.test.size) == (plain.sides.test_from, plain.sides.test.size)
    assert data.y[sides.test].tolist() == plain.data.y[plain.sides.test].tolist()
    young = sides.train[data.at[sides.train] > sides.test_from - 3 * DAY]
    assert young.size == data.counts["reweighted"] > 0
    assert data.at[young].max() < sides.test_from - 2 * HOUR
    bought = {e.columns["show"] for e in EVENTS if e.type == "Buy" and e.arrived < sides.test_from}
    assert data.y[young].tolist() == [float(name in bought) for name in data.ids.take(young).to_pylist()]
    weight, y = data.weight[young], data.y[young]
    assert ((weight[y == 1.0] >= 1.0) & (weight[y == 1.0] <= 20.0)).all()
    assert ((weight[y == 0.0] > 0.0) & (weight[y == 0.0] <= 1.0)).all()
    assert (data.weight[sides.test] == 1.0).all()


def test_what_a_run_learned_from_is_on_record(context: TrainingContext) -> None:
    result = train(context, "Clicked")
    lineage = get_run(context.catalog, result.run_id).lineage
    rows = lineage.rows
    assert rows["outside where"] > 300
    assert rows["labelled"] + rows["outside where"] + rows["where not known"] + rows.get("immature", 0) == rows["rows"]
    assert any(name.endswith("Click") for name in lineage.definitions)


def test_another_where_is_another_data_set(context: TrainingContext) -> None:
    digests = {gathered(context, name).data.digest for name in MODELS if name != "Dear"}
    assert len(digests) == 4


def test_where_nothing_is_left_it_is_told_why(context: TrainingContext) -> None:
    with pytest.raises(TrainingError, match=r"can be trained on: 900 outside where"):
        gathered(context, "Dear")


def test_weights_of_a_view_of_items_may_name_the_item() -> None:
    class Movie(tw.Entity):
        id: tw.Id
        year: int

    class Ask(tw.Event):
        id: tw.Id

    class Shown(tw.Event):
        request: tw.Ref[Ask]
        movie: tw.Ref[Movie]

    class Play(tw.Event):
        request: tw.Ref[Ask]
        movie: tw.Ref[Movie]

    class Items(tw.View, on=Ask, each=Shown.movie):
        year = Shown.movie.year

    body: dict[str, Any] = {"view": Items, "label": tw.happened(Play, within="1d"), "where": Shown.movie.year > 1990}
    body["sample"] = tw.sample.weights(Shown.movie.year)
    model = compile_declarations(type("Playing", (tw.Model,), body)).models[0]
    assert model.weights is not None
    assert model.where is not None
