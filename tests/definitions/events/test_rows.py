from __future__ import annotations

from datetime import UTC, datetime
from typing import Optional

import pytest

import tidewheel as tw
from tidewheel.definitions import compile_declarations, instant_of, microseconds, values_of
from tidewheel.definitions.events.rows import Ref
from tidewheel.errors import DefinitionError, SchemaError


class Plane(tw.Entity):
    id: tw.Id
    seats: int | None


class Flight(tw.Event):
    """A flight."""

    id: tw.Id
    plane: tw.Ref[Plane, None]
    spare: tw.Ref[Plane] | None
    old: Optional[tw.Ref[Plane]]  # noqa: UP045
    landed: "tw.Ref[Later] | None"  # noqa: UP037
    distance: float
    stops: int
    full: bool
    gate: tw.Key
    carrier: tw.Category | None
    remarks: tw.Text
    planned: datetime


class Later(tw.Event):
    id: tw.Id


class Charter(Flight):
    customer: tw.Category


def test_annotations_become_columns() -> None:
    graph = compile_declarations(Charter)
    charter = next(source for source in graph.sources if source.name == "Charter")
    found = [(column.name, column.kind, column.target, column.nullable) for column in charter.columns]
    assert found == [
        ("id", "id", None, False),
        ("plane", "ref", "Plane", True),
        ("spare", "ref", "Plane", True),
        ("old", "ref", "Plane", True),
        ("landed", "ref", "Later", True),
        ("distance", "float", None, False),
        ("stops", "int", None, False),
        ("full", "bool", None, False),
        ("gate", "key", None, False),
        ("carrier", "category", None, True),
        ("remarks", "text", None, False),
        ("planned", "time", None, False),
        ("customer", "category", None, False),
    ]
    assert [source.name for source in graph.sources] == ["Charter", "Later", "Plane"]
    assert charter.file == "test_rows.py"
    assert charter.line == Charter._line


def test_a_row_holds_what_it_is_given() -> None:
    flight = Later(id="a", at=datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC))
    assert flight.id == "a"
    assert flight.at == instant_of(flight) == 2_000_000
    assert values_of(flight) == {"id": "a"}
    assert flight == Later(id="a", at=2_000_000)
    assert flight != Later(id="a")
    assert repr(flight) == "Later(id='a', at=2000000)"
    flight.at = None
    assert instant_of(flight) is None
    flight.at = datetime(1970, 1, 1, tzinfo=UTC)
    assert flight.at == 0
    with pytest.raises(TypeError):
        hash(flight)


def test_a_row_keeps_times_as_microseconds() -> None:
    class Moment(tw.Event):
        when: datetime

    assert values_of(Moment(when=datetime(1970, 1, 2, tzinfo=UTC))) == {"when": 86_400_000_000}


def test_a_row_refuses_unknown_columns_and_times_without_a_zone() -> None:
    with pytest.raises(SchemaError, match=r"no column 'idd'; did you mean 'id'\?"):
        Later(idd="a")  # type: ignore[call-arg]
    with pytest.raises(SchemaError, match="has no zone"):
        microseconds(datetime(2026, 1, 1))


def test_class_access_gives_columns() -> None:
    assert repr(Flight.plane.seats) == "<column Flight.plane.seats>"
    assert repr(Flight.at) == "<column Flight.at>"
    with pytest.raises(
        DefinitionError, match=r"test_rows.py:\d+: Flight has no column 'distanse'; did you mean 'distance'"
    ):
        Flight.distanse  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(Flight, "distanse")
    assert not hasattr(Flight, "_private")
    assert not hasattr(Flight.plane.seats, "_private")


def test_row_classes_compare_by_identity() -> None:
    assert (Flight == Flight) is True
    assert (Flight == Plane) is False
    assert len({Flight, Plane, Flight}) == 2


def test_ref_is_never_an_object_of_its_own() -> None:
    with pytest.raises(NotImplementedError):
        Ref().__get__(None, Flight)
    with pytest.raises(NotImplementedError):
        Ref().__set__(None, "a")
