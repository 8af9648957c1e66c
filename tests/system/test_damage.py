"""Damage: a bundle that can't be read, states that are gone, a deadline that passes, a full disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shop import copied, done, trained_shop
from tests.system.conftest import lighten
from tests.system.live import SCREEN, Client, order, running, until

import tidewheel as tw
from tidewheel.runtime.config import load_config


def fallbacks(client: Client) -> int:
    return int(client.get("/v1/status")[1]["services"]["Screen"]["fallbacks"])


def test_a_damaged_bundle_falls_back_marked_and_counted(light_shop: Path) -> None:
    done("deploy", "SentBack@1", folder=light_shop)
    artifacts = load_config(light_shop).layout.artifacts
    with tw.open(light_shop) as workspace:
        bundle = workspace.version("SentBack@1")[0].bundle
    file = next(path for path in artifacts.rglob("*") if path.name.endswith(bundle[2:]))
    file.chmod(0o644)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] + b"damage" + whole[len(whole) // 2 + 6 :])
    with running(light_shop, workers=1) as (server, client):
        status, told = client.post(SCREEN, order("n1"))
        assert (status, told["decision"], told["fallback"]) == (200, "ship", "action")
        assert told["reason"]
        until(lambda: fallbacks(client) == 1, "the fallback was not counted")
        assert client.post("/v1/events/Order", order("n2"))[1]["accepted"] == 1
        assert "Traceback" not in server.told()
        file.write_bytes(whole)
        done("deploy", "SentBack@1", "--why", "mended", folder=light_shop)
        until(
            lambda: client.post(SCREEN, order(f"m{os.urandom(4).hex()}"))[1].get("model") == "SentBack@1", "not mended"
        )
    found = done("report", "Screen", "--json", folder=light_shop).json
    assert sum(period["fallbacks"] for period in found["totals"]) >= 1


def test_states_that_are_gone_are_made_again(light_shop: Path) -> None:
    state = load_config(light_shop).layout.state
    done("features", "read", "CustomerHistory", "customer=c1", folder=light_shop)
    shutil.rmtree(state / "0")
    (state / "1" / "data.mdb").write_bytes(os.urandom(1 << 16))
    with running(light_shop, workers=1) as (server, client):
        status, told = client.post(SCREEN, order("n1"))
        assert status == 200
        until(lambda: client.get("/v1/status")[1]["log"]["lag"] == 0, "the states did not come back", server.log)
        assert "fallback" not in client.post(SCREEN, order("n2"))[1]
        assert "Traceback" not in server.told()
    report = done("features", "check", "--json", folder=light_shop).json
    assert (report["differences"], report["checked"]) == (0, 1 if "fallback" in told else 2)


def test_a_passed_deadline_falls_back(light_shop: Path) -> None:
    module = light_shop / "project.py"
    module.write_text(module.read_text().replace('deadline = "20ms"', 'deadline = "1us"'))
    done("deploy", "SentBack@1", folder=light_shop)
    with tw.open(light_shop) as workspace:
        answer = workspace.decide("Screen", order("n1"))
        assert (answer.decision, answer.fallback) == ("ship", "action")
        assert "deadline" in answer.reason


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk can't be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    folder = lighten(trained_shop(tmp_path / "shop"))
    copied(folder / ".tidewheel", small_disk / "data")
    shutil.rmtree(folder / ".tidewheel")
    (folder / "tidewheel.toml").write_text((folder / "tidewheel.toml").read_text() + f'data = "{small_disk}/data"\n')
    with running(folder, workers=1) as (server, client):
        assert client.post(SCREEN, order("before"))[0] == 200
        ballast = small_disk / "ballast"
        free = os.statvfs(small_disk)
        ballast.write_bytes(b"x" * max(0, free.f_bavail * free.f_bsize - 200_000))
        acknowledged, refused = ["before"], 0
        for number in range(3000):
            status, told = client.post("/v1/events/Order", order(f"full-{number}", "c" * 100 + str(number)))
            if status == 200:
                acknowledged.append(f"full-{number}")
            else:
                refused += 1
                assert told["error"]["what"], told
            if refused > 3:
                break
        assert refused > 3
        status, told = client.post(SCREEN, order("during"))
        assert status in (200, 503, 507)
        acknowledged += ["during"] * (status == 200)
        ballast.unlink()
        until(lambda: client.insist("/v1/events/Order", order("after"))[0] == 200, "no way back", server.log)
        assert client.insist(SCREEN, order("after-2"))[0] == 200
        assert "Traceback" not in server.told()
    with tw.open(folder) as workspace:
        workspace.sync()
        logged = workspace.history.scan("Order", ["id"])["id"].to_pylist()
        assert len(logged) == len(set(logged))
        assert {*acknowledged, "after", "after-2"} <= set(logged)
        assert workspace.check_features(sample=0).differences == 0
