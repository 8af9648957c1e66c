"""``top``, on this machine's workers and on a URL."""

from __future__ import annotations

from pathlib import Path

from tests.serving.shop import open_shop, payment, post, worker
from tests.shop import done, tidewheel

from tidewheel.registry.tokens import create_token


def test_it_shows_what_is_served_here_and_there(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        secret = create_token(shop.stores.catalog, "eye", ("read", "decide")).secret
        with worker(tmp_path) as running:
            url = f"http://127.0.0.1:{running.port}"
            sent = {"Authorization": f"Bearer {secret}"}
            for number in range(5):
                assert post(running.port, "/v1/services/Score", payment(number), sent)[0] == 200
            there = done("top", url, "--token", secret, "--json", "--interval", "0.7").json
            here = done("top", "--json", "--interval", "0.7", folder=tmp_path).json
            for found in (there, here):
                (score,) = found["services"]
                assert (score["service"], score["decisions"], score["deployed"]["champion"]) == ("Score", 5, "Fraud@1")
                assert score["latency_us"]["p99"] is None or score["latency_us"]["p99"] > 0
                assert len(found["workers"]) == 1
            told = done("top", url, "--token", secret, "--once", "--interval", "0.1").out
            assert "Fraud@1" in told
            assert "serves" in told
            refused = tidewheel("top", url, "--once")
            assert refused.code == 1
            assert "scope read" in refused.err
            running.stop()
    assert "can't be asked" in tidewheel("top", url, "--once").err


def test_without_workers_it_says_how_to_start_some(tmp_path: Path) -> None:
    with open_shop(tmp_path):
        pass
    ran = tidewheel("top", "--once", folder=tmp_path)
    assert ran.code == 1
    assert "tidewheel up" in ran.err
