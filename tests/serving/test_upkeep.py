"""What a worker does beside its requests goes on after a failure, and says that it fails."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from tests.serving.shop import get, open_shop, payment, post, worker
from tests.serving.test_deciding import eventually

from tidewheel.errors import StorageError
from tidewheel.serving.observing.metrics import Metrics
from tidewheel.serving.upkeep import Upkeep


def test_it_outlives_what_nobody_foresaw_and_tells_it_once(caplog: pytest.LogCaptureFixture) -> None:
    metrics, told, done = Metrics(), [], asyncio.Event()
    errors = [None, KeyError("odd"), KeyError("odd"), StorageError("the disk is full"), None]

    async def work() -> None:
        told.append(dict(upkeep.failing))
        error = errors[len(told) - 1] if len(told) <= len(errors) else None
        if len(told) > len(errors):
            done.set()
        if error is not None:
            raise error

    async def all_of_it() -> None:
        upkeep.every(0.0, "counting", work)
        await asyncio.wait_for(done.wait(), 30)
        upkeep.cancel()

    upkeep = Upkeep(metrics)
    with caplog.at_level(logging.ERROR, "tidewheel"):
        asyncio.run(all_of_it())
    odd, full = {"counting": "KeyError('odd')"}, {"counting": "the disk is full"}
    assert told[:6] == [{}, {}, odd, odd, full, {}]
    assert metrics.total("upkeep_failures", "counting") == 3
    assert metrics.gauges["upkeep_failing"] == 0.0
    assert [(line.getMessage(), line.exc_info is not None) for line in caplog.records] == [
        ("counting failed, and is tried again: KeyError('odd')", True),
        ("counting failed, and is tried again: the disk is full", False),
    ]


def test_a_worker_says_what_it_fails_at_and_goes_on(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with worker(tmp_path) as running:

            def failing() -> str:
                return str(json.loads(get(running.port, "/v1/status")[1])["failing"])

            numbers = shop.stores.layout.run / "metrics-0.json"
            eventually(numbers.exists)
            numbers.unlink()
            numbers.mkdir()
            eventually(lambda: "writing the worker's numbers" in failing())
            text = get(running.port, "/metrics")[1].decode()
            assert 'tidewheel_upkeep_failing{worker="0"} 1' in text
            assert 'tidewheel_upkeep_failures_total{task="writing the worker\'s numbers"' in text
            assert post(running.port, "/v1/services/Score", payment(1))[0] == 200
            numbers.rmdir()
            eventually(lambda: failing() == "{}")
            assert numbers.is_file()
