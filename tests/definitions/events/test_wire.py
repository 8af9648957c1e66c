from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from tidewheel.definitions import ir, row_struct

SOURCE = ir.Source(
    "Flight",
    (
        ir.Column("id", "id"),
        ir.Column("plane", "ref", "Plane", nullable=True),
        ir.Column("distance", "float"),
        ir.Column("stops", "int"),
        ir.Column("full", "bool"),
        ir.Column("planned", "time"),
        ir.Column("carrier", "category"),
    ),
)
GOOD = b'{"id":"a","distance":5,"stops":1,"full":true,"planned":"2026-01-01T00:00:00Z","carrier":"AA"}'


def test_a_row_is_decoded_and_typed() -> None:
    row = msgspec.json.decode(GOOD, type=row_struct(SOURCE))
    assert msgspec.structs.asdict(row) == {
        "id": "a",
        "plane": None,
        "distance": 5.0,
        "stops": 1,
        "full": True,
        "planned": datetime(2026, 1, 1, tzinfo=UTC),
        "carrier": "AA",
        "at": None,
    }
    assert row_struct(SOURCE) is row_struct(msgspec.json.decode(msgspec.json.encode(SOURCE), type=ir.Source))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"id":"a"', b'"id":1', "Expected `str`"),
        (b'"id":"a",', b"", "missing required field `id`"),
        (b'"distance":5', b'"distance":null', "Expected `float`"),
        (b'"stops":1', b'"stops":1.5', "Expected `int`"),
        (b'"stops":1', b'"stop":1', "stop"),
        (b'"full":true', b'"full":1', "Expected `bool`"),
        (b"00:00Z", b"00:00", "timezone"),
        (b'"carrier":"AA"', b'"carrier":"AA","at":"2026-01-01T00:00:00"', "timezone"),
    ],
)
def test_what_does_not_fit_is_refused(old: bytes, new: bytes, words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.json.decode(GOOD.replace(old, new), type=row_struct(SOURCE))


def test_an_instant_is_a_time_or_microseconds() -> None:
    kind = row_struct(ir.Source("A", ()))
    assert msgspec.json.decode(b'{"at": 5}', type=kind) == kind(at=5)
    assert msgspec.json.decode(b'{"at": "1970-01-01T00:00:00Z"}', type=kind) == kind(
        at=datetime(1970, 1, 1, tzinfo=UTC)
    )
