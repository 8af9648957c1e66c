"""The knee and the cores, from made points; pictures; what is asked."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.capacity.picture import save, terminal
from tidewheel.capacity.requests import from_file, from_history, made_up, requests
from tidewheel.capacity.sizing import Point, find_knee, size
from tidewheel.definitions import ir
from tidewheel.errors import InputError
from tidewheel.kernel.words.vectors import pack_vector
from tidewheel.serving.api.guard import of_another_site
from tidewheel.serving.transport.http import Request

SOURCE = ir.Source(
    "Payment",
    (
        ir.Column("id", "id"),
        ir.Column("card", "ref", "Card"),
        ir.Column("amount", "float"),
        ir.Column("n", "int"),
        ir.Column("ok", "bool"),
        ir.Column("when", "time"),
        ir.Column("face", "vector", size=3),
        ir.Column("kind", "category"),
        ir.Column("note", "text", nullable=True),
    ),
)


def measured(capacity: float, rate: float) -> Point:
    """A server of one queue: latency grows towards its capacity, and beyond it nothing is in time."""
    p99 = 5.0 / (1.0 - rate / capacity) if rate < capacity else math.inf
    return Point(
        rate=rate,
        answered=min(rate, capacity),
        failed=0.0,
        p50=p99 / 5,
        p90=p99 / 2,
        p99=p99,
        p999=p99,
        most=p99,
        statuses={200: 1},
        server=rate / capacity,
    )


@given(st.floats(300.0, 50_000.0))
def test_the_knee_is_found_to_an_eighth(capacity: float) -> None:
    true = capacity * 0.9  # where p99 reaches 50 ms
    points = find_knee(lambda rate: measured(capacity, rate), 200.0, 50.0, 1e6)
    sizing = size(points, 100_000.0, 50.0, workers=1)
    assert sizing is not None
    assert sizing.found
    assert sizing.knee <= true * (1 + 1e-9)
    assert sizing.knee >= true * (1 - 1 / 8 - 1e-9)
    assert sizing.cores == math.ceil(100_000.0 / sizing.knee)
    assert [p.rate for p in points] == sorted(p.rate for p in points)


def test_without_a_rate_that_was_too_high_the_cores_are_an_upper_bound() -> None:
    sizing = size([measured(1e5, 100.0)], 1000.0, 50.0, workers=2, price=0.5)
    assert sizing is not None
    assert (sizing.found, sizing.cores, sizing.cost) == (False, 20, 10.0)


def test_no_rate_kept_is_no_size() -> None:
    assert size([measured(100.0, 200.0)], 1000.0, 50.0, workers=1) is None
    assert find_knee(lambda rate: measured(10.0, rate), 200.0, 50.0, 1e6)[-1].rate == 200.0


def test_a_rate_that_left_a_queue_was_not_kept() -> None:
    kept = measured(1e4, 100.0)
    assert kept.keeps(50.0)
    assert not msgspec.structs.replace(kept, answered=90.0).keeps(50.0)
    assert not msgspec.structs.replace(kept, failed=0.01).keeps(50.0)


def test_pictures_need_no_network(tmp_path: Path) -> None:
    points = [measured(1000.0, rate) for rate in (100.0, 500.0, 900.0, 1200.0)]
    lines = terminal(points, 50.0)
    assert sum("●" in line for line in lines) >= 3
    assert any("╌" in line for line in lines)
    assert terminal([measured(1.0, 2.0)], 50.0) == []
    sizing = size(points, 1000.0, 50.0, workers=1)
    save(tmp_path / "c.html", "What <Score> takes", points, sizing, 50.0, ["a & b"])
    page = (tmp_path / "c.html").read_text()
    assert "<svg" in page
    assert "What &lt;Score&gt; takes" in page
    assert "src=" not in page
    save(tmp_path / "c.png", "x", points, None, 50.0, [])
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_made_up_events_fit_their_declaration() -> None:
    from tidewheel.collect.checking.checks import row_check
    from tidewheel.storage.log.records import NewEvent

    check = row_check(SOURCE)
    ask = requests("Score", made_up(SOURCE, 50), "id", "run")
    for number in range(60):
        _, _, body = ask(number).partition(b"\r\n\r\n")
        (event,) = check.decode(body, now=2_000_000_000_000_000)
        assert isinstance(event, NewEvent), event
        assert event.id == f"run-{number}"


def test_events_from_history_are_posted_as_they_came() -> None:
    from tidewheel.collect.checking.checks import row_check
    from tidewheel.storage.log.records import NewEvent

    row = {"id": "a", "card": "c", "amount": 2.5, "n": 1, "ok": True, "when": 1_000_000, "kind": "k"}
    table = pa.Table.from_pylist([{**row, "face": pack_vector([1.0, 2.0, 3.0]), "note": None}])
    rows = from_history(table, SOURCE)
    _, _, body = requests("Score", rows, "id", "run")(0).partition(b"\r\n\r\n")
    (event,) = row_check(SOURCE).decode(body, now=2_000_000_000_000_000)
    assert isinstance(event, NewEvent), event
    assert event.id == "run-0"
    assert event.columns["when"] == 1_000_000
    assert event.columns["face"] == pack_vector([1.0, 2.0, 3.0])


def test_events_come_from_files(tmp_path: Path) -> None:
    lines, table = tmp_path / "e.jsonl", tmp_path / "e.parquet"
    lines.write_text('{"id":"x","amount":1.0}\n{"id":"y","amount":2.0}\n')
    pq.write_table(pa.table({"id": ["x", "y"], "amount": [1.0, None]}), table)
    assert from_file(lines)[1] == {"id": "y", "amount": 2.0}
    assert from_file(table)[1] == {"id": "y"}
    lines.write_text("not json")
    for bad in (lines, tmp_path / "gone.jsonl"):
        with pytest.raises(InputError):
            from_file(bad)


def test_an_event_without_an_id_gets_none() -> None:
    assert requests("S", [{"a": 1}], None, "r")(3).endswith(b'\r\n\r\n{"a":1}')
    assert requests("S", [{}], "id", "r")(3).endswith(b'\r\n\r\n{"id":"r-3"}')


def test_a_load_is_asked_for_by_a_name_that_a_workspace_without_tokens_answers() -> None:
    head = requests("Score", [{"amount": 1.0}], "id", "run")(0).partition(b"\r\n\r\n")[0]
    host = dict(line.split(b": ") for line in head.split(b"\r\n")[1:])[b"Host"]
    assert of_another_site(Request("POST", "/v1/services/Score", "", {b"host": host})) is None
