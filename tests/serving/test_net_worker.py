"""A worker that serves a net over HTTP: many at once, each its own answer, and no training library in the process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.serving.nets import SPEC, mlp
from tests.serving.shop import get, open_shop, payment, post, worker
from tests.serving.test_batching import deployed
from tests.serving.test_deciding import records

from tidewheel.registry.models.predictors import Predictor


def test_many_clients_of_a_net_get_their_own_answers(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    arrays = {"graph": np.frombuffer(mlp([3, 1024, 1024, 1]), np.uint8)}
    with open_shop(tmp_path) as shop:
        deployed(shop, shop.graph(deadline="20s"), SPEC, arrays)
    rows = np.array([[float(n), 1.0, n / 1000] for n in range(48)])
    expected = Predictor(SPEC, arrays).score(rows)
    with worker(tmp_path) as running, ThreadPoolExecutor(12) as threads:

        def ask(n: int) -> tuple[str, float]:
            status, answer = post(running.port, "/v1/services/Score", payment(n, amount=float(n)))
            assert status == 200, answer
            assert "fallback" not in answer
            return answer["decision_id"], answer["score"]

        given = list(threads.map(ask, [*range(48), *range(48)]))
        np.testing.assert_allclose([score for _, score in given[:48]], expected, rtol=1e-4, atol=1e-5)
        assert given[:48] == given[48:]  # asked again, some of them while the first answer was under way
        _, metrics = get(running.port, "/metrics")
        assert b"tidewheel_decisions_total" in metrics
        assert b"tidewheel_model_batches{" in metrics
        assert "heavy []" in running.stop()
    with open_shop(tmp_path) as shop:
        assert sorted(record.event_id for record in records(shop.stores.layout.journal)) == sorted(
            f"p{n}" for n in range(48)
        )
