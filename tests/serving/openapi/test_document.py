"""The OpenAPI document holds: the server does what it promises, whether requests fit or not."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from tests.serving.oip.front import Front, front

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.checks import CHECKS  # noqa: E402  # after the check that it is there
from schemathesis.generation import GenerationMode  # noqa: E402

PROMISES = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
            "response_headers_conformance")  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("openapi")) as running:
        yield running


def get(served: Front, path: str, method: str = "GET") -> tuple[int, Any, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    client.request(method, path)
    answer = client.getresponse()
    told = answer.status, answer.headers, answer.read()
    client.close()
    return told


def post(served: Front, path: str, body: object) -> int:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    client.request("POST", path, json.dumps(body))
    answer = client.getresponse()
    answer.read()
    client.close()
    return answer.status


def document(served: Front) -> dict[str, Any]:
    status, _, body = get(served, "/openapi.json")
    assert status == 200
    told: dict[str, Any] = json.loads(body)
    return told


def test_the_document_is_valid_and_names_what_is_deployed(served: Front) -> None:
    told = document(served)
    validate(told)
    assert told["openapi"] == "3.1.0"
    wanted = {"/v1/services/Score", "/v1/events/Payment", "/v1/features/CardHistory", "/v2/repository/index"}
    assert wanted <= set(told["paths"])
    payment = told["components"]["schemas"]["Event.Payment"]
    assert payment["required"] == ["id", "card", "amount", "country"]
    assert get(served, "/openapi.json", "POST")[0] == 405
    assert get(served, "/openapi.json/x")[0] == 404


def test_its_examples_are_answered(served: Front) -> None:
    told = document(served)
    tried = 0
    for path, item in told["paths"].items():
        body = item.get("post", {}).get("requestBody", {"content": {"application/json": {}}})
        example = body["content"]["application/json"].get("example")
        if example is not None:
            assert post(served, path, example) == 200, path
            tried += 1
    assert tried >= 2


def test_the_page_needs_nothing_from_elsewhere(served: Front) -> None:
    status, headers, page = get(served, "/docs")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert b"/openapi.json" in page
    assert not any(word in page for word in (b"http://", b"https://", b" src=", b"@import"))


def conform(served: Front, mode: Any, examples: int) -> None:
    """Send what schemathesis makes of each operation, and hold the answers to the document."""
    told = document(served)
    schema = schemathesis.openapi.from_dict(told)
    checks = CHECKS.get_by_names(PROMISES)

    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and "requestBody" not in told["paths"][operation.path][operation.method]:
            continue  # any text is a name, so nothing can be wrong
        if operation.path == "/v1/decisions":
            continue  # a stream without end

        @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def hold(case: Any) -> None:
            case.call_and_validate(base_url=f"http://127.0.0.1:{served.port}", checks=checks)

        hold()


def test_what_fits_the_document_is_answered_as_it_says(served: Front) -> None:
    conform(served, GenerationMode.POSITIVE, 6)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_comes_is_answered_as_it_says(served: Front, mode: Any) -> None:
    conform(served, mode, 200)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_json_body_gets_a_promised_status(served: Front, data: st.DataObject) -> None:
    told = document(served)
    path = data.draw(st.sampled_from([path for path, item in told["paths"].items() if "post" in item]))
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    )
    status = post(served, path.replace("{model}", "Fraud"), data.draw(values))
    assert str(status) in told["paths"][path]["post"]["responses"]
    assert status < 500
