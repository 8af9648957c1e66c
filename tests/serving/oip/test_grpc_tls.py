"""gRPC over TLS: Triton's client with an authority of the test's own, and a certificate that is renewed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.serving.shop import open_shop, serving

pytest.importorskip("cryptography")
grpcclient = pytest.importorskip("tritonclient.grpc")
from tests.serving.certificates import Authority  # noqa: E402  # after the check that it is there
from tests.serving.oip.front import two_columns  # noqa: E402
from tests.serving.oip.test_triton_grpc import GrpcThread  # noqa: E402
from tritonclient.utils import InferenceServerException  # noqa: E402

from tidewheel.serving.api.oip.grpc_tls import credentials_of  # noqa: E402
from tidewheel.serving.backend import WorkerBackend  # noqa: E402


def live(port: int, **trust: object) -> bool:
    with grpcclient.InferenceServerClient(f"127.0.0.1:{port}", **trust) as client:
        try:
            return bool(client.is_server_live(client_timeout=5.0))
        except InferenceServerException:
            return False


def test_callers_that_trust_it_are_answered_and_renewals_are_seen(tmp_path: Path) -> None:
    authority, later = Authority(tmp_path), tmp_path / "later"
    authority.issue("one")
    later.mkdir()
    with open_shop(tmp_path, certificate="server.pem", certificate_key="server.key") as shop:
        shop.deploy(shop.graph(), model=two_columns(shop))
        with serving(shop) as running, GrpcThread(WorkerBackend(running), credentials_of(shop.stores.config)) as server:
            trust = {"ssl": True, "root_certificates": str(authority.trusted)}
            assert live(server.port, **trust)
            assert not live(server.port)
            successor = Authority(later)
            successor.issue("two")
            for name in ("server.key", "server.pem"):
                (later / name).replace(tmp_path / name)
            end = time.monotonic() + 20.0
            while not live(server.port, ssl=True, root_certificates=str(successor.trusted)):
                assert time.monotonic() < end
            assert not live(server.port, **trust)
