"""Triton's own gRPC client, unmodified, in the same process as our server: the descriptors do not clash."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serving.oip.front import Front, front

grpcclient = pytest.importorskip("tritonclient.grpc")
import grpc  # noqa: E402  # after the check that it is there
from tritonclient.grpc import service_pb2  # noqa: E402
from tritonclient.utils import InferenceServerException  # noqa: E402

from tidewheel.runtime.config import load_config  # noqa: E402
from tidewheel.serving.api.oip.grpc_messages import message_classes  # noqa: E402
from tidewheel.serving.api.oip.grpc_tls import credentials_of  # noqa: E402
from tidewheel.serving.api.oip.grpc_worker import start_server  # noqa: E402
from tidewheel.serving.backend import WorkerBackend  # noqa: E402

AMOUNTS = np.array([100.0, 500.0, np.nan])
COUNTRIES = np.array([b"SE", b"NO", b"FI"], dtype=object)
SCORES = [0.225, 0.75, 0.0]


class GrpcThread:
    """A gRPC server on a loop of its own."""

    def __init__(self, backend: WorkerBackend, credentials: Any = None) -> None:
        self._backend, self._credentials, self._ready = backend, credentials, threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.port = 0

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server, self.port = await start_server(self._backend, None, "127.0.0.1", 0, self._credentials)
        self._ready.set()
        await self._stop.wait()
        await server.stop(1.0)

    def __enter__(self) -> GrpcThread:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Front, int]]:
    with front(tmp_path_factory.mktemp("oip")) as running:
        backend = WorkerBackend(running.serving)
        backend.not_ready = ""
        with GrpcThread(backend) as server:
            yield running, server.port


@pytest.fixture
def client(served: tuple[Front, int]) -> Iterator[Any]:
    with grpcclient.InferenceServerClient(f"127.0.0.1:{served[1]}") as found:
        yield found


def inputs(datatype: str = "FP64", amounts: Any = AMOUNTS) -> list[Any]:
    amount = grpcclient.InferInput("amount", [len(amounts)], datatype)
    amount.set_data_from_numpy(amounts)
    country = grpcclient.InferInput("country", [len(amounts)], "BYTES")
    country.set_data_from_numpy(COUNTRIES[: len(amounts)])
    return [amount, country]


def test_the_server_and_its_models_tell_what_they_are(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("Fraud", "1")
    told = client.get_server_metadata(as_json=True)
    assert told["name"] == "tidewheel"
    told = client.get_model_metadata("Fraud", as_json=True)
    assert (told["versions"], told["inputs"][0]) == (["1"], {"name": "amount", "datatype": "FP64", "shape": ["-1"]})
    config = client.get_model_config("Fraud").config
    assert (config.name, config.backend) == ("Fraud", "tidewheel")
    assert [port.data_type for port in config.input] == [12, 13]
    with pytest.raises(InferenceServerException, match="no model 'Froud'") as raised:
        client.get_model_metadata("Froud")
    assert raised.value.status() == "StatusCode.NOT_FOUND"


@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
def test_a_version_scores_a_batch(client: Any, coding: str | None) -> None:
    given = client.infer("Fraud", inputs(), request_id="r7", compression_algorithm=coding, timeout=5_000_000)
    np.testing.assert_allclose(given.as_numpy("score"), SCORES)
    told = given.get_response()
    assert (told.id, told.model_name, told.model_version) == ("r7", "Fraud", "1")


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "INT64", "UINT8", "BOOL"])
def test_every_kind_of_number_is_taken(client: Any, datatype: str) -> None:
    kinds = {"FP16": np.float16, "FP32": np.float32, "BOOL": np.bool_}
    amounts = np.array([1, 0, 1]).astype(kinds.get(datatype) or datatype.lower())
    given = client.infer("Fraud", inputs(datatype, amounts))
    np.testing.assert_allclose(given.as_numpy("score"), [0.126, 0.25, 0.001])


def test_typed_contents_are_answered_typed(served: tuple[Front, int]) -> None:
    made = message_classes()
    asked = made["ModelInferRequest"](model_name="Fraud")
    asked.inputs.add(name="amount", datatype="INT32", shape=[2]).contents.int_contents.extend([100, 500])
    asked.inputs.add(name="country", datatype="BYTES", shape=[2]).contents.bytes_contents.extend([b"SE", b"NO"])
    with grpc.insecure_channel(f"127.0.0.1:{served[1]}") as channel:
        call = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=made["ModelInferRequest"].SerializeToString,
            response_deserializer=service_pb2.ModelInferResponse.FromString,
        )
        np.testing.assert_allclose(call(asked).outputs[0].contents.fp64_contents, [0.225, 0.75])
        asked.raw_input_contents.append(b"x")
        with pytest.raises(grpc.RpcError) as raised:
            call(asked)
        assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_our_messages_are_the_protocols(served: tuple[Front, int]) -> None:
    theirs = {name: message for name, message in vars(service_pb2).items() if hasattr(message, "DESCRIPTOR")}
    compared = 0
    for name, ours in message_classes().items():
        found = theirs.get(name)
        if found is None:
            continue
        wanted = found.DESCRIPTOR.fields_by_name
        for field in ours.DESCRIPTOR.fields:
            assert (field.number, field.type) == (wanted[field.name].number, wanted[field.name].type), (
                name,
                field.name,
            )
        compared += 1
    assert compared > 20


def test_a_service_decides(client: Any) -> None:
    asked = []
    for name, value in {"id": b"g1", "card": b"c1", "amount": 900.0, "country": b"NO"}.items():
        tensor = grpcclient.InferInput(name, [1], "FP64" if name == "amount" else "BYTES")
        tensor.set_data_from_numpy(np.array([value], dtype=None if name == "amount" else object))
        asked.append(tensor)
    given = client.infer("Score", asked, outputs=[grpcclient.InferRequestedOutput("decision")])
    assert given.as_numpy("decision").tolist() == [b"block"]


def test_models_are_listed_switched_off_and_on(client: Any) -> None:
    index = client.get_model_repository_index(as_json=True)["models"]
    assert {"name": "Fraud", "version": "1", "state": "READY"} in index
    client.unload_model("Fraud")
    try:
        assert not client.is_model_ready("Fraud")
        with pytest.raises(InferenceServerException, match="switched off") as raised:
            client.infer("Fraud", inputs())
        assert raised.value.status() == "StatusCode.UNAVAILABLE"
    finally:
        client.load_model("Fraud")
    assert client.is_model_ready("Fraud")
    before = client.get_inference_statistics("Fraud").model_stats[0].inference_count
    client.infer("Fraud", inputs())
    assert client.get_inference_statistics("Fraud", "1").model_stats[0].inference_count - before == 3


def test_errors_deadlines_and_cancellation(client: Any) -> None:
    with pytest.raises(InferenceServerException, match="missing") as raised:
        client.infer("Fraud", inputs()[:1])
    assert raised.value.status() == "StatusCode.INVALID_ARGUMENT"
    many = grpcclient.InferInput("amount", [300_000], "FP64"), grpcclient.InferInput("country", [300_000], "BYTES")
    many[0].set_data_from_numpy(np.zeros(300_000))
    many[1].set_data_from_numpy(np.full(300_000, b"SE", dtype=object))
    with pytest.raises(InferenceServerException) as raised:
        client.infer("Fraud", many, client_timeout=0.01)
    assert raised.value.status() == "StatusCode.DEADLINE_EXCEEDED"
    ended: queue.Queue[Any] = queue.Queue()
    call = client.async_infer("Fraud", inputs(), lambda result, error: ended.put((result, error)))
    call.cancel()
    result, error = ended.get(timeout=10)
    assert result is not None or "Locally cancelled" in str(error)


def test_a_stream_answers_each_request_and_outlives_a_bad_one(client: Any) -> None:
    ended: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: ended.put((result, error)))
    client.async_stream_infer("Fraud", inputs(), request_id="1")
    np.testing.assert_allclose(ended.get(timeout=10)[0].as_numpy("score"), SCORES)
    client.async_stream_infer("Fraud", inputs()[:1], request_id="2")
    assert "missing" in str(ended.get(timeout=10)[1])
    client.async_stream_infer("Fraud", inputs(), request_id="3")
    assert ended.get(timeout=10)[0].get_response().id == "3"
    client.stop_stream()


def test_it_speaks_tls_where_the_server_does(served: tuple[Front, int], tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    from tests.serving.certificates import Authority

    authority = Authority(tmp_path)
    authority.issue("one")
    (tmp_path / "tidewheel.toml").write_text('certificate = "server.pem"\ncertificate_key = "server.key"\n')
    credentials = credentials_of(load_config(tmp_path, variables={}))
    backend = WorkerBackend(served[0].serving)
    with GrpcThread(backend, credentials) as server:
        trusted = {"ssl": True, "root_certificates": str(authority.trusted)}
        with grpcclient.InferenceServerClient(f"127.0.0.1:{server.port}", **trusted) as client:
            assert client.is_server_live()
