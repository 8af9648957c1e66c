"""``ingest``, ``quarantine`` and ``log``."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest
from tests.shop import ORDERS, done, tidewheel

GOOD = '{"id": "a1", "at": "2026-01-01T00:00:00Z", "customer": "c1", "category": "toys", "amount": 5.0}\n'
BAD = '{"id": "a2", "at": "2026-01-01T00:00:01Z", "customer": "c1", "category": "toys", "amount": "dear"}\n'


def orders_of(folder: Path) -> int:
    counters = done("log", "status", "--json", folder=folder).json["counters"].get("Order", {})
    return int(counters.get("imported", 0) + counters.get("logged", 0))


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "jsonl"])
def test_each_format_is_the_same_history(empty: Path, suffix: str) -> None:
    table = csv.read_csv(empty / "orders.csv")
    file = empty / f"orders.{suffix}"
    if suffix == "parquet":
        pq.write_table(table, file)
    elif suffix == "arrow":
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    else:
        rows = [{**row, "at": row["at"].isoformat()} for row in table.to_pylist()]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = done("ingest", str(file), "--as", "Order", folder=empty).out
    assert f"{ORDERS} rows of Order: {ORDERS} accepted" in told
    read = done("features", "read", "CustomerHistory", "customer=c1", "--json", folder=empty).json
    assert read["orders_30d"] >= 0
    assert orders_of(empty) == ORDERS


def test_standard_input_and_a_mapping(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "order_no,when,who,category,amount\nx1,2026-03-29 02:30:00,c1,toys,4.5\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    mapping = [part for pair in ("id=order_no", "at=when", "customer=who") for part in ("--map", pair)]
    zone = ["--timezone", "Europe/Stockholm"]
    told = done("ingest", "-", "--as", "Order", "--format", "csv", *mapping, *zone, "--json", folder=empty).json
    assert (told["rows"], told["accepted"], told["skipped"]) == (1, 1, 1)
    assert told["first_arrived"] == 1_774_747_800_000_000
    assert told["file"] == "standard input"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    ran = tidewheel("ingest", "-", "--as", "Order", "--format", "csv", folder=empty)
    assert (ran.code, ran.err.startswith("error: standard input: ")) == (1, True)
    assert not list((empty / ".tidewheel" / "run").glob("stdin-*"))


def test_the_same_file_twice_is_taken_once(filled: Path) -> None:
    told = done("ingest", str(filled / "orders.csv"), "--as", "Order", folder=filled).out
    assert "already ingested" in told
    assert orders_of(filled) == ORDERS


def test_a_file_without_a_row_that_fits_ends_with_1(empty: Path) -> None:
    file = empty / "wrong.jsonl"
    file.write_text(BAD.replace('"dear"', "null"))
    for more in ([], ["--json"]):
        assert tidewheel("ingest", str(file), "--as", "Order", *more, folder=empty).code == 1
    assert len(done("quarantine", "list", "--json", folder=empty).json) == 1


def test_a_bad_row_is_quarantined_shown_and_taken_in_once_mended(empty: Path) -> None:
    file = empty / "few.jsonl"
    file.write_text(GOOD + BAD.replace('"dear"', "null"))
    told = done("ingest", str(file), "--as", "Order", folder=empty).out
    assert "2 rows of Order: 1 accepted, 1 quarantined" in told
    assert "tidewheel quarantine list --event Order" in told
    assert "amount: missing" in done("quarantine", "list", folder=empty).out
    row = done("quarantine", "list", "--event", "Order", "--json", folder=empty).json[0]
    assert row["row"]["amount"] is None
    number = str(row["seq"])
    assert '"a2"' in done("quarantine", "show", number, folder=empty).out
    assert done("quarantine", "show", number, "--json", folder=empty).json["row"]["id"] == "a2"
    assert "0 rows taken in, 1 still refused" in done("quarantine", "retry", folder=empty).out

    module = empty / "project.py"
    module.write_text(module.read_text().replace("    amount: float\n", "    amount: float | None\n"))
    assert done("quarantine", "retry", "--event", "Order", "--json", folder=empty).json == {"taken": 1, "left": 0}
    assert "the quarantine is empty" in done("quarantine", "list", folder=empty).out
    assert orders_of(empty) == 2


def test_log_status_shows_the_lag(filled: Path) -> None:
    status = done("log", "status", "--json", folder=filled).json
    assert status["head"] - 1 > ORDERS
    assert status["positions"].keys() >= {"lake", "state of CustomerHistory"}
    assert "behind by" in done("log", "status", folder=filled).out


def wrong(folder: Path, *arguments: str) -> str:
    ran = tidewheel("ingest", *arguments, folder=folder)
    assert ran.code == 1, ran.out + ran.err
    assert orders_of(folder) == 0
    return ran.err


def test_what_is_wrong_with_a_file_is_told_and_nothing_is_taken(empty: Path) -> None:
    (empty / "empty.csv").write_text("")
    (empty / "cut.parquet").write_bytes(b"PAR1 and not much more")
    table = csv.read_csv(empty / "orders.csv")
    pq.write_table(table, empty / "whole.parquet")
    (empty / "torn.parquet").write_bytes((empty / "whole.parquet").read_bytes()[:-4000])
    assert "no such file" in wrong(empty, str(empty / "absent.csv"), "--as", "Order")
    assert "did you mean 'Order'" in wrong(empty, str(empty / "orders.csv"), "--as", "Oder")
    assert "empty.csv" in wrong(empty, str(empty / "empty.csv"), "--as", "Order")
    assert "cut.parquet" in wrong(empty, str(empty / "cut.parquet"), "--as", "Order")
    assert "torn.parquet" in wrong(empty, str(empty / "torn.parquet"), "--as", "Order")
    assert "orders.csv" in wrong(empty, str(empty / "orders.csv"), "--as", "Order", "--format", "parquet")
    assert "no time zone 'Mars'" in wrong(empty, str(empty / "orders.csv"), "--as", "Order", "--timezone", "Mars")
    assert "--map event_column=file_column" in wrong(empty, str(empty / "orders.csv"), "--as", "Order", "--map", "id")
    assert "absent" in wrong(empty, str(empty / "orders.csv"), "--as", "Order", "--map", "amount=absent")


def test_history_older_than_the_log_is_refused_with_the_way_out(filled: Path) -> None:
    file = filled / "late.jsonl"
    file.write_text(GOOD)
    ran = tidewheel("ingest", str(file), "--as", "Order", folder=filled)
    assert (ran.code, "--arrived now" in ran.err) == (1, True)
    assert "1 accepted" in done("ingest", str(file), "--as", "Order", "--arrived", "now", folder=filled).out


def test_a_ragged_row_is_set_aside_and_the_others_go_on(empty: Path) -> None:
    file = empty / "ragged.csv"
    head = "id,at,customer,category,amount\n"
    file.write_text(
        head + "r1,2026-01-01T00:00:00Z,c1,toys,1.0\nr2,2026-01-01T00:00:01Z,c1\nr3,2026-01-01T00:00:02Z,c1,toys,3.0\n"
    )
    told = done("ingest", str(file), "--as", "Order", "--json", folder=empty).json
    assert (told["rows"], told["accepted"], told["quarantined"]) == (3, 2, 1)
