"""The binary tensor extension: whatever the bytes are, the right answer or an error that says why not."""

from __future__ import annotations

import asyncio
import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.oip.front import Front, front

from tidewheel.errors import InputError
from tidewheel.serving.api.oip.messages import read_request
from tidewheel.serving.api.oip.tensors import NUMBERS, Tensor, from_plain, from_raw
from tidewheel.serving.transport.coding import body_of as unpacked
from tidewheel.serving.transport.coding import coded
from tidewheel.serving.transport.http import Request, Response

INFER = "/v2/models/Fraud/infer"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("oip")) as running:
        yield running


def asked(served: Front, body: bytes, headers: dict[bytes, bytes], path: str = INFER) -> Response:
    async def ask() -> Response:
        answer = served.handler.handle(Request("POST", path, "", headers, body))
        return answer if isinstance(answer, Response) else await answer

    return asyncio.run(ask())


def body_of(amounts: Any, countries: list[bytes], **over: Any) -> tuple[bytes, int]:
    """A request with one binary input of each kind; `over` replaces what it says of the first."""
    text = b"".join(struct.pack("<I", len(country)) + country for country in countries)
    raw = np.asarray(amounts, "<f8").tobytes()
    first = {"name": "amount", "datatype": "FP64", "shape": [len(amounts)], "size": len(raw), **over}
    told = {
        "inputs": [
            {**{k: first[k] for k in ("name", "datatype", "shape")}, "parameters": {"binary_data_size": first["size"]}},
            {"name": "country", "datatype": "BYTES", "shape": [len(countries)],
             "parameters": {"binary_data_size": len(text)}},
        ],
        "parameters": {"binary_data_output": True},
    }  # fmt: skip
    head = json.dumps(told).encode()
    return head + raw + text, len(head)


def scores(answer: Response) -> list[float]:
    size = dict(answer.headers).get(b"inference-header-content-length")
    assert size is not None
    return np.frombuffer(answer.body[int(size) :], "<f8").tolist()


countries = st.lists(st.sampled_from([b"SE", b"NO", b"FI", b"", "Åland".encode()]), min_size=1, max_size=5)
WEIGHTS = {b"NO": 0.25, b"SE": 0.125}


@settings(deadline=None, max_examples=60)
@given(countries=countries, data=st.data())
def test_what_is_sent_whole_is_scored(served: Front, countries: list[bytes], data: st.DataObject) -> None:
    floats = st.floats(-1e6, 1e6)
    amounts = data.draw(st.lists(floats, min_size=len(countries), max_size=len(countries)))
    body, size = body_of(amounts, countries)
    answer = asked(served, body, {b"inference-header-content-length": b"%d" % size})
    assert answer.status == 200, answer.body
    wanted = [amount * 0.001 + WEIGHTS.get(country, 0.0) for amount, country in zip(amounts, countries, strict=True)]
    np.testing.assert_allclose(scores(answer), wanted, rtol=1e-12, atol=1e-15)


@settings(deadline=None, max_examples=200)
@given(
    header=st.one_of(st.none(), st.integers(-5, 400).map(lambda n: b"%d" % n), st.binary(max_size=8)),
    over=st.fixed_dictionaries(
        {},
        optional={
            "size": st.one_of(st.integers(-3, 60), st.just(1 << 62), st.just("8"), st.just(True), st.just(1.5)),
            "shape": st.one_of(
                st.lists(st.integers(-2, 1 << 40), max_size=4),
                st.just([1 << 62, 1 << 62]),
                st.just("x"),
                st.just([1] * 70),
            ),
            "datatype": st.one_of(st.sampled_from([*NUMBERS, "BF16", "BYTES", "STRING"]), st.integers()),
            "name": st.one_of(st.text(max_size=5), st.just("rows"), st.just("country")),
        },
    ),
    tail=st.binary(max_size=20),
)
def test_whatever_is_wrong_is_said(served: Front, header: bytes | None, over: dict[str, Any], tail: bytes) -> None:
    body, size = body_of([1.0, 2.0], [b"SE", b"NO"], **over)
    headers = {b"inference-header-content-length": b"%d" % size if header is None else header}
    answer = asked(served, body + tail, headers)
    if answer.status == 200:
        assert not tail
        # The same bytes under the name of another type of their width are other numbers.
        assert over.get("datatype", "FP64") != "FP64" or scores(answer) == [0.126, 0.252]
        return
    assert 400 <= answer.status < 500
    assert isinstance(json.loads(answer.body)["error"], str)


@settings(deadline=None, max_examples=200)
@given(body=st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["inputs", "name", "shape", "datatype", "data", "parameters", "outputs", "id"]), inner),
    max_leaves=20,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_any_body_gets_an_answer(served: Front, body: bytes) -> None:
    for path in (INFER, "/v2/models/Score/infer", "/v2/repository/index"):
        answer = asked(served, body, {}, path)
        assert answer.status < 500
        if answer.status != 200:
            assert isinstance(json.loads(answer.body)["error"], str)


def test_deep_json_and_huge_packed_bodies_are_refused(served: Front) -> None:
    deep = (
        b'{"inputs":[{"name":"amount","shape":[1],"datatype":"FP64","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"
    )
    assert asked(served, deep, {}).status == 400
    bomb = gzip.compress(bytes(64 << 20))
    answer = asked(served, bomb, {b"content-encoding": b"gzip"})
    assert answer.status == 400
    assert b"once unpacked" in answer.body
    assert asked(served, b"nothing", {b"content-encoding": b"deflate"}).status == 400
    assert asked(served, zlib.compress(b"{}")[:-3], {b"content-encoding": b"deflate"}).status == 400
    assert asked(served, b"{}", {b"content-encoding": b"br"}).status == 400


def test_a_body_without_json_is_the_only_input(served: Front) -> None:
    answer = asked(served, b"12345678", {b"inference-header-content-length": b"0"})
    assert (answer.status, b"several inputs" in answer.body) == (400, True)


@settings(deadline=None)
@given(st.sampled_from(sorted(NUMBERS)), st.lists(st.integers(0, 1), max_size=6))
def test_numbers_come_back_as_they_went(datatype: str, values: list[int]) -> None:
    typed: list[Any] = [bool(value) for value in values] if datatype == "BOOL" else values
    there = from_plain("x", datatype, [len(values)], typed)
    back = from_raw("x", datatype, [len(values)], there.raw())
    assert back.plain() == there.plain() == typed


@given(st.lists(st.binary(max_size=9), max_size=5))
def test_bytes_come_back_as_they_went(values: list[bytes]) -> None:
    array = np.empty(len(values), object)
    array[:] = values
    raw = Tensor("x", "BYTES", array).raw()
    assert from_raw("x", "BYTES", [len(values)], raw).values.tolist() == values


def test_bf16_is_the_upper_half_of_a_float() -> None:
    halves = np.array([1.5, -2.0], "<f4").view("<u4") >> 16
    assert from_raw("x", "BF16", [2], halves.astype("<u2").tobytes()).values.tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    ("datatype", "data", "message"),
    [
        ("INT64", "[1.5]", "not all elements are INT64"),
        ("INT8", "[300]", "not all elements are INT8"),
        ("UINT8", "[-1]", "not all elements are UINT8"),
        ("BOOL", "[1]", "not all elements are BOOL"),
        ("BYTES", "[1]", "are strings"),
        ("FP32", '["1"]', "not all elements are FP32"),
        ("FP32", "[1, 2]", "2 elements for shape"),
        ("FP32", "1", "is no array"),
        ("FP32", "[[[1]]]", "not all elements are FP32"),
    ],
)
def test_elements_that_do_not_fit_are_refused(datatype: str, data: str, message: str) -> None:
    tensor = {"name": "x", "shape": [1], "datatype": datatype, "data": json.loads(data)}
    with pytest.raises(InputError, match=message):
        read_request(json.dumps({"inputs": [tensor]}).encode(), None)


def test_nested_data_is_read_row_by_row() -> None:
    body = b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"INT16","data":[[1,2],[3,4]]}]}'
    tensor = cast("Tensor", read_request(body, None).inputs[0])
    assert tensor.values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("shape", [[0, 2**62], [0, 2**70], [2**40, 0], [3, 0]])
@pytest.mark.parametrize("datatype", ["FP64", "BYTES"])
def test_a_shape_of_nothing_promises_no_rows(shape: list[int], datatype: str) -> None:
    with pytest.raises(InputError, match="shape"):
        from_plain("x", datatype, shape, [])
    with pytest.raises(InputError, match="shape"):
        from_raw("x", datatype, shape, b"")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_follows_a_packed_body_is_not_dropped(coding: str) -> None:
    packed = gzip.compress(b"one") if coding == "gzip" else zlib.compress(b"one")
    headers = {b"content-encoding": coding.encode()}
    assert unpacked(Request("POST", "/", headers=headers, body=packed), 100) == b"one"
    with pytest.raises(InputError, match="follow"):
        unpacked(Request("POST", "/", headers=headers, body=packed * 2), 100)


def test_a_coding_of_no_weight_is_not_taken() -> None:
    for accept in (b"gzip;q=0.000", b"gzip; q=0", b"identity"):
        assert coded(Request("GET", "/", headers={b"accept-encoding": accept}), b"x" * 1000)[1] == ()
