"""The language of ``tw.transform``: what it freezes to, how several columns are named, what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import tidewheel as tw
from tidewheel.definitions import Project, compile_declarations
from tidewheel.definitions.compiling.expressions import text_of
from tidewheel.definitions.views.learned import looked_at, to_learn, with_constants
from tidewheel.errors import DefinitionError


class Stop(tw.Event):
    id: tw.Id
    city: tw.Category
    lat: float
    lon: float
    waited: float


class StopView(tw.View, on=Stop):
    waited = tw.transform.standardise(tw.transform.log1p(Stop.waited))
    long = waited > 1
    near = tw.transform.haversine(Stop.lat, Stop.lon, 59.3, 18.1)
    area = tw.transform.cross(tw.transform.bucketize(Stop.lat, [50, 60]), Stop.city, 100)
    city = tw.transform.hash_bucket(Stop.city, 16)
    hour = tw.transform.hour_of_day(Stop.at, "+05:30")
    day = tw.transform.day_of_week(Stop.at, "-01:00")
    is_in = tw.transform.one_hot(Stop.city, ["Oslo", "Umeå"])
    week = tw.transform.cyclic(Stop.at, "7d")
    turn = tw.transform.cyclic(Stop.lon, 360)
    part = tw.transform.ratio(Stop.waited, Stop.lat, floor=1)
    low = tw.transform.clip(Stop.waited, 0, None)
    high = tw.transform.clip(Stop.waited, None, 9)
    scaled = tw.transform.min_max(near)

    @tw.derived()
    def sum(week_sin: tw.Array, is_in_Oslo: tw.Array) -> tw.Array:
        return week_sin + is_in_Oslo


VIEW = compile_declarations(StopView).views[0]


def test_what_it_freezes_to() -> None:
    assert {column.name: text_of(column.value) for column in VIEW.columns} == {
        "waited": "standardise(log1p(waited))",
        "long": "(waited > 1)",
        "near": "haversine(lat, lon, 59.3, 18.1)",
        "area": "cross(bucketize(lat, 50, 60), city, 100)",
        "city": "hash_bucket(city, 16)",
        "hour": "hour_of_day(at, 1.98e+10)",
        "day": "day_of_week(at, -3.6e+09)",
        "is_in_Oslo": "(city == 'Oslo')",
        "is_in_Umeå": "(city == 'Umeå')",
        "week_sin": "cyclic_sin(at, 6.048e+11)",
        "week_cos": "cyclic_cos(at, 6.048e+11)",
        "turn_sin": "cyclic_sin(lon, 360)",
        "turn_cos": "cyclic_cos(lon, 360)",
        "part": "(waited / maximum(lat, 1))",
        "low": "maximum(waited, 0)",
        "high": "minimum(waited, 9)",
        "scaled": "min_max(near)",
        "sum": "sum(week_sin, is_in_Oslo)",
    }


def test_learned_constants_are_put_into_the_view() -> None:
    calls = to_learn(VIEW)
    assert [text_of(call) for call in calls] == ["standardise(log1p(waited))", "min_max(near)"]
    assert [column.name for column in looked_at(VIEW, calls).columns] == ["near", "0", "1"]
    learned = with_constants(VIEW, dict(zip(calls, [(1.0, 2.0), (3.0, 4.0)], strict=True)))
    texts = {column.name: text_of(column.value) for column in learned.columns}
    assert (texts["waited"], texts["scaled"]) == ("standardise(log1p(waited), 1, 2)", "min_max(near, 3, 4)")
    assert to_learn(learned) == ()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tw.transform.bucketize(Stop.lat, []), "edges"),
        (lambda: tw.transform.bucketize(Stop.lat, [2, 1]), "edges"),
        (lambda: tw.transform.clip(Stop.lat, 2, 1), "low <= high"),
        (lambda: tw.transform.clip(Stop.lat, None, None), "low <= high"),
        (lambda: tw.transform.ratio(Stop.lat, Stop.lon, floor=0), "floor"),
        (lambda: tw.transform.one_hot(Stop.city, "Oslo"), "different literals"),
        (lambda: tw.transform.one_hot(Stop.city, ["a", "a"]), "different literals"),
        (lambda: tw.transform.hash_bucket(Stop.city, 1), "1 buckets"),
        (lambda: tw.transform.hour_of_day(Stop.at, "CET"), "offset from UTC"),
        (lambda: tw.transform.cyclic(Stop.lat, 0), "period"),
    ],
)
def test_mistakes_are_told_where_they_stand(make: Callable[[], object], message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as told:
        make()
    assert "test_transform.py" in str(told.value)


HEAD = """
import tidewheel as tw
class Trip(tw.Event):
    id: tw.Id
    at_door: tw.Key
    km: float
"""


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("class V(tw.View, on=Trip):\n    h = tw.transform.hour_of_day(Trip.km)", "takes a time, but km is a number"),
        ("class V(tw.View, on=Trip):\n    h = tw.transform.haversine(Trip.km, 1, 2, Trip.at_door)", "takes numbers"),
        (
            "class V(tw.View, on=Trip):\n    k_sin = Trip.km\n    k = tw.transform.cyclic(Trip.km, 2)",
            "'k_sin' is there",
        ),
        ("class V(tw.View, on=Trip):\n    k = tw.transform.cyclic(Trip.km, 2) + 1", "unsupported operand"),
        (
            "class V(tw.View, on=Trip):\n    a = tw.transform.min_max(Trip.km)\n    b = tw.transform.min_max(a + 1)",
            "learns from what is itself learned",
        ),
        (
            "class F(tw.Features, by=Trip.at_door):\n    a = tw.sum(tw.transform.standardise(Trip.km), '1d')",
            "learns its constants in training",
        ),
        (
            "class F(tw.Features, by=Trip.at_door):\n    a = tw.transform.cyclic(1, 2)",
            "several columns belong in a view",
        ),
    ],
)
def test_mistakes_of_a_project(load: Callable[..., Project], code: str, message: str) -> None:
    with pytest.raises((DefinitionError, TypeError), match=message):
        load(code, shop=HEAD)
