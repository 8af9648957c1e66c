"""``where`` of a model: which rows it is meant for, told by later events or by what can be read of the row."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, digest, ir, reachable
from tidewheel.definitions.models.labels import horizon_of, tellers_of
from tidewheel.definitions.models.telling import rows_told
from tidewheel.definitions.projects.evolution import columns_used
from tidewheel.errors import DefinitionError

HOUR = 3_600_000_000
DAY = 24 * HOUR


class Site(tw.Entity):
    id: tw.Id
    country: tw.Category


class Show(tw.Event):
    id: tw.Id
    site: tw.Ref[Site]
    price: float


class Click(tw.Event):
    show: tw.Ref[Show]
    seconds: float


class Buy(tw.Event):
    show: tw.Ref[Show]
    total: float


class Traffic(tw.Features, by=Site):
    shows_7d = tw.count(Show, "7d")


class Row(tw.View, on=Show):
    price = Show.price


def compiled(**attributes: Any) -> ir.Model:
    body = {"view": Row, "label": tw.happened(Buy, within="3d"), **attributes}
    return compile_declarations(type("CVR", (tw.Model,), body)).models[0]


def test_a_model_without_it_keeps_its_hash() -> None:
    assert digest(compiled()) == digest(compiled(where=None))
    assert digest(compiled()) != digest(compiled(where=tw.happened(Click, within="1h")))
    assert b'"where"' not in msgspec.json.encode(compiled())


def test_later_events_tell_it_and_the_gap_is_as_long_as_the_longer_horizon() -> None:
    clicked = compiled(where=tw.happened(Click, within="1h"))
    assert clicked.where == ir.Label("happened", "Click", ("show",), HOUR)
    assert (horizon_of(clicked), clicked.split.gap, tellers_of(clicked)) == (3 * DAY, 3 * DAY, ("Buy", "Click"))
    slow = compiled(where=tw.happened(Click, within="5d"))
    assert (horizon_of(slow), slow.split.gap) == (5 * DAY, 5 * DAY)
    assert rows_told(clicked) == "where Click within 1h"
    assert rows_told(compiled(where=tw.outcome(Click.seconds > 5, within="1h"))) == (
        "where Click: (seconds > 5) within 1h"
    )
    with pytest.raises(DefinitionError, match="shorter than"):
        compiled(where=tw.happened(Click, within="5d"), split=tw.temporal(test="9d", gap="4d"))


def test_so_does_a_condition_of_the_row_and_what_it_reads_is_reached() -> None:
    graph = compile_declarations(
        type("CVR", (tw.Model,), {"view": Row, "label": tw.happened(Buy, within="3d"), "where": Traffic.shows_7d > 9})
    )
    model = graph.models[0]
    assert isinstance(model.where, ir.View)
    assert rows_told(model) == "where Traffic.shows_7d > 9"
    part = reachable(graph, ["CVR"])
    assert [group.name for group in part.groups] == ["Traffic"]
    country = compiled(where=Show.site.country == "SE")
    assert isinstance(country.where, ir.View)
    assert "price" in columns_used(ir.Graph(sources=graph.sources, models=(compiled(where=Row.price > 1),)), "Show")
    assert {"Click", "Buy"} <= {
        source.name
        for source in reachable(
            compile_declarations(
                type(
                    "CVR",
                    (tw.Model,),
                    {
                        "view": Row,
                        "label": tw.happened(Buy, within="3d"),
                        "where": tw.happened(Click, within="1h"),
                    },
                )
            ),
            ["CVR"],
        ).sources
    }


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (7, r"where = 7 tells no rows.*tw.happened\(Click"),
        (Row.price, "price is no condition"),
        (tw.outcome(Click.seconds, within="1h"), r"tw.outcome\(\) gives a number, and no condition"),
        (tw.grade({Click: 1}, within="1h"), r"tw.grade\(\) gives a number"),
        (Click.seconds > 3, "Click.seconds is not known for a row of Show"),
        (tw.happened(Show, within="1h"), "Show is the row itself"),
    ],
)
def test_mistakes_are_told(where: Any, said: str) -> None:
    with pytest.raises(DefinitionError, match=f"(?s){said}"):
        compiled(where=where)


def test_rows_that_it_asks_for_are_kept_long_enough() -> None:
    class Tap(tw.Event, keep="2h"):
        show: tw.Ref[Show]

    with pytest.raises(DefinitionError, match="the where of CVR looks back 1d, and Tap is kept 2h"):
        compiled(where=tw.happened(Tap, within="1d"))


def test_young_rows_are_left_out_unless_they_are_weighed() -> None:
    weighed = compiled(label=tw.happened(Buy, within="3d", immature="reweight"))
    assert weighed.label.immature == "reweight"
    assert digest(weighed) != digest(compiled())
    assert digest(compiled()) == digest(compiled(label=tw.happened(Buy, within="3d", immature="drop")))
    assert rows_told(weighed) == "rows younger than 3d weigh what they stand for"
    odd: Any = "weigh"
    with pytest.raises(DefinitionError, match="write immature='drop' or 'reweight'"):
        tw.happened(Buy, within="3d", immature=odd)
    with pytest.raises(DefinitionError, match="no instant before its test"):
        compiled(label=weighed_label(), split=tw.split.random())
    with pytest.raises(DefinitionError, match="lists are learned whole"):
        compiled(label=weighed_label(), group=Show.site)
    with pytest.raises(DefinitionError, match="nothing to weigh"):
        compiled(where=tw.happened(Click, within="1h", immature="reweight"))


def weighed_label() -> Any:
    return tw.happened(Buy, within="3d", immature="reweight")
