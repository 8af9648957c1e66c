"""A real ``tidewheel up`` asked over gRPC and by the client, while a worker is killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.system.live import Server, free_port, order

from tidewheel.client import Client

grpcclient = pytest.importorskip("tritonclient.grpc")


def test_grpc_and_the_client_with_a_killed_worker(light_shop: Path) -> None:
    port = free_port()
    with Server(light_shop, workers=2, environment={"TIDEWHEEL_GRPC_PORT": str(port)}) as server:
        with grpcclient.InferenceServerClient(f"127.0.0.1:{port}") as triton:
            assert triton.is_server_ready()
            names = {model["name"] for model in triton.get_model_repository_index(as_json=True)["models"]}
            assert "Screen" in names
            asked = []
            for name, value in order("grpc-1").items():
                tensor = grpcclient.InferInput(name, [1], "FP64" if name == "amount" else "BYTES")
                tensor.set_data_from_numpy(np.array([value], dtype=None if name == "amount" else object))
                asked.append(tensor)
            told = triton.infer("Screen", asked).as_numpy("decision_id")[0].decode()
        with Client(f"http://127.0.0.1:{server.port}", deadline=30) as client:
            first = [client.decide("Screen", order(f"c{n}")) for n in range(20)]
            server.kill("serve-0")
            again = [client.decide("Screen", order(f"c{n}")) for n in range(40)]
            assert again[:20] == first
            assert len({answer.decision_id for answer in again}) == 40
            assert client.why(told)["event_id"] == "grpc-1"
        server.wait_for_all()
        assert server.stop() == 0
        assert "Traceback" not in server.told()
