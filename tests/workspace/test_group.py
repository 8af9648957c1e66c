"""Members of a consumer group share the partitions of the state: killed, begun again, shuffled, with exact totals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import CatalogPlace, RedisServer
from tests.kafka_server import KafkaPlace

from tidewheel.errors import ConfigError
from tidewheel.runtime.config import load_config

PROGRAM = Path(__file__).parent / "kill_group.py"


def report_of(
    folder: Path, place: KafkaPlace, seed: int, events: int, kills: int, state: str = "", catalog: str = ""
) -> dict[str, Any]:
    numbers = [str(number) for number in (seed, events, kills)]
    command = [sys.executable, str(PROGRAM), str(folder), place.url, place.namespace, *numbers, state, catalog]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3400)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.mark.kafka
@pytest.mark.timeout(900)
def test_totals_are_exact_whichever_member_is_killed(kafka_place: KafkaPlace, tmp_path: Path) -> None:
    report = report_of(tmp_path / "shop", kafka_place, seed=1, events=20_000, kills=2)
    assert (report["kills"], report["starts"]) == (2, 4), "each one changes who has which partition"
    assert (report["wrong"], report["differences"]) == (0, 0)
    assert min(report["places"]) > 10, "it was dealt, and not read from the log"


@pytest.mark.kafka
@pytest.mark.redis
@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(3500)
@pytest.mark.parametrize("catalog_place", ["postgres"], indirect=True)
def test_a_million_events_into_redis_and_members_that_are_replaced_while_they_are_paused(
    kafka_place: KafkaPlace, redis_server: RedisServer, catalog_place: CatalogPlace, tmp_path: Path
) -> None:
    place = KafkaPlace(kafka_place.url, catalog_place.namespace)
    state = f"{redis_server.url}?socket_timeout=10"  # which takes some megabytes at once now and then
    report = report_of(tmp_path / "shop", place, 2, 1_000_000, 10, state, catalog_place.url)
    assert (report["wrong"], report["differences"]) == (0, 0)
    assert min(report["places"]) > 10


@pytest.mark.parametrize("lines", ['stream = "group"', 'stream = "group"\nclock = "replay"\nlog = "kafka://one:9092"'])
def test_a_group_needs_a_broker_and_a_real_clock(tmp_path: Path, lines: str) -> None:
    (tmp_path / "tidewheel.toml").write_text(lines)
    with pytest.raises(ConfigError, match="log is on a broker and whose clock is real"):
        load_config(tmp_path)
