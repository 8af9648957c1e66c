"""Triton's own HTTP client, unmodified, against our server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.serving.oip.front import Front, front
from tests.serving.test_deciding import records

httpclient = pytest.importorskip("tritonclient.http")
from tritonclient.utils import InferenceServerException  # noqa: E402  # after the check that it is there

from tidewheel.registry.audit import audit  # noqa: E402
from tidewheel.serving.observing.metrics import Inferences, Metrics, write_snapshot  # noqa: E402

AMOUNTS = np.array([100.0, 500.0, np.nan, 0.0])
COUNTRIES = np.array([b"SE", b"NO", b"FI", b""], dtype=object)
SCORES = [0.225, 0.75, 0.0, 0.0]
"""NaN counts as 0 in this model, an unseen country and none weigh nothing."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("oip")) as running:
        yield running


@pytest.fixture
def client(served: Front) -> Iterator[Any]:
    with httpclient.InferenceServerClient(served.url) as found:
        yield found


def inputs(binary: bool = True, datatype: str = "FP64", amounts: Any = AMOUNTS) -> list[Any]:
    amount = httpclient.InferInput("amount", [len(amounts)], datatype)
    amount.set_data_from_numpy(amounts, binary_data=binary)
    country = httpclient.InferInput("country", [len(amounts)], "BYTES")
    country.set_data_from_numpy(COUNTRIES[: len(amounts)], binary_data=binary)
    return [amount, country]


def test_the_server_and_its_models_tell_what_they_are(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("Fraud")
    assert client.is_model_ready("Fraud", "1")
    assert not client.is_model_ready("Fraud", "7")
    assert not client.is_model_ready("Froud")
    told = client.get_server_metadata()
    assert told["name"] == "tidewheel"
    assert "binary_tensor_data" in told["extensions"]
    told = client.get_model_metadata("Fraud")
    assert told["versions"] == ["1"]
    assert told["inputs"] == [
        {"name": "amount", "datatype": "FP64", "shape": [-1]},
        {"name": "country", "datatype": "BYTES", "shape": [-1]},
    ]
    assert told["outputs"] == [{"name": "score", "datatype": "FP64", "shape": [-1]}]
    config = client.get_model_config("Fraud")
    assert (config["name"], config["max_batch_size"]) == ("Fraud", 0)
    assert config["input"][1] == {"name": "country", "data_type": "TYPE_STRING", "dims": [-1]}
    service = client.get_model_metadata("Score")
    assert [port["name"] for port in service["inputs"]] == ["id", "card", "amount", "country"]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False, None])
def test_a_version_scores_a_batch(client: Any, binary_in: bool, binary_out: bool | None) -> None:
    asked = None if binary_out is None else [httpclient.InferRequestedOutput("score", binary_data=binary_out)]
    finite = [0.0 if np.isnan(amount) else amount for amount in AMOUNTS]
    amounts = AMOUNTS if binary_in else np.array(finite)
    given = client.infer("Fraud", inputs(binary_in, amounts=amounts), outputs=asked, request_id="r7")
    np.testing.assert_allclose(given.as_numpy("score"), SCORES)
    told = given.get_response()
    assert (told["id"], told["model_name"], told["model_version"]) == ("r7", "Fraud", "1")


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "INT64", "INT32", "UINT8", "INT8", "UINT64", "BOOL"])
def test_every_kind_of_number_is_taken(client: Any, datatype: str) -> None:
    kinds = {"FP16": np.float16, "FP32": np.float32, "BOOL": np.bool_}
    amounts = np.array([1, 0, 1, 1]).astype(kinds.get(datatype) or datatype.lower())
    given = client.infer("Fraud", inputs(datatype=datatype, amounts=amounts))
    np.testing.assert_allclose(given.as_numpy("score"), [0.126, 0.25, 0.001, 0.001])


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_bodies_may_be_packed_both_ways(client: Any, coding: str) -> None:
    many = [np.tile(AMOUNTS, 100), np.tile(COUNTRIES, 100)]
    amount = httpclient.InferInput("amount", [400], "FP64")
    amount.set_data_from_numpy(many[0])
    country = httpclient.InferInput("country", [400, 1], "BYTES")
    country.set_data_from_numpy(many[1].reshape(400, 1))
    given = client.infer(
        "Fraud", [amount, country], request_compression_algorithm=coding, response_compression_algorithm=coding
    )
    np.testing.assert_allclose(given.as_numpy("score"), SCORES * 100)


def test_a_service_decides_and_its_decisions_are_journalled(served: Front, client: Any) -> None:
    columns: dict[str, Any] = {
        "id": np.array([b"o1", b"o2"], dtype=object),
        "card": np.array([b"c1", b"c1"], dtype=object),
        "amount": np.array([100.0, 900.0]),
        "country": np.array([b"SE", b"NO"], dtype=object),
    }
    asked = []
    for name, values in columns.items():
        tensor = httpclient.InferInput(name, [2], "FP64" if name == "amount" else "BYTES")
        tensor.set_data_from_numpy(values)
        asked.append(tensor)
    given = client.infer("Score", asked, headers={"tidewheel-caller": "triton"})
    assert given.as_numpy("decision").tolist() == [b"allow", b"block"]
    np.testing.assert_allclose(given.as_numpy("score"), [0.225, 1.15])
    again = client.infer("Score", asked)
    assert again.as_numpy("decision_id").tolist() == given.as_numpy("decision_id").tolist()
    kept = {record.decision_id: record for record in records(served.shop.stores.layout.journal)}
    for identity in given.as_numpy("decision_id").tolist():
        assert kept[identity.decode()].caller == "triton"
    asked[2].set_data_from_numpy(np.array([100.0, np.nan]))
    with pytest.raises(InferenceServerException, match=r"row 1: .*amount: missing"):
        client.infer("Score", asked)


def test_errors_say_what_is_wrong(client: Any) -> None:
    wrong = [
        ("Froud", "", inputs(), "no model 'Froud'; did you mean 'Fraud'", "404"),
        ("Fraud", "7", inputs(), "has no version '7'", "404"),
        ("Fraud", "", inputs()[:1], "missing .'country'", "400"),
        ("Fraud", "", [*inputs(), httpclient.InferInput("x", [0], "FP32")], "x", "400"),
    ]
    wrong[3][2][2].set_data_from_numpy(np.empty(0, np.float32))
    for name, version, asked, message, status in wrong:
        with pytest.raises(InferenceServerException, match=message) as raised:
            client.infer(name, asked, model_version=version)
        assert raised.value.status() == status
    with pytest.raises(InferenceServerException, match="no output"):
        client.infer("Fraud", inputs(), outputs=[httpclient.InferRequestedOutput("scores")])
    with pytest.raises(InferenceServerException, match="not supported"):
        client.get_system_shared_memory_status()


def test_models_are_listed_switched_off_and_on(served: Front, client: Any) -> None:
    assert {"name": "Fraud", "version": "1", "state": "READY", "reason": ""} in client.get_model_repository_index()
    client.unload_model("Fraud")
    try:
        assert not client.is_model_ready("Fraud")
        with pytest.raises(InferenceServerException, match="switched off"):
            client.infer("Fraud", inputs())
        states = {entry["name"]: entry["state"] for entry in client.get_model_repository_index()}
        assert states["Fraud"] == "UNAVAILABLE"
    finally:
        client.load_model("Fraud")
    assert client.is_model_ready("Fraud")
    noted = [(event.action, event.subject, event.who) for event in audit(served.shop.stores.catalog)[:2]]
    assert noted == [(f"switch.{what}", "Fraud", "inference protocol") for what in ("unkill", "kill")]
    client.infer("Fraud", inputs())
    with pytest.raises(InferenceServerException, match="no model 'Froud'"):
        client.load_model("Froud")
    with pytest.raises(InferenceServerException, match="not taken over the wire"):
        client.load_model("Fraud", config="{}")


def test_requests_are_counted(client: Any) -> None:
    before = client.get_inference_statistics("Fraud")["model_stats"][0]
    client.infer("Fraud", inputs())
    with pytest.raises(InferenceServerException):
        client.infer("Fraud", inputs()[:1])
    after = client.get_inference_statistics("Fraud", "1")["model_stats"][0]
    assert after["inference_count"] - before["inference_count"] == 4
    assert after["execution_count"] - before["execution_count"] == 1
    assert after["inference_stats"]["fail"]["count"] - before["inference_stats"]["fail"]["count"] == 1
    assert [stats["name"] for stats in client.get_inference_statistics()["model_stats"]] == ["Score", "Fraud"]


def test_what_other_workers_counted_is_told(served: Front, client: Any) -> None:
    before = client.get_inference_statistics("Fraud")["model_stats"][0]
    other = Metrics(7)
    other.inferred["Fraud@1"] = Inferences(rows=5, executions=2, success_ns=100, failures=1, fail_ns=10, last=1)
    write_snapshot(served.shop.stores.layout.run, other.snapshot())
    after = client.get_inference_statistics("Fraud")["model_stats"][0]
    assert after["inference_count"] - before["inference_count"] == 5
    assert after["execution_count"] - before["execution_count"] == 2
    assert after["last_inference"] == before["last_inference"] > 1


def test_an_async_request_and_a_timeout(client: Any) -> None:
    pending = [client.async_infer("Fraud", inputs(), timeout=5_000_000) for _ in range(3)]
    for request in pending:
        np.testing.assert_allclose(request.get_result().as_numpy("score"), SCORES)
    with pytest.raises(InferenceServerException, match="timeout"):
        client.infer("Fraud", inputs(), timeout=-1)
