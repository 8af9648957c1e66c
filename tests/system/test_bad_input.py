"""Bad input at every door of a running workspace: a clear error or a quarantined row, nothing lost, nothing hangs."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.shop import done, tidewheel
from tests.system.live import SCREEN, Client, Server, order

from tidewheel.runtime.config import load_config

EVENTS = "/v1/events/Order"
WRONG_ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"discount": 1}, "discount"),
    "text for a number": ({"amount": "dear"}, "amount"),
    "list for text": ({"category": ["toys"]}, "category"),
    "list": ({"amount": [1.0]}, "amount"),
    "null id": ({"id": None}, "id"),
    "empty id": ({"id": ""}, "id"),
    "long id": ({"id": "x" * 10_000}, "id"),
    "megabyte of text": ({"category": "x" * 1_000_000}, "category"),
    "far future": ({"at": "2200-01-01T00:00:00Z"}, ""),
    "no zone": ({"at": "2026-01-01T00:00:00"}, "zone"),
    "no time": ({"at": "yesterday"}, "at"),
}
NOT_ROWS: dict[str, bytes] = {
    "NaN": b'{"id": "w", "customer": "c1", "category": "toys", "amount": NaN}',
    "infinity": b'{"id": "w", "customer": "c1", "category": "toys", "amount": 1e999}',
    "cut": b'{"id": "w", "customer"',
    "empty": b"",
    "a number": b"17",
    "text": b'"order"',
    "bytes": b"\xff\xfe\x00",
    "nested": b"[" * 100_000,
}


def counters(folder: Path) -> dict[str, int]:
    found: dict[str, int] = done("log", "status", "--json", folder=folder).json["counters"]["Order"]
    return found


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_a_wrong_row_is_put_aside_or_refused_with_its_reason(live: Server, client: Client, name: str) -> None:
    changes, said = WRONG_ROWS[name]
    row = {**order(f"wrong-{name}"), **changes}
    before = counters(live.folder)
    status, told = client.post(EVENTS, [row, order(f"right-{name}")])
    assert (status, told["accepted"], len(told["quarantined"])) == (200, 1, 1)
    assert said in told["quarantined"][0]["reason"]
    after = counters(live.folder)
    assert (after["logged"] - before["logged"], after["quarantined"] - before["quarantined"]) == (1, 1)
    status, told = client.post(SCREEN, row)
    assert status in (400, 413, 422)
    assert told["error"]["what"]
    assert status == 413 or said in json.dumps(told["error"])
    assert counters(live.folder) == after, "a refused decision left something in the log"


@pytest.mark.parametrize("name", NOT_ROWS)
@pytest.mark.parametrize("path", [EVENTS, SCREEN])
def test_what_is_no_row_is_refused_with_a_sentence(client: Client, path: str, name: str) -> None:
    status, told = client.post(path, NOT_ROWS[name])
    assert status in (400, 413, 422), told
    if isinstance(told, list):  # it begins like many rows, of which each has an answer
        (told,) = told
    assert told["error"]["what"] if "error" in told else told["quarantined"][0]["reason"]
    assert client.post(SCREEN, order(f"after {path} {name}"))[0] == 200


def test_routes_and_clocks_that_are_not_there(client: Client) -> None:
    assert client.post("/v1/services/Scren", order("r1"))[1]["error"]["remedy"] == "did you mean 'Screen'?"
    assert client.post("/v1/events/Oder", order("r1"))[1]["error"]["remedy"] == "did you mean 'Order'?"
    assert client.post("/v1/nothing", order("r1"))[0] == 404
    assert client.get("/v1/services/Screen")[0] == 405
    assert client.get("/v1/decisions/nothing")[0] == 404
    status, told = client.post(SCREEN, order("r1"), {"tidewheel-now": "2026-01-01T00:00:00Z"})
    assert status == 409
    assert "real time" in told["error"]["what"]


def test_two_processes_ingest_the_same_file(live: Server) -> None:
    file = live.folder / "twice.jsonl"
    file.write_text("".join(json.dumps(order(f"twice-{n}")) + "\n" for n in range(500)))
    before = counters(live.folder)["imported"]
    command = [sys.executable, "-m", "tidewheel", "-C", str(live.folder), "ingest", str(file), "--as", "Order"]
    command += ["--arrived", "now", "--json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    told = []
    for one in both:
        out, err = one.communicate(timeout=60)
        assert one.returncode == 0, err.decode()
        told.append(json.loads(out))
    assert sorted(summary["already"] for summary in told) == [False, True]
    assert [summary["accepted"] for summary in told] == [500, 500]
    assert counters(live.folder)["imported"] - before == 500


def test_a_locked_catalog_is_told_and_serving_goes_on(live: Server, client: Client) -> None:
    catalog = sqlite3.connect(load_config(live.folder).layout.catalog, isolation_level=None)
    catalog.execute("BEGIN IMMEDIATE")
    answered: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answered.append(client.post(SCREEN, order(f"locked-{len(answered)}"))[0])
            time.sleep(0.02)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        ran = tidewheel("thresholds", "Screen", "check=0.7", folder=live.folder)
    finally:
        stop.set()
        asker.join(20)
        catalog.execute("ROLLBACK")
        catalog.close()
    assert ran.code == 1
    assert "locked" in ran.err or "busy" in ran.err
    assert set(answered) == {200}
    done("thresholds", "Screen", "check=0.7", folder=live.folder)
    done("thresholds", "Screen", "--declared", folder=live.folder)
