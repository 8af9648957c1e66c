"""Inference requests and answers between gRPC's messages and ours."""

from __future__ import annotations

from typing import Any

from tidewheel.errors import InputError
from tidewheel.serving.api.oip.messages import Inference, Inferred
from tidewheel.serving.api.oip.tensors import BYTES, Tensor, from_plain, from_raw

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT64": "int64_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
}


def read_message(message: Any) -> Inference:
    """Return the request in a ``ModelInferRequest``.

    Raises
    ------
    InputError
        Raw and typed contents are mixed, or an input is not what it says it is.
    """
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise InputError(f"{len(raw)} raw_input_contents for {len(message.inputs)} inputs")
    inputs = [_raw(item, raw[place]) if raw else _typed(item) for place, item in enumerate(message.inputs)]
    timeout = 0
    if "timeout" in message.parameters:
        timeout = max(message.parameters["timeout"].int64_param, 0)
    names = [output.name for output in message.outputs]
    return Inference(inputs, message.id, names, binary_others=bool(raw), timeout_us=timeout)


def _raw(item: Any, data: bytes) -> Tensor:
    if item.HasField("contents") and item.contents.ByteSize():
        raise InputError(f"input {item.name!r} has contents beside raw_input_contents", remedy="send one of them")
    return from_raw(item.name, item.datatype, list(item.shape), data)


def _typed(item: Any) -> Tensor:
    field = _CONTENTS.get(item.datatype)
    if field is None:
        raise InputError(f"input {item.name!r}: {item.datatype!r} has no typed contents", remedy="send it raw")
    return from_plain(item.name, item.datatype, list(item.shape), list(getattr(item.contents, field)))


def answer_message(answer: type[Any], asked: Inference, given: Inferred) -> Any:
    """Return a ``ModelInferResponse``: raw where the inputs were."""
    message = answer(model_name=given.model, model_version=given.version, id=asked.id)
    for tensor in given.outputs:
        output = message.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        if asked.binary_others:
            message.raw_output_contents.append(tensor.raw())
        else:
            getattr(output.contents, _CONTENTS[tensor.datatype]).extend(tensor.values.ravel().tolist())
    return message
