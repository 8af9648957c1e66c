from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from collect_sources import CARD, DISPUTE, NOON, PAYMENT
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.collect.checking.checks import RowCheck, check_row, decode_event
from tidewheel.collect.checking.values import LARGEST_WHOLE, LATEST, instant_of, zone_named
from tidewheel.errors import ConfigError, SchemaError
from tidewheel.storage.log.records import BadRow, NewEvent

GOOD: dict[str, Any] = {"id": "t1", "card": "c1", "amount": 2.5, "country": "SE", "at": NOON}


def reason(row: dict[str, Any]) -> str:
    found = check_row(PAYMENT, row, now=NOON)
    return found.reason if isinstance(found, BadRow) else ""


def test_a_good_row_becomes_an_event() -> None:
    event = check_row(PAYMENT, GOOD, now=NOON + 5)
    assert isinstance(event, NewEvent)
    assert (event.type, event.id, event.at) == ("Payment", "t1", NOON)
    assert event.columns["amount"] == 2.5
    assert event.columns["note"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amuont": 1.0}, "no column 'amuont', did you mean 'amount'?"),
        ({"zzz": 1.0}, "no column 'zzz'; there are id, card, "),
        ({"amount": None}, "amount: missing"),
        ({"amount": "12"}, "amount: expected a number, found text '12'"),
        ({"amount": True}, "amount: expected a number, found true"),
        ({"amount": math.nan}, "amount: nan is no number"),
        ({"amount": -math.inf}, "amount: -inf is no number"),
        ({"amount": LARGEST_WHOLE + 1}, "beyond 2^53"),
        ({"items": 2**63}, "beyond 2^53"),
        ({"items": 1.5}, "items: expected a whole number, found number 1.5"),
        ({"items": True}, "items: expected a whole number, found true"),
        ({"online": 1}, "online: expected true or false, found number 1"),
        ({"id": ""}, "id: an empty id"),
        ({"id": True}, "id: expected text, found true"),
        ({"id": 1.0}, "id: expected text, found number 1.0"),
        ({"card": "é" * 101}, "card: ref of 202 bytes"),
        ({"country": "x" * 65_537}, "country: text of 65537 bytes"),
        ({"note": 7}, "note: expected text, found number 7"),
        ({"note": "\ud800"}, "note: not valid Unicode"),
        ({"at": "2013-01-01T00:00:00"}, "at: time 2013-01-01T00:00:00 has no zone"),
        ({"at": datetime(2013, 1, 1)}, "has no zone"),
        ({"at": "yesterday"}, "at: expected a time"),
        ({"at": "2013-02-30T00:00:00Z"}, "at: no such time"),
        ({"at": LATEST + 1}, "at: time 253402300800000000 is outside"),
        ({"at": 2**70}, "outside the years 1 to 9999"),
        ({"at": 1.5}, "at: expected a time"),
        ({"due": np.datetime64("2013-01-01")}, "a numpy time has no zone"),
        ({"amount": {}}, "amount: expected a number, found an object"),
    ],
)
def test_a_bad_value_is_refused_with_its_reason(change: dict[str, Any], said: str) -> None:
    assert said in reason({**GOOD, **change})


def test_all_problems_of_a_row_are_named() -> None:
    assert reason({"id": "", "amount": "x"}) == (
        "id: an empty id; write null, or leave it out; card: missing; "
        "amount: expected a number, found text 'x'; country: missing"
    )


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        ("2013-01-01T00:00:00Z", NOON),
        ("2013-01-01 00:00:00z", NOON),
        ("2013-01-01T01:00+01:00", NOON),
        ("2013-01-01T00:00:00.123456789Z", NOON + 123_456),
        (datetime(2013, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), NOON),
        (NOON, NOON),
        (np.int64(NOON), NOON),
    ],
)
def test_times(value: object, micros: int) -> None:
    event = check_row(PAYMENT, {**GOOD, "at": value}, now=0)
    assert isinstance(event, NewEvent)
    assert event.at == micros


def test_clock_times_need_a_zone_and_follow_the_stated_rule() -> None:
    stockholm = zone_named("Europe/Stockholm")
    skipped = instant_of("2013-03-31T02:30:00", stockholm)
    repeated = instant_of("2013-10-27T02:30:00", stockholm)
    assert skipped == instant_of("2013-03-31T03:30:00+02:00")
    assert repeated == instant_of("2013-10-27T02:30:00+02:00")
    assert instant_of(date(2013, 1, 1), stockholm) == NOON - 3_600_000_000
    with pytest.raises(ConfigError, match="no time zone 'Mars'"):
        zone_named("Mars")
    with pytest.raises(SchemaError, match="outside"):
        instant_of(datetime(1, 1, 1), stockholm)


def test_numbers_of_other_libraries_are_taken_for_what_they_are() -> None:
    row = {**GOOD, "id": np.int32(7), "amount": np.float32(0.5), "items": Decimal(3), "online": np.bool_(True)}
    event = check_row(PAYMENT, row, now=0)
    assert isinstance(event, NewEvent)
    assert [event.columns[name] for name in ("id", "amount", "items", "online")] == ["7", 0.5, 3, True]
    assert [type(event.columns[name]) for name in ("id", "amount", "items", "online")] == [str, float, int, bool]


def test_an_event_without_its_own_id_gets_one_in_order_of_time() -> None:
    first = check_row(DISPUTE, {"payment": "t1"}, now=NOON)
    second = check_row(DISPUTE, {"payment": "t1"}, now=NOON + 2000)
    assert isinstance(first, NewEvent)
    assert isinstance(second, NewEvent)
    assert first.at == NOON
    assert len(first.id) == 36
    assert first.id < second.id


def test_an_entity_has_many_rows_each_taken_once() -> None:
    rows = [{"id": "c1", "issued_in": place, "at": at} for place, at in [("SE", 1), ("SE", 1), ("NO", 1), ("SE", 2)]]
    ids = [check_row(CARD, row, now=0).id for row in rows]  # type: ignore[union-attr]  # good rows
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def body(*rows: dict[str, Any]) -> list[bytes]:
    encoded = [msgspec.json.encode(row) for row in rows]
    return [b"[" + b",".join(encoded) + b"]", b"\n".join(encoded) + b"\n\n"]


def test_many_rows_the_good_ones_go_on() -> None:
    for given_body in body(GOOD, {**GOOD, "amount": "x"}, {**GOOD, "id": "t2"}):
        found = decode_event(PAYMENT, given_body, now=0, origin="api")
        assert [type(it) for it in found] == [NewEvent, BadRow, NewEvent]
        assert isinstance(found[1], BadRow)
        assert msgspec.json.decode(found[1].row)["amount"] == "x"
        assert found[1].source == "api"


@pytest.mark.parametrize("given_body", [b"", b"nope", b"[1, 2", b"\xff\xfe", b'{"id": NaN}', b'["a"]', b'"\\ud800"'])
def test_what_is_no_event_is_one_bad_row(given_body: bytes) -> None:
    (found,) = decode_event(PAYMENT, given_body, now=0)
    assert isinstance(found, BadRow)
    assert "JSON" in found.reason or "expected an object" in found.reason


def test_an_empty_list_is_no_row() -> None:
    assert decode_event(PAYMENT, b" [] ", now=0) == []


def test_one_object_may_span_lines() -> None:
    assert len(decode_event(PAYMENT, msgspec.json.format(msgspec.json.encode(GOOD), indent=2), now=0)) == 1


def test_a_megabyte_is_refused_and_kept_up_to_a_limit() -> None:
    (found,) = decode_event(PAYMENT, msgspec.json.encode({**GOOD, "note": "x" * 3_000_000}), now=0)
    assert isinstance(found, BadRow)
    assert "note: text of 3000000 bytes" in found.reason
    assert len(found.row) == 1 << 20


anything: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from(
        [LARGEST_WHOLE, LARGEST_WHOLE + 1, -LARGEST_WHOLE, 2**63, LATEST, LATEST + 1, "x" * 201, "é" * 100]
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["2013-01-01T00:00:00Z", "2013-01-01", "2013-01-01T00:00:00", "123456789012345"]),
    st.lists(st.integers(), max_size=1),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
)
rows = st.fixed_dictionaries(
    {"id": st.one_of(st.just("t1"), anything), "card": st.one_of(st.just(7), anything)},
    optional=dict.fromkeys(("amount", "country", "items", "online", "due", "note", "at", "other"), anything),
)


@given(st.lists(rows, min_size=1, max_size=3))
def test_the_fast_way_and_the_slow_way_agree(given_rows: list[dict[str, Any]]) -> None:
    check = RowCheck(PAYMENT)
    alone = [check.check(row, now=5) for row in given_rows]
    for given_body in body(*given_rows):
        together = check.decode(given_body, now=5)
        assert len(together) == len(alone)
        for one, other in zip(alone, together, strict=True):
            if isinstance(one, NewEvent):
                assert one == other
            else:
                assert isinstance(other, BadRow)
                assert one.reason == other.reason


def test_a_quarantined_row_is_checked_again_as_it_came() -> None:
    check = RowCheck(PAYMENT)
    mended = check.check_again(BadRow("Payment", "?", msgspec.json.encode({**GOOD, "amount": "2.5"})), now=0)
    assert isinstance(mended, NewEvent)
    assert mended.columns["amount"] == 2.5
    for row in (b"nope", b'"3 cells"', b'{"id": "t1"}'):
        still = check.check_again(BadRow("Payment", "?", row, "p.csv row 3", seq=4), now=0)
        assert isinstance(still, BadRow)
        assert (still.row, still.seq) == (row, 4)
    row = msgspec.json.encode({name: value for name, value in GOOD.items() if name != "at"})
    timeless = BadRow("Payment", "at: missing", row, "p.csv row 3")
    assert check.check_again(timeless, now=0) == timeless, "it did not happen now"


def test_reasons_are_brief_and_say_what_is_no_json() -> None:
    assert len(reason({**GOOD, "x" * 1_000_000: 1})) < 200
    for column in ("note", "amount", "card", "at"):
        assert " bits" in reason({**GOOD, column: 10**5000})
    body = msgspec.json.encode(GOOD).replace(b"2.5", b"NaN")
    [bad] = decode_event(PAYMENT, body, now=NOON)
    assert isinstance(bad, BadRow)
    assert bad.reason.startswith("not JSON: invalid character (byte ")
    assert bad.reason.endswith("NaN and infinities are no JSON: write null")
    [digits] = decode_event(PAYMENT, msgspec.json.encode(GOOD).replace(b"2.5", b"1" * 5000), now=NOON)
    assert isinstance(digits, BadRow)
