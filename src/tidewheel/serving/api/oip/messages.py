"""An inference request and its answer, whatever they travel in; and their JSON with the binary tensor extension."""

from __future__ import annotations

from typing import Any

import msgspec

from tidewheel.errors import InputError
from tidewheel.serving.api.oip.tensors import Tensor, flat, from_plain, from_raw

HEADER_LENGTH = b"inference-header-content-length"


class Inference(msgspec.Struct):
    """What is asked of a model. `binary`: which outputs are wanted as bytes; `binary_others`: whether the rest are."""

    inputs: list[Tensor]
    id: str = ""
    outputs: list[str] = []
    binary: dict[str, bool] = {}
    binary_others: bool = False
    timeout_us: int = 0
    """How long the caller waits, microseconds; 0 when it did not say."""
    caller: str = ""


class Inferred(msgspec.Struct):
    """What a model gave."""

    model: str
    version: str
    outputs: list[Tensor]


class InputJson(msgspec.Struct):
    """An input as JSON shows it: with its data, or with the size of its bytes behind the JSON."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: msgspec.Raw = msgspec.Raw()


class OutputJson(msgspec.Struct):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


class InferJson(msgspec.Struct):
    """The body of an inference request."""

    inputs: list[InputJson]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[OutputJson] = []


_decode = msgspec.json.Decoder(InferJson).decode


def read_request(body: bytes, header_length: bytes | None) -> Inference:
    """Return the request in a body: JSON, and behind its first `header_length` bytes those of the binary tensors.

    Raises
    ------
    InputError
        The body is not what it says it is.
    """
    size = _size(header_length, len(body))
    try:
        told = _decode(body[:size])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"no inference request: {error}") from error
    binary = memoryview(body)[size:]
    inputs: list[Tensor] = []
    for item in told.inputs:
        length = item.parameters.get("binary_data_size")
        if length is None:
            inputs.append(_from_json(item))
            continue
        if type(length) is not int or not 0 <= length <= len(binary):
            raise InputError(f"input {item.name!r}: {len(binary)} bytes are left, binary_data_size says {length!r}")
        inputs.append(from_raw(item.name, item.datatype, item.shape, binary[:length]))
        binary = binary[length:]
    if len(binary):
        raise InputError(f"{len(binary)} bytes more than the inputs' binary_data_size")
    return _request(told, inputs)


def _request(told: InferJson, inputs: list[Tensor]) -> Inference:
    if any("classification" in output.parameters for output in told.outputs):
        raise InputError("classification of an output is not supported", remedy="ask for the output itself")
    timeout = told.parameters.get("timeout", 0)
    if type(timeout) is not int or timeout < 0:
        raise InputError(f"timeout {timeout!r}: expected microseconds")
    binary = {
        output.name: bool(output.parameters["binary_data"])
        for output in told.outputs
        if "binary_data" in output.parameters
    }
    names = [output.name for output in told.outputs]
    return Inference(inputs, told.id, names, binary, bool(told.parameters.get("binary_data_output")), timeout)


def _from_json(item: InputJson) -> Tensor:
    if not bytes(item.data):
        raise InputError(f"input {item.name!r} has no data", remedy="send data, or binary_data_size and bytes")
    return from_plain(item.name, item.datatype, item.shape, flat(item.name, item.data, len(item.shape)))


def _size(header_length: bytes | None, whole: int) -> int:
    if header_length is None:
        return whole
    text = header_length.strip()
    if not text.isdigit() or len(text) > 12 or int(text) > whole:
        raise InputError(f"Inference-Header-Content-Length {text[:20]!r} of a body of {whole} bytes")
    return int(text)


def write_answer(asked: Inference, given: Inferred) -> tuple[bytes, int | None]:
    """Return the body of an answer, and how long its JSON is when bytes follow it (None otherwise)."""
    behind: list[bytes] = []
    outputs: list[dict[str, Any]] = []
    for tensor in given.outputs:
        told: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if asked.binary.get(tensor.name, asked.binary_others):
            behind.append(tensor.raw())
            told["parameters"] = {"binary_data_size": len(behind[-1])}
        else:
            told["data"] = tensor.plain()
        outputs.append(told)
    answer: dict[str, Any] = {"model_name": given.model, "model_version": given.version}
    if asked.id:
        answer["id"] = asked.id
    head = msgspec.json.encode({**answer, "outputs": outputs})
    return (head + b"".join(behind), len(head)) if behind else (head, None)
