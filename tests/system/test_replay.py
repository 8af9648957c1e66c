"""``tidewheel up`` on a caller's clock: one process serves and folds, and what is due gets done on the way."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pytest
from tests.shop import done, empty_shop
from tests.system.live import SCREEN, Client, Server, order

import tidewheel as tw

DAY = 86_400_000_000


@pytest.fixture
def replayed(tmp_path: Path) -> tuple[Path, int]:
    """Make a shop with a deployed model that is trained again each day; tell the instant at which its history ends."""
    folder = empty_shop(tmp_path / "shop")
    with (folder / "tidewheel.toml").open("a") as settings:
        settings.write('clock = "replay"\nworkers = 1\n')
    module, view = folder / "project.py", "    view = OrderView\n"
    module.write_text(module.read_text().replace(view, f'{view}    retrain = "daily"\n'))
    with (folder / "orders.csv").open() as rows:
        last = max(datetime.fromisoformat(row["at"]) for row in csv.DictReader(rows))
    now = int(last.timestamp() + 86_400) * 1_000_000
    with tw.open(folder) as workspace:
        workspace.advance(now)
    for file, event in (("orders.csv", "Order"), ("returns.csv", "Return")):
        done("ingest", str(folder / file), "--as", event, folder=folder)
    done("train", "SentBack", folder=folder)
    done("deploy", "SentBack@1", folder=folder)
    return folder, now


def test_a_challenger_starts_while_the_clock_waits_for_it(replayed: tuple[Path, int]) -> None:
    """Its features must catch up with what was decided just before, and only the waiting process folds them."""
    folder, now = replayed
    with Server(folder, workers=1) as server:
        client = Client(server.port)
        for step in range(3):
            answered, body = client.post(SCREEN, order(f"n{step}"), {"tidewheel-now": str(now + step * DAY)})
            assert (answered, body.get("fallback", "")) == (200, ""), body
        client.close()
        assert server.stop() == 0
        assert "did not stop in time" not in server.told()
    with tw.open(folder) as workspace:
        assert [version.name for version in workspace.versions("SentBack")] == ["SentBack@2", "SentBack@1"]
